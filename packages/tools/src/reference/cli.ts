import { weirProgram } from '@weir/cli'
import { generatedHead } from './markdown.ts'

type Command = ReturnType<typeof weirProgram>

/** The help of a command as it is on a wide terminal without colours. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: part => (text += part),
    getOutHelpWidth: () => 120,
    getOutHasColors: () => false
  })
  command.outputHelp()
  return text.trimEnd()
}

/** docs/reference/cli.md */
export function cliPage(): string {
  const program = weirProgram()
  const pages = [program, ...program.commands].map(command => {
    const name = command === program ? 'weir' : `weir ${command.name()}`
    return `## ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`
  })
  return `${generatedHead('Commands')}In a checkout: \`npx weir …\`.\n\n${pages.join('\n')}`
}
