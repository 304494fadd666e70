import type { TaskFile, TaskProgress, TaskResult } from '@weir/analysis'

/** `running` = a worker has it; the three last ones are ends. */
export const jobStates = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]

/** Nothing more happens to it by itself. */
export const hasEnded = (state: JobState): boolean => state !== 'queued' && state !== 'running'

/** An upload as it was when the job was made. */
export interface JobUpload {
  readonly id: string
  readonly name: string
  readonly octets: number
  /** Hexadecimal. */
  readonly sha256: string
}

/** What somebody wants done. */
export interface JobOrder {
  /** `j` and 32 hexadecimal digits. */
  readonly id: string
  /** Name of a task. */
  readonly type: string
  /** Id of the key that it was made with. */
  readonly author: string
  readonly uploads: readonly JobUpload[]
  readonly params: unknown
  /** Of type, uploads and params: an order with the same id is the same order only if this is equal. */
  readonly requestHash: string
}

export interface JobFile extends TaskFile {
  /** Hexadecimal. */
  readonly sha256: string
}

export interface JobResult {
  readonly files: readonly JobFile[]
  readonly summary: TaskResult['summary']
}

/** Why it failed. */
export interface JobFailure {
  readonly code: string
  /** One sentence for a person. */
  readonly detail: string
}

/** A job as it is now. */
export interface Job extends JobOrder {
  readonly state: JobState
  /** 1: the next one; null: it does not wait. */
  readonly position: number | null
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  /** How often it was begun, as far as it was not given back. */
  readonly attempts: number
  /** It runs, and is to end. */
  readonly isCancelAsked: boolean
  readonly progress: TaskProgress | null
  readonly error: JobFailure | null
  readonly result: JobResult | null
}

/** How one attempt ended. */
export type JobOutcome =
  | { readonly kind: 'succeeded'; readonly result: JobResult }
  /** `isFinal`: another attempt would end like this one. */
  | { readonly kind: 'failed'; readonly error: JobFailure; readonly isFinal: boolean }
  | { readonly kind: 'cancelled' }
  /** As if it had not been begun. */
  | { readonly kind: 'returned' }

/** Why an attempt is to end before its end: nobody wants it, another worker has the job, or this worker stops. */
export type AttemptEnd = 'cancelled' | 'lost' | 'stopping'

/** One attempt, for who does the work. */
export interface JobAttempt {
  readonly job: Job
  /** Its reason is an {@link AttemptEnd}. */
  readonly signal: AbortSignal
  progress(now: TaskProgress): void
}

/** Does the work; never rejects. */
export type RunJob = (attempt: JobAttempt) => Promise<JobOutcome>

/** What is said of a task that did not fail by what it was given. */
export const taskDefect: JobFailure = {
  code: 'TASK_DEFECT',
  detail: 'The task ended by a defect of Weir; the log of the job worker says more.'
}
