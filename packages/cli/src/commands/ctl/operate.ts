import { Argument } from 'commander'
import type { Command } from 'commander'
import { baseOf, send } from '@weir/client'
import { addPodOption, podPathOf } from '../../ctl/pod-path.ts'
import type { PodOptions } from '../../ctl/pod-path.ts'
import { writeYaml } from '@weir/config/yaml'
import { exitCodes } from '@weir/runtime'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import { print } from '../../ctl/output.ts'

/** What can be done to what, without a change of the document. */
const operations: Readonly<Record<string, { readonly summary: string; readonly of: readonly string[] }>> = {
  pause: {
    summary: 'Hold it: a listener reads nothing more, a destination keeps what comes in its queue.',
    of: ['listener', 'destination']
  },
  resume: { summary: 'Let it go on.', of: ['listener', 'destination'] },
  drain: { summary: 'Let it finish what it has and take nothing new.', of: ['listener', 'destination'] },
  flush: {
    summary: 'Send what waits now, and finish the open file; exit code 1 if not all could go.',
    of: ['destination']
  },
  test: { summary: 'See whether it can be reached now; exit code 1 if not.', of: ['destination'] },
  'resend-templates': { summary: 'Send all templates again now.', of: ['destination'] }
}

/** `weir ctl pause`, `resume`, `drain`, … */
export function operateCommands(): Command[] {
  return Object.entries(operations).map(([verb, { summary, of }]) =>
    addPodOption(ctlCommand(verb, summary))
      .addArgument(new Argument('<what>').choices(of))
      .argument('<id>', 'its id or name')
      .addHelpText('after', `\nExample:\n  $ weir ctl ${verb} ${of.at(-1)} out\n`)
      .action((what: string, id: string, options: PodOptions) => operate(verb, what, id, options))
  )
}

/** Nobody was reached, or not all has gone in the time that it had: the answer says why, the exit code that it is so. */
const hasFailed = (answer: { readonly reachable?: unknown; readonly isDone?: unknown }): boolean =>
  answer.reachable === 'no' || answer.isDone === false

const operate = (verb: string, what: string, id: string, options: PodOptions): Promise<void> =>
  withTarget(options, async target => {
    const path = await podPathOf(target, options.pod, `${what}s/${encodeURIComponent(id)}/${verb}`)
    const url = `${baseOf(target.options)}${path}`
    const answer = await (await send(new Request(url, { method: 'POST' }), target.options)).json()
    print(answer, options.output, () => writeYaml(answer))
    if (hasFailed(answer as object)) process.exitCode = exitCodes.failed
  })
