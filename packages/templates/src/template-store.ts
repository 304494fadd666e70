import type { PendingShelf } from './pending-shelf.ts'
import type { EntryKey, Place, StoredEntry, StoredPlace, TemplateVersion } from './stored-entry.ts'

/**
 * Why entries are removed. `withdrawn`: the exporter or the operator said so; they go everywhere. `expired`: this
 * process has them no more (lifetime, a limit, the end of a session); a shared ring keeps them until their own time.
 */
export type RemovalReason = 'withdrawn' | 'expired'

/** `breaker_open`: it failed so often that it is not asked until a probe succeeds. */
export type StoreHealth = 'up' | 'down' | 'breaker_open'

export interface ListOptions {
  /** Only places of which something was seen since then, milliseconds since 1970 UTC. */
  readonly seenSinceMs?: number
}

/**
 * Where templates and options state outlive a process. A hint, never the truth: what an exporter announces always wins,
 * and every ring may be absent, slow or damaged without one wrong record.
 *
 * `put` and `remove` never wait and never throw: they are called on the data path. What reads never rejects because a
 * server is away: it answers with nothing, and `stats` say so.
 */
export interface TemplateStore {
  /**
   * Opens it. A damaged file is set aside and counted; only a path that cannot be used at all rejects. A shared ring
   * resolves when it is connected or its time for connecting has passed; it connects in the background from then on.
   */
  start(): Promise<void>
  /** What is stored of these places, in the order asked, `entries` empty where nothing is; entries in no order. */
  read(places: readonly Place[]): Promise<StoredPlace[]>
  /** All places, the last seen first, in batches of at most 500. Damaged entries are left out and counted. */
  list(options?: ListOptions): AsyncIterable<readonly StoredPlace[]>
  /**
   * Keeps the entries from now on; they must not be changed afterwards. A local ring takes what is put; a shared one
   * what `supersedes` the entry it has.
   */
  put(entries: readonly StoredEntry[]): void
  remove(keys: readonly EntryKey[], reason: RemovalReason): void
  /**
   * @param listener - told of places that other writers changed; not of what this ring wrote. May be told too much.
   * @param onMissed - told when changes may have been missed: anything read before may be old.
   * @returns ends it.
   */
  watch(listener: (changed: readonly Place[]) => void, onMissed?: () => void): () => void
  /**
   * @param listener - told when what was put may be there no more: the server was emptied, restarted or failed over, or
   * changes were given up while it was away. Who holds what is live puts it again. Never told by a local ring.
   * @returns ends it.
   */
  onLost(listener: () => void): () => void
  /** Definitions that the ids of a place had, in the order of first announcement; at most 256 of a place are kept. */
  history(place: Place, templateId?: number): Promise<TemplateVersion[]>
  /** Shared rings only. */
  readonly shelf: PendingShelf | undefined
  readonly health: StoreHealth
  /** Resolves when everything put and removed before is where it outlives the process, or cannot get there now. */
  flush(): Promise<void>
  /** Flushes and closes; may be called twice, and before `start`. */
  close(): Promise<void>
  readonly stats: TemplateStoreStats
}

/** Plain numbers, counted since the start but for the first three. */
export interface TemplateStoreStats {
  /** Entries there now; 0 where the ring cannot know. */
  entries: number
  /** Changes accepted that are not yet durable. */
  unflushed: number
  /** Age of the oldest such change, milliseconds. */
  writeBehindLagMs: number
  /** Calls of `read`. */
  reads: number
  readPlaces: number
  /** Times that a server was waited for: batches sent, not commands. */
  roundTrips: number
  /** Places read of which something, or nothing, was stored. */
  hits: number
  misses: number
  writes: number
  removals: number
  /** Writes that failed; they are tried again with the next flush. */
  writeFailures: number
  /** Changes given up, because more waited than are kept. */
  writesDropped: number
  /** Entries not believed when read: damaged, forged, or not of their place. */
  rejected: number
  /** Of these, octets that no decoder reads. */
  codecErrors: number
  /** Calls of a server that failed or took too long. */
  backendErrors: number
  /** Times the breaker opened. */
  breakerOpened: number
  /** Places told to watchers. */
  pushes: number
  /** Whole files set aside as damaged. */
  quarantined: number
}

export const emptyStats = (): TemplateStoreStats => ({
  entries: 0,
  unflushed: 0,
  writeBehindLagMs: 0,
  reads: 0,
  readPlaces: 0,
  roundTrips: 0,
  hits: 0,
  misses: 0,
  writes: 0,
  removals: 0,
  writeFailures: 0,
  writesDropped: 0,
  rejected: 0,
  codecErrors: 0,
  backendErrors: 0,
  breakerOpened: 0,
  pushes: 0,
  quarantined: 0
})

/** Places of one batch of `list`. */
export const LIST_BATCH_PLACES = 500

/** Every entry of a store in one array, for small stores and tests. */
export async function allEntries(store: TemplateStore): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = []
  for await (const places of store.list()) for (const place of places) entries.push(...place.entries)
  return entries
}
