import type { StoredEntry } from './stored-entry.ts'

/**
 * Where templates and options state outlive a process. A hint, never the truth: what an exporter announces always wins,
 * and every ring may be absent, slow or damaged without one wrong record.
 *
 * `put` and `remove` never wait and never throw: they are called on the data path. Reading is for the start.
 */
export interface TemplateStore {
  /** Opens it. A damaged store is set aside and counted; only a path that cannot be used at all rejects. */
  start(): Promise<void>
  /** The entries of these keys (`entryKey`), `undefined` for each that is not there; in the order asked. */
  get(keys: readonly string[]): Promise<(StoredEntry | undefined)[]>
  /** All entries, or those of one scope. What was put before is seen. Damaged entries are left out and counted. */
  list(scope?: string): Promise<StoredEntry[]>
  /** Keeps the entries from now on; they must not be changed afterwards. */
  put(entries: readonly StoredEntry[]): void
  remove(keys: readonly string[]): void
  /** Resolves when everything put and removed before is where it outlives the process. */
  flush(): Promise<void>
  /** Flushes and closes; may be called twice, and before `start`. */
  close(): Promise<void>
  readonly stats: TemplateStoreStats
}

/** Counters since the start, plain numbers. */
export interface TemplateStoreStats {
  /** Entries there now. */
  entries: number
  /** Changes accepted that are not yet durable. */
  unflushed: number
  writes: number
  removals: number
  /** Entries not believed when read. */
  rejected: number
  /** Writes that failed; they are tried again with the next flush. */
  failures: number
  /** Whole stores set aside as damaged. */
  quarantined: number
}

export const emptyStats = (): TemplateStoreStats => ({
  entries: 0,
  unflushed: 0,
  writes: 0,
  removals: 0,
  rejected: 0,
  failures: 0,
  quarantined: 0
})
