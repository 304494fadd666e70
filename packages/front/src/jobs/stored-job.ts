import type { Job as BullJob } from 'bullmq'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { TaskProgress } from '@weir/analysis'
import { FILE_NAME } from './file-name.ts'
import type { Job, JobFailure, JobOrder, JobResult, JobState } from './job.ts'
import { JOB_ID, UPLOAD_ID } from './job-shapes.ts'
import { workerLost } from './job-queue.ts'

/** What BullMQ keeps with a job, as it was given to it. */
export interface JobData {
  readonly uploads: JobOrder['uploads']
  readonly params: unknown
  readonly requestHash: string
  readonly isCancelAsked: boolean
}

export type StoredJob = BullJob<JobData, JobResult, string, TaskProgress>

const octets = Type.Integer({ minimum: 0 })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const name = Type.String({ pattern: FILE_NAME })

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const upload = Type.Object({ id: Type.String({ pattern: UPLOAD_ID }), name, octets, sha256 })
const failureShape = Type.Object({ code: Type.String(), detail: Type.String() })
const progressShape = Type.Object({ octetsRead: octets, octetsTotal: octets, records: octets })

// Whoever can write to Redis can write anything; what is a path or ends in one is looked at here.
const data = Compile(
  Type.Object({
    uploads: Type.Array(upload),
    params: Type.Unknown(),
    requestHash: Type.String(),
    isCancelAsked: Type.Boolean()
  })
)
const result = Compile(
  Type.Object({
    summary: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
    files: Type.Array(
      Type.Object({ name, mediaType: Type.String({ pattern: '^[\\x20-\\x7e]{1,128}$' }), octets, sha256 })
    )
  })
)
const failure = Compile(failureShape)
const progress = Compile(progressShape)
const cancelled = Compile(
  Type.Object({
    id: Type.String({ pattern: JOB_ID }),
    type: Type.String(),
    author: Type.String(),
    state: Type.Union([Type.Literal('failed'), Type.Literal('cancelled')]),
    uploads: Type.Array(upload),
    params: Type.Unknown(),
    requestHash: Type.String(),
    position: Type.Null(),
    createdAtMs: Type.Number(),
    startedAtMs: orNull(Type.Number()),
    finishedAtMs: Type.Number(),
    attempts: octets,
    isCancelAsked: Type.Boolean(),
    progress: orNull(progressShape),
    error: orNull(failureShape),
    result: Type.Null()
  })
)
const id = new RegExp(JOB_ID)

/** A job that BullMQ does not have any more: it was cancelled while it waited, or is on its way back to it. */
export const writeCancelled = (job: Job): string => JSON.stringify(job)

/** @returns undefined if there is none, or it is not as we write it. */
export function readCancelled(text: string | null): Job | undefined {
  if (text === null) return undefined
  try {
    const job: unknown = JSON.parse(text)
    return cancelled.Check(job) ? (job as Job) : undefined
  } catch {
    return undefined
  }
}

/** Type and author, which are read without the rest. */
export const writeName = ({ type, author }: JobOrder): string => `${type} ${author}`

export function readName(text: string): { readonly type: string; readonly author: string } {
  const [type = ''] = text.split(' ', 1)
  return { type, author: text.slice(type.length + 1) }
}

/** True if a job is as we write them. */
export const isOurs = (job: StoredJob): boolean => id.test(job.id ?? '') && data.Check(job.data)

/** BullMQ's own words for a job whose workers were lost too often. */
const LOST = 'job stalled more than allowable limit'

/** How often it was begun and not given back. @param isRunning - it is now. */
export function attemptsOf(job: StoredJob, isRunning: boolean): number {
  const { attemptsMade, stalledCounter, deferredFailure, failedReason } = job
  // Where its workers were lost, the failing itself is no attempt.
  if (deferredFailure || failedReason === LOST) return stalledCounter
  return attemptsMade + stalledCounter + (isRunning ? 1 : 0)
}

/** @param position - among those that wait. */
export function jobOfStored(job: StoredJob, isActive: boolean, position: number | null): Job {
  const { uploads, params, requestHash, isCancelAsked } = job.data
  const { finishedOn, failedReason, returnvalue } = job
  // A reason may be there of an attempt before.
  const hasResult = finishedOn !== undefined && result.Check(returnvalue)
  const error = finishedOn === undefined || hasResult ? null : errorOf(failedReason, job.stalledCounter)
  const state: JobState =
    finishedOn === undefined
      ? isActive
        ? 'running'
        : 'queued'
      : hasResult
        ? 'succeeded'
        : isCancelAsked
          ? 'cancelled'
          : 'failed'
  const isBegun = state !== 'queued'
  return {
    id: job.id!,
    ...readName(job.name),
    uploads,
    params,
    requestHash,
    state,
    position: state === 'queued' ? position : null,
    createdAtMs: job.timestamp,
    startedAtMs: isBegun || job.attemptsMade + job.stalledCounter > 0 ? (job.processedOn ?? null) : null,
    finishedAtMs: finishedOn ?? null,
    attempts: attemptsOf(job, isActive),
    isCancelAsked: state === 'running' && isCancelAsked,
    progress: state !== 'queued' && progress.Check(job.progress) ? job.progress : null,
    error: state === 'failed' ? error : null,
    result: hasResult ? returnvalue : null
  }
}

/** Failures are JSON where we wrote them; the other ones are BullMQ's words for a worker that was lost. */
export const writeFailure = (error: JobFailure): string => JSON.stringify(error)

function errorOf(reason: string, stalled: number): JobFailure {
  try {
    const read: unknown = JSON.parse(reason)
    if (failure.Check(read)) return read
  } catch {
    // Told below.
  }
  return workerLost(Math.max(1, stalled))
}
