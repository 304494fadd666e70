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
  const pages = pagesOf(program, [])
  return `${generatedHead('Commands')}In a checkout: \`npx weir …\`.\n\n${pages.join('\n')}`
}

/** One section for a command and each below it. */
function pagesOf(command: Command, parents: readonly string[]): string[] {
  const names = [...parents, command.name()]
  const page = `## ${names.join(' ')}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`
  // Those that are hidden are for Weir itself.
  const visible = new Set(command.createHelp().visibleCommands(command))
  const children = command.commands.filter(each => visible.has(each))
  return [page, ...children.flatMap(each => pagesOf(each as Command, names))]
}
