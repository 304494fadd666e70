import { Command } from 'commander'
import type { FrontClient } from '@weir/client'
import { writeYaml } from '@weir/config/yaml'
import { CodedError, exitCodes } from '@weir/runtime'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { documentOf, objectOf } from '../../ctl/given-document.ts'
import { print, timeOf } from '../../ctl/output.ts'
import { frontOf } from '../../ctl/target.ts'
import { stopSignal } from '../../traffic/stop-signal.ts'
import { wholeNumber } from '../../traffic/parse-target.ts'

interface StartOptions extends CtlOptions {
  readonly patch?: string
  readonly revision?: number
  readonly gates?: string
  readonly reason?: string
  readonly wait: boolean
}

const startHelp = `
Examples:
  $ weir ctl rollout start weir.yaml --reason "second collector"
  $ weir ctl rollout start --patch '{log: {level: debug}}' --gates '{soakMs: 60000}'

Each pod has to stand the gates before the next has its turn; if one does not, all go back at once. Ctrl-C stops looking on, not the
roll-out. Exit codes: 0 every pod has it, 1 it failed or was cancelled, others as weir ctl.
`

/** `weir ctl rollout`: a change pod by pod. */
export function rolloutCommand(): Command {
  return new Command('rollout')
    .description('Change the configuration of the fleet pod by pod (weir ctl get rollouts lists what was done).')
    .addCommand(startCommand())
    .addCommand(cancelCommand())
}

const startCommand = (): Command =>
  ctlCommand('start', 'Begin a roll-out, and look on until it ends.')
    .argument('[file]', 'weir.yaml or JSON; - is standard input')
    .option('--patch <object>', 'instead: some keys (RFC 7396)')
    .option('--revision <number>', 'instead: the document of an earlier revision', wholeNumber(0))
    .option('--gates <object>', 'what must hold at a pod, as the API has it')
    .option('--reason <text>', 'why, for the list of revisions')
    .option('--no-wait', 'only begin it, and print its id')
    .addHelpText('after', startHelp)
    .action((file: string | undefined, options: StartOptions) =>
      withTarget(options, target => start(frontOf(target, 'A roll-out'), file, options))
    )

async function start(client: FrontClient, file: string | undefined, options: StartOptions): Promise<void> {
  const { patch, revision, gates, reason, output } = options
  const body = {
    ...(file === undefined ? {} : { document: documentOf(file) }),
    ...(patch === undefined ? {} : { patch: objectOf(patch, '--patch') }),
    ...(revision === undefined ? {} : { revision }),
    ...(gates === undefined ? {} : { gates: objectOf(gates, '--gates') }),
    ...(reason === undefined ? {} : { reason })
  }
  const { data } = await client.POST('/api/v1/config/rollouts', { body: body as never })
  const id = data!.id
  if (!options.wait) return print(data, output, () => `${id}\n`)
  const stop = stopSignal()
  const ended = await watch(client, id, stop.signal).finally(stop.release)
  if (ended === undefined) {
    process.stderr.write(`weir: roll-out ${id} goes on; weir ctl get rollouts ${id} shows how it does\n`)
    return
  }
  print(ended, output, () => writeYaml({ rollout: id, state: ended.state, revision: ended.revision }))
  if (ended.state === 'done') return
  throw new CodedError('ROLLOUT_FAILED', `Roll-out ${id} ${ended.state}: ${ended.detail ?? ''}`, exitCodes.failed)
}

const LOOK_MS = 500

/** Tell what happens on standard error. @returns undefined if nobody wants to look any more. */
async function watch(client: FrontClient, id: string, signal: AbortSignal) {
  let toldMs = 0
  let told = new Set<string>()
  while (!signal.aborted) {
    const { data } = await client.GET('/api/v1/config/rollouts/{id}', { params: { path: { id } } })
    for (const { atMs, pod, what } of data!.events) {
      const line = `${timeOf(atMs)}  ${pod === null ? '' : `${pod}  `}${what}\n`
      if (atMs < toldMs || told.has(line)) continue
      if (atMs > toldMs) told = new Set()
      toldMs = atMs
      told.add(line)
      process.stderr.write(line)
    }
    if (data!.endedAtMs !== null) return data!
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, LOOK_MS)
      signal.addEventListener('abort', () => [clearTimeout(timer), resolve()], { once: true })
    })
  }
  return undefined
}

const cancelCommand = (): Command =>
  ctlCommand('cancel', 'End a roll-out: all pods go back to the revision of before.')
    .argument('<id>', 'of the roll-out')
    .action((id: string, options: CtlOptions) =>
      withTarget(options, async target => {
        const { data } = await frontOf(target, 'A roll-out').POST('/api/v1/config/rollouts/{id}/cancel', {
          params: { path: { id } }
        })
        print(data, options.output, () => `${id} ${data!.state}\n`)
      })
    )
