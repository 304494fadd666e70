import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { baseOf, send } from '@weir/client'
import { CodedError, errorCode, errorMessage, exitCodes } from '@weir/runtime'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import { addPodOption, podPathOf } from '../../ctl/pod-path.ts'
import type { PodOptions } from '../../ctl/pod-path.ts'
import type { Target } from '../../ctl/target.ts'

interface BundleOptions extends PodOptions {
  readonly out?: string
}

/** Until a pod has put it together. */
const TIMEOUT_MS = 90_000
const help = `
Examples:
  $ weir ctl support-bundle
  $ weir ctl support-bundle --pod 10.0.0.7:8090 --out pod7.tar.gz

It holds configuration, ledger, pipeline, exporters, templates, events and metrics of one pod, without secrets; look into it before you
give it away.
`

/** `weir ctl support-bundle`: what helps to understand a pod, as one archive. */
export function supportBundleCommand(): Command {
  return addPodOption(
    ctlCommand('support-bundle', 'Fetch all that helps to understand what a pod does, without secrets.')
  )
    .option('--out <file>', 'where it is written; default: its own name, in this folder')
    .addHelpText('after', help)
    .action((options: BundleOptions) => withTarget(options, target => fetchBundle(target, options)))
}

async function fetchBundle(target: Target, { pod, out }: BundleOptions): Promise<void> {
  const url = baseOf(target.options) + (await podPathOf(target, pod, 'support-bundle'))
  const response = await send(new Request(url, { method: 'POST' }), { ...target.options, timeoutMs: TIMEOUT_MS })
  const file = out ?? nameOf(response)
  const part = `${file}.${process.pid}.part`
  try {
    // Only for its owner: it tells much of a network.
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(part, { mode: 0o600, flags: 'wx' }))
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    if (errorCode(error) === undefined) throw error
    const message = `${file} cannot be written: ${errorMessage(error)}.`
    throw new CodedError('OUTPUT_FAILED', message, exitCodes.inputOutput, {}, error)
  }
  process.stdout.write(`${file}\n`)
}

/** The name that the pod gives it, if that is one of ours. */
function nameOf(response: Response): string {
  const name = /filename="(weir-support-[A-Za-z0-9]{1,40}\.tar\.gz)"/.exec(
    response.headers.get('content-disposition') ?? ''
  )?.[1]
  return name ?? 'weir-support.tar.gz'
}
