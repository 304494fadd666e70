import type { PendingShelf } from './pending-shelf.ts'
import type { TemplateStore } from './template-store.ts'

const waitingCalls = ['read', 'list', 'history', 'flush', 'shelf_put', 'shelf_claim'] as const
/** Calls that wait; one batch of a list is a call. */
export type WaitingCall = (typeof waitingCalls)[number]

/** What a store's calls cost. Plain numbers, never reset. */
export interface TemplateStoreMeter {
  readonly calls: Record<WaitingCall | 'put' | 'remove', number>
  readonly errors: Record<WaitingCall, number>
  /** Milliseconds spent waiting for the calls that wait. */
  readonly waitedMs: Record<WaitingCall, number>
}

export interface MeteredTemplateStore extends TemplateStore {
  readonly meter: TemplateStoreMeter
}

/**
 * Counts the calls to a store and the time they take.
 *
 * @param now - milliseconds, monotonic.
 */
export function meterTemplateStore(store: TemplateStore, now: () => number): MeteredTemplateStore {
  const meter: TemplateStoreMeter = {
    calls: { ...zeros(), put: 0, remove: 0 },
    errors: zeros(),
    waitedMs: zeros()
  }
  async function timed<T>(call: WaitingCall, work: () => Promise<T>): Promise<T> {
    const startedMs = now()
    meter.calls[call]++
    try {
      return await work()
    } catch (error) {
      meter.errors[call]++
      throw error
    } finally {
      meter.waitedMs[call] += now() - startedMs
    }
  }
  const { shelf } = store
  return {
    meter,
    stats: store.stats,
    shelf: shelf === undefined ? undefined : meterShelf(shelf, timed),
    get health() {
      return store.health
    },
    start: () => store.start(),
    read: places => timed('read', () => store.read(places)),
    async *list(options) {
      const batches = store.list(options)[Symbol.asyncIterator]()
      for (;;) {
        const batch = await timed('list', () => batches.next())
        if (batch.done === true) return
        yield batch.value
      }
    },
    put(entries) {
      meter.calls.put++
      store.put(entries)
    },
    remove(keys, reason) {
      meter.calls.remove++
      store.remove(keys, reason)
    },
    watch: (listener, onMissed) => store.watch(listener, onMissed),
    onLost: listener => store.onLost(listener),
    history: (place, templateId) => timed('history', () => store.history(place, templateId)),
    flush: () => timed('flush', () => store.flush()),
    close: () => store.close()
  }
}

type Timed = <T>(call: WaitingCall, work: () => Promise<T>) => Promise<T>

const meterShelf = (shelf: PendingShelf, timed: Timed): PendingShelf => ({
  put: (sets, token) => timed('shelf_put', () => shelf.put(sets, token)),
  claim: (place, templateId, by) => timed('shelf_claim', () => shelf.claim(place, templateId, by))
})

const zeros = (): Record<WaitingCall, number> =>
  Object.fromEntries(waitingCalls.map(call => [call, 0])) as Record<WaitingCall, number>
