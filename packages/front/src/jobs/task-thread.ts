import { createHash } from 'node:crypto'
import { constants, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { MessagePort } from 'node:worker_threads'
import { threadId, workerData } from 'node:worker_threads'
import { Compile } from 'typebox/compile'
import { Default } from 'typebox/value'
import type { Task, TaskInput, TaskLimits, TaskProgress, TaskResult } from '@weir/analysis'
import { CodedError, errorCode, exitCodes, safeText } from '@weir/runtime'
import { taskDefect } from './job.ts'
import type { JobFailure, JobFile, JobResult } from './job.ts'
import { isFileName } from './file-name.ts'
import type { JobContext, TaskSurroundings } from './task-surroundings.ts'

/** What a thread is asked to do. Nothing that it computes on comes with it, only where the files are. */
export interface ThreadOrder {
  readonly task: string
  readonly params: unknown
  readonly inputs: readonly TaskInput[]
  readonly outputFolder: string
  readonly limits: TaskLimits
  /** Progress goes out, `end` comes in. */
  readonly port: MessagePort
}

/** What every thread of a pool has. */
export interface ThreadData {
  /** Url of a module that exports `tasks`. */
  readonly module: string
  readonly surroundings: TaskSurroundings
}

/** What a thread says while it works. */
export type ThreadMessage =
  | { readonly kind: 'begun'; readonly threadId: number }
  | { readonly kind: 'progress'; readonly progress: TaskProgress }

export type ThreadAnswer =
  | { readonly isDone: true; readonly result: JobResult }
  /** `isFinal`: it says so itself, so another attempt would end like this one. `defect`: for the log; it may name paths. */
  | { readonly isDone: false; readonly error: JobFailure; readonly isFinal: boolean; readonly defect?: string }

/** Progress is passed on so often. */
const PROGRESS_MS = 250

let tasks: Promise<ReadonlyMap<string, Task>> | undefined

/** Runs in a thread of the pool: one task, to its end. */
export default async function runInThread(order: ThreadOrder): Promise<ThreadAnswer> {
  const { port, outputFolder, limits } = order
  const controller = new AbortController()
  port.on('message', () => controller.abort(new Error('nobody wants it any more')))
  const say = (message: ThreadMessage): void => port.postMessage(message)
  say({ kind: 'begun', threadId })
  let saidAtMs = -Infinity
  let unsaid: TaskProgress | undefined
  try {
    const task = (await (tasks ??= loadTasks())).get(order.task)
    if (task === undefined) throw unfit(`There is no kind of job ${order.task}`)
    // The queue may be one that others can write to, or that was written by another version.
    const params = Default(task.params, structuredClone(order.params))
    const [issue] = Compile(task.params).Errors(params)
    if (issue !== undefined) throw unfit(`params${issue.instancePath} ${issue.message}`)
    const context: JobContext = {
      inputs: order.inputs,
      outputFolder,
      limits,
      signal: controller.signal,
      progress: ({ octetsRead, octetsTotal, records }) => {
        const nowMs = performance.now()
        unsaid = { octetsRead, octetsTotal, records }
        if (nowMs - saidAtMs < PROGRESS_MS) return
        saidAtMs = nowMs
        say({ kind: 'progress', progress: unsaid })
        unsaid = undefined
      },
      surroundings: (workerData as ThreadData).surroundings
    }
    const result = await task.run(params, context)
    if (unsaid !== undefined) say({ kind: 'progress', progress: unsaid })
    return { isDone: true, result: await checked(result, outputFolder, limits) }
  } catch (error) {
    return failureOf(error)
  } finally {
    port.close()
  }
}

const unfit = (what: string): CodedError =>
  new CodedError('JOB_UNFIT', `${what}, for this version of the job worker; make the job anew.`, exitCodes.badInput)

async function loadTasks(): Promise<ReadonlyMap<string, Task>> {
  const { module } = workerData as ThreadData
  const { tasks: list } = (await import(module)) as { tasks: readonly Task[] }
  return new Map(list.map(task => [task.name, task]))
}

function failureOf(error: unknown): ThreadAnswer {
  if (error instanceof CodedError) {
    return { isDone: false, error: { code: error.code, detail: safeText(error.message, 1_024) }, isFinal: true }
  }
  const system = errorCode(error)
  if (system === 'ENOSPC' || system === 'EDQUOT') {
    const detail = 'The volume of the jobs is full; delete uploads or jobs that nobody needs.'
    return { isDone: false, error: { code: 'DISK_FULL', detail }, isFinal: true }
  }
  const defect = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { isDone: false, error: taskDefect, isFinal: false, defect }
}

/** The files are there, are files, and are no more than was said; with what proves them to be the same later. */
async function checked({ files, summary }: TaskResult, folder: string, limits: TaskLimits): Promise<JobResult> {
  const left = new Set(await readdir(folder))
  const checkedFiles: JobFile[] = []
  let octets = 0
  for (const { name, mediaType } of files) {
    if (!isFileName(name) || !left.delete(name)) throw new Error(`the task told of a file ${name} that it did not make`)
    const file = await hashed(join(folder, name))
    octets += file.octets
    checkedFiles.push({ name, mediaType, ...file })
  }
  if (left.size > 0) throw new Error(`the task did not tell of ${[...left].join(', ')}`)
  if (octets > limits.outputOctets) {
    throw new CodedError(
      'TASK_LIMIT',
      `The result has ${octets} octets, and ${limits.outputOctets} are allowed.`,
      exitCodes.failed
    )
  }
  return { files: checkedFiles, summary }
}

async function hashed(path: string): Promise<{ octets: number; sha256: string }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const facts = await file.stat()
    if (!facts.isFile()) throw new Error(`${path} is no regular file`)
    const hash = createHash('sha256')
    await pipeline(file.createReadStream({ autoClose: false }), hash)
    await file.sync()
    return { octets: facts.size, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}
