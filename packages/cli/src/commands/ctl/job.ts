import { randomUUID } from 'node:crypto'
import { Presets, SingleBar } from 'cli-progress'
import { Command } from 'commander'
import { ApiError } from '@weir/client'
import type { FrontClient } from '@weir/client'
import { readYaml, writeYaml } from '@weir/config/yaml'
import { CodedError, exitCodes } from '@weir/runtime'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { discard, download, endOf, tellKept, uploadOf } from '../../ctl/job-api.ts'
import type { Job } from '../../ctl/job-api.ts'
import { print } from '../../ctl/output.ts'
import { frontOf } from '../../ctl/target.ts'
import type { Target } from '../../ctl/target.ts'
import { stopSignal } from '../../traffic/stop-signal.ts'

interface RunOptions extends CtlOptions {
  readonly params?: string
  readonly out?: string
  readonly wait: boolean
  readonly keepUpload?: true
}

const runHelp = `
Examples:
  $ weir ctl get job-types                                      what can be done
  $ weir ctl get job-types convert                              and with which parameters
  $ weir ctl job run analyse capture.pcap --out report
  $ weir ctl job run convert capture.pcap --params '{to: parquet, filter: proto = tcp}' --out .
  $ weir ctl job run analyse u0123456789abcdef0123456789abcdef  an upload that is there

What was uploaded is deleted when the job has succeeded or is refused; it is kept for weir ctl job retry where the job failed or was
cancelled, and where nobody waits for its end. Uploads that are given by id are kept.

Ctrl-C stops waiting, not the job. Exit codes: 0 it succeeded (or was only begun), 1 it failed or was cancelled,
65 it is refused, 66 a file cannot be read, 69 the API does not answer.
`

/** `weir ctl job`: work on recorded flows. */
export function jobCommand(): Command {
  return new Command('job')
    .description('Have work done on recorded flows (weir ctl get jobs lists what was done).')
    .addCommand(runCommand())
    .addCommand(downloadCommand())
    .addCommand(changeCommand('cancel', 'Do not do it after all.'))
    .addCommand(changeCommand('retry', 'Do it again, if it failed or was cancelled.'))
    .addCommand(deleteCommand())
    .addCommand(deleteUploadCommand())
}

const runCommand = (): Command =>
  ctlCommand('run', 'Upload files, make a job of them, wait for it, and fetch what it has made.')
    .argument('<type>', 'what is to be done')
    .argument('[file...]', 'files, or ids of uploads')
    .option('--params <object>', 'JSON or YAML')
    .option('--out <folder>', 'where its files are written; without it they stay with the API')
    .option('--no-wait', 'only begin it, and print its id')
    .option('--keep-upload', 'keep what was uploaded; weir ctl get uploads lists it')
    .addHelpText('after', runHelp)
    .action((type: string, files: string[], options: RunOptions) =>
      withTarget(options, target => run(target, type, files, options))
    )

async function run(target: Target, type: string, files: readonly string[], options: RunOptions): Promise<void> {
  const client = frontOf(target, 'A job')
  const brought: string[] = []
  const made = await begin(target, client, type, files, options, brought).catch(async (error: unknown) => {
    // No job came of it that could need them. Who does not answer is not asked again.
    const isAway = error instanceof ApiError && error.status === 0
    if (isAway || options.keepUpload) tellKept(brought)
    else await discard(client, brought)
    throw error
  })
  if (made.workers === 0) {
    process.stderr.write(`weir: no job worker is there; start one with weir job-worker (job ${made.id} waits)\n`)
  }
  if (!options.wait) {
    tellKept(brought)
    return print(made, options.output, () => `${made.id}\n`)
  }
  const stop = stopSignal()
  const job = await shown(onJob => endOf(client, made.id, stop.signal, onJob)).finally(stop.release)
  if (job?.state === 'succeeded' && !options.keepUpload) await discard(client, brought)
  else tellKept(brought)
  if (job === undefined) {
    process.stderr.write(`weir: job ${made.id} goes on; weir ctl get jobs ${made.id} shows how it does\n`)
    return
  }
  await report(target, job, options)
}

/** @param brought - gets the ids of what was uploaded for this job alone. */
async function begin(
  target: Target,
  client: FrontClient,
  type: string,
  files: readonly string[],
  options: RunOptions,
  brought: string[]
): Promise<Job> {
  const params = options.params === undefined ? {} : { params: readYaml(options.params, '--params') }
  const uploads: string[] = []
  for (const file of files) {
    const id = await uploadOf(target.options, file)
    uploads.push(id)
    if (id !== file) brought.push(id)
  }
  const body = { type, ...(uploads.length === 0 ? {} : { input: { uploads } }), ...params }
  const header = { 'idempotency-key': randomUUID() }
  const { data } = await client.POST('/api/v1/jobs', { params: { header }, body: body as never })
  return data!
}

/** A bar on a terminal, while it runs. */
async function shown<T>(wait: (onJob: (job: Job) => void) => Promise<T>): Promise<T> {
  const format = '{state} {bar} {percentage}% | {records} records'
  const bar = new SingleBar({ format, clearOnComplete: true, stream: process.stderr }, Presets.shades_classic)
  const isTerminal = process.stderr.isTTY === true
  if (isTerminal) bar.start(1, 0, { state: 'queued', records: 0 })
  try {
    return await wait(({ state, position, progress }) => {
      if (!isTerminal) return
      bar.setTotal(Math.max(1, progress?.octetsTotal ?? 1))
      const where = position === null ? state : `${state} (${position}.)`
      bar.update(progress?.octetsRead ?? 0, { state: where, records: progress?.records ?? 0 })
    })
  } finally {
    bar.stop()
  }
}

async function report(
  target: Target,
  job: Job,
  { out, output }: CtlOptions & { readonly out?: string }
): Promise<void> {
  if (job.state !== 'succeeded') {
    const { code, detail } = job.error ?? { code: 'JOB_CANCELLED', detail: 'It was cancelled.' }
    throw new CodedError(code, `Job ${job.id} ${job.state}: ${detail} (${code})`, exitCodes.failed)
  }
  const files =
    out === undefined ? (job.result?.files ?? []).map(({ href }) => href) : await download(target.options, job, out)
  print(
    job,
    output,
    () => `${writeYaml({ job: job.id, ...job.result?.summary })}${files.map(file => `${file}\n`).join('')}`
  )
}

const downloadCommand = (): Command =>
  ctlCommand('download', 'Fetch what a job has made.')
    .argument('<id>', 'of the job')
    .option('--out <folder>', 'where the files are written', '.')
    .action((id: string, options: CtlOptions & { readonly out: string }) =>
      withTarget(options, async target => {
        const { data } = await frontOf(target, 'A job').GET('/api/v1/jobs/{id}', { params: { path: { id } } })
        await report(target, data!, options)
      })
    )

const changeCommand = (verb: 'cancel' | 'retry', summary: string): Command =>
  ctlCommand(verb, summary)
    .argument('<id>', 'of the job')
    .action((id: string, options: CtlOptions) =>
      withTarget(options, async target => {
        const { data } = await frontOf(target, 'A job').POST(`/api/v1/jobs/{id}/${verb}`, { params: { path: { id } } })
        print(data, options.output, () => `${id} ${data!.isCancelAsked ? 'is about to end' : data!.state}\n`)
      })
    )

const deleteCommand = (): Command =>
  ctlCommand('delete', 'Forget a job that does not run, and what it has made.')
    .argument('<id>', 'of the job')
    .action((id: string, options: CtlOptions) =>
      withTarget(options, async target => {
        await frontOf(target, 'A job').DELETE('/api/v1/jobs/{id}', { params: { path: { id } } })
        process.stdout.write(`${id} is forgotten.\n`)
      })
    )

const deleteUploadCommand = (): Command =>
  ctlCommand('delete-upload', 'Delete an upload that no job needs (weir ctl get uploads lists them).')
    .argument('<id>', 'of the upload')
    .action((id: string, options: CtlOptions) =>
      withTarget(options, async target => {
        await frontOf(target, 'An upload').DELETE('/api/v1/uploads/{id}', { params: { path: { id } } })
        process.stdout.write(`${id} is deleted.\n`)
      })
    )
