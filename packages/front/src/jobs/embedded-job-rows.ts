import type { Job, JobState } from './job.ts'

/** A job as a row of the table. */
export interface JobRow {
  readonly id: string
  readonly place: number
  readonly type: string
  readonly author: string
  readonly state: JobState
  readonly uploads: string
  readonly params: string
  readonly requestHash: string
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly attempts: number
  readonly isCancelAsked: number
  readonly progress: string | null
  readonly error: string | null
  readonly result: string | null
  /** Who has it, and until when at least. */
  readonly worker: string | null
  readonly leaseUntilMs: number | null
}

export const jobSchema = `
  CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    type TEXT NOT NULL,
    author TEXT NOT NULL,
    state TEXT NOT NULL,
    uploads TEXT NOT NULL,
    params TEXT NOT NULL,
    requestHash TEXT NOT NULL,
    createdAtMs INTEGER NOT NULL,
    startedAtMs INTEGER,
    finishedAtMs INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    isCancelAsked INTEGER NOT NULL DEFAULT 0,
    progress TEXT,
    error TEXT,
    result TEXT,
    worker TEXT,
    leaseUntilMs INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, place);
  CREATE TABLE IF NOT EXISTS totals (
    type TEXT NOT NULL,
    result TEXT NOT NULL,
    count INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (type, result)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS workers (name TEXT PRIMARY KEY, seenAtMs INTEGER NOT NULL) STRICT;
`

/** @param position - its place among those that wait. */
export function jobOf(row: JobRow, position: number | null): Job {
  const { id, type, author, state, requestHash, createdAtMs, startedAtMs, finishedAtMs, attempts } = row
  return {
    id,
    type,
    author,
    state,
    position,
    uploads: JSON.parse(row.uploads) as Job['uploads'],
    params: JSON.parse(row.params) as unknown,
    requestHash,
    createdAtMs,
    startedAtMs,
    finishedAtMs,
    attempts,
    isCancelAsked: row.isCancelAsked !== 0,
    progress: parsed<NonNullable<Job['progress']>>(row.progress),
    error: parsed<NonNullable<Job['error']>>(row.error),
    result: parsed<NonNullable<Job['result']>>(row.result)
  }
}

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))
