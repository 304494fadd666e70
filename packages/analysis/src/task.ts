import type { TSchema } from 'typebox'

/** One file of flows that a task reads. */
export interface TaskInput {
  /** As its owner called it; checked, and never used as a path. */
  readonly name: string
  readonly path: string
  readonly octets: number
}

/** How far a task has come. */
export interface TaskProgress {
  readonly octetsRead: number
  /** Of all inputs. */
  readonly octetsTotal: number
  readonly records: number
}

/** Bounds of one task (L-82). Whoever runs it bounds its CPU time and its memory. */
export interface TaskLimits {
  readonly outputOctets: number
  /** Octets that one octet of a compressed input may become. */
  readonly expansion: number
  /** For tables of what was seen; what comes after they are full is counted apart. */
  readonly memoryOctets: number
}

export interface TaskContext {
  readonly inputs: readonly TaskInput[]
  /** An empty folder; every file of the result is made in it. */
  readonly outputFolder: string
  readonly limits: TaskLimits
  /** Aborted when nobody wants the result any more; a task that runs in a thread may also be ended without a word. */
  readonly signal: AbortSignal
  /** May be called as often as is handy; whoever runs it passes on a few a second. */
  progress(now: TaskProgress): void
}

export interface TaskFile {
  /** In the output folder. */
  readonly name: string
  readonly mediaType: string
  readonly octets: number
}

export interface TaskResult {
  readonly files: readonly TaskFile[]
  /** What a list of jobs shows of it; small. */
  readonly summary: { readonly [key: string]: string | number | boolean | null }
}

/**
 * One kind of work on recorded flows. It computes and reads and writes files, so that it can run in a thread. What it has besides
 * (sockets, a child process) ends when `signal` says so, and by itself where its thread is ended without a word.
 *
 * Errors of the input are a CodedError with one sentence and what to do; `TASK_LIMIT` = a bound was reached.
 */
export interface Task<Params = unknown> {
  readonly name: string
  /** One sentence for the docs page. */
  readonly summary: string
  /** Of the parameters; `additionalProperties: false`, defaults and descriptions included. */
  readonly params: TSchema
  /** How many inputs it takes. */
  readonly inputs: { readonly min: number; readonly max: number }
  run(params: Params, context: TaskContext): Promise<TaskResult>
}
