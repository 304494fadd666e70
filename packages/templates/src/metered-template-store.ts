import type { TemplateStore } from './template-store.ts'

/** What a store's calls cost. Plain numbers, never reset. */
export interface TemplateStoreMeter {
  readonly calls: Record<'get' | 'list' | 'put' | 'remove' | 'flush', number>
  readonly errors: Record<'get' | 'list' | 'flush', number>
  /** Milliseconds spent waiting for the calls that wait. */
  readonly waitedMs: Record<'get' | 'list' | 'flush', number>
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
    calls: { get: 0, list: 0, put: 0, remove: 0, flush: 0 },
    errors: { get: 0, list: 0, flush: 0 },
    waitedMs: { get: 0, list: 0, flush: 0 }
  }
  async function timed<T>(call: 'get' | 'list' | 'flush', work: () => Promise<T>): Promise<T> {
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
  return {
    meter,
    stats: store.stats,
    start: () => store.start(),
    get: keys => timed('get', () => store.get(keys)),
    list: scope => timed('list', () => store.list(scope)),
    put(entries) {
      meter.calls.put++
      store.put(entries)
    },
    remove(keys) {
      meter.calls.remove++
      store.remove(keys)
    },
    flush: () => timed('flush', () => store.flush()),
    close: () => store.close()
  }
}
