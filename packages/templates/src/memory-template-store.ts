import { entryKey, type StoredEntry } from './stored-entry.ts'
import { emptyStats, type TemplateStore } from './template-store.ts'

/** A store that ends with its process: for tests, and for `stateDir: null`. */
export function createMemoryTemplateStore(): TemplateStore {
  const entries = new Map<string, StoredEntry>()
  const stats = emptyStats()
  return {
    stats,
    start: async () => {},
    get: async keys => keys.map(key => entries.get(key)),
    list: async scope => [...entries.values()].filter(entry => scope === undefined || entry.scope === scope),
    put(added) {
      for (const entry of added) entries.set(entryKey(entry), entry)
      stats.writes += added.length
      stats.entries = entries.size
    },
    remove(keys) {
      for (const key of keys) if (entries.delete(key)) stats.removals++
      stats.entries = entries.size
    },
    flush: async () => {},
    close: async () => {}
  }
}
