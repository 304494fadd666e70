import { ShellCompDirective } from '@bomb.sh/tab'
import addCompletion from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/** Suggested after `weir ctl job run`; which there are, the API says. */
export const jobTypes = ['analyse', 'compare', 'convert', 'graph', 'query', 'replay']

/** Arguments that are paths. */
const fileArguments: ReadonlySet<string> = new Set(['file', 'config'])

/** `weir complete`. Besides what the library does: files, types of jobs, and scripts of bash that can be read twice. */
export function addCompletions(program: Command): void {
  const completion = addCompletion(program)
  let isFile = false
  const file = (): void => void (isFile = true)
  for (const [name, { arguments: known, options }] of completion.commands) {
    const command = commandAt(program, name)
    for (const argument of command?.registeredArguments ?? []) {
      const target = known.get(argument.name())
      if (target !== undefined && fileArguments.has(target.name)) target.handler = file
    }
    for (const { flags, long } of command?.options ?? []) {
      const target = options.get(long?.slice(2) ?? '')
      if (target !== undefined && /<(file|folder)>$/.test(flags)) target.handler = file
    }
  }
  const type = completion.commands.get('ctl job run')?.arguments.get('type')
  if (type !== undefined) type.handler = complete => jobTypes.forEach(each => complete(each, ''))

  const parse = completion.parse.bind(completion)
  completion.parse = args => {
    isFile = false
    const text = printed(() => parse(args))
    // The library tells the shell every time that no files are wanted.
    process.stdout.write(isFile ? text.replace(/:\d+\n$/, `:${ShellCompDirective.ShellCompDirectiveDefault}\n`) : text)
  }
  const setup = completion.setup.bind(completion)
  completion.setup = (name, executable, shell) => {
    const text = printed(() => setup(name, executable, shell))
    process.stdout.write(shell === 'bash' ? forBash(text) : text)
  }
}

/** Read twice, constants are an error; and files are only completed by who has asked for it. */
const forBash = (text: string): string =>
  text.replaceAll(/^readonly (?=ShellComp)/gm, '').replaceAll(/^complete -F /gm, 'complete -o default -F ')

const commandAt = (program: Command, name: string): Command | undefined =>
  name
    .split(' ')
    .reduce<Command | undefined>((command, part) => command?.commands.find(each => each.name() === part), program)

/** What the library prints: it gives its texts to nobody. */
function printed(print: () => void): string {
  const { log } = console
  let text = ''
  console.log = (line: string) => void (text += `${line}\n`)
  try {
    print()
  } finally {
    console.log = log
  }
  return text
}
