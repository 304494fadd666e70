import {
  createMemoryTemplateStore,
  placeKey,
  type PendingShelf,
  type Place,
  type ShelvedSet,
  type StoreHealth,
  type TemplateStore
} from '@weir/templates'

interface Lease {
  readonly sets: ShelvedSet[]
  isOver: boolean
}

/** The part of a shared ring that pods see of each other: a shelf, in memory. */
export class MemoryShelf {
  health: StoreHealth = 'up'
  /** Data Sets still taken. */
  room = Infinity
  /** The answer of the next `put` is lost: it does what it is asked and says that it did not; and the ring may be gone with it. */
  losesAnswer: 'no' | 'once' | 'and is gone' = 'no'
  puts = 0
  readonly #waiting = new Map<string, ShelvedSet[]>()
  readonly #tokens = new Map<string, number>()
  readonly #leases = new Set<Lease>()
  readonly #watchers = new Set<(changed: readonly Place[]) => void>()

  get sets(): number {
    let sets = 0
    for (const waiting of this.#waiting.values()) sets += waiting.length
    return sets
  }

  /** What claimers did not confirm is there again. */
  endLeases(): void {
    for (const lease of this.#leases) {
      lease.isOver = true
      for (const set of lease.sets) this.#of(set, set.templateId).push(set)
    }
    this.#leases.clear()
  }

  /** A ring of one pod that shares this shelf, and nothing else. */
  ring(): TemplateStore {
    const store = createMemoryTemplateStore()
    const tell: ((changed: readonly Place[]) => void)[] = []
    const shelf: PendingShelf = {
      put: async (sets, token) => {
        if (this.health !== 'up') return 0
        this.puts++
        const before = this.#tokens.get(token)
        if (before !== undefined) return before
        const taken = sets.slice(0, this.room)
        this.room -= taken.length
        this.#tokens.set(token, taken.length)
        for (const set of taken) this.#of(set, set.templateId).push(set)
        for (const watcher of this.#watchers) if (!tell.includes(watcher)) watcher(taken)
        if (this.losesAnswer === 'no') return taken.length
        if (this.losesAnswer === 'and is gone') this.health = 'down'
        this.losesAnswer = 'no'
        return 0
      },
      claim: async (place, templateId) => {
        if (this.health !== 'up') return { sets: [], done: async () => false }
        const sets = this.#of(place, templateId).splice(0)
        const lease: Lease = { sets, isOver: false }
        this.#leases.add(lease)
        return {
          sets,
          done: async () => {
            if (lease.isOver || this.health !== 'up') return false
            this.#leases.delete(lease)
            return true
          }
        }
      }
    }
    const health = (): StoreHealth => this.health
    return Object.defineProperties(Object.create(store) as TemplateStore, {
      shelf: { value: shelf },
      health: { get: health },
      watch: {
        value: (listener: (changed: readonly Place[]) => void) => {
          this.#watchers.add(listener)
          tell.push(listener)
          return () => this.#watchers.delete(listener)
        }
      }
    })
  }

  #of(place: Place, templateId: number): ShelvedSet[] {
    const key = `${templateId}|${placeKey(place)}`
    let sets = this.#waiting.get(key)
    if (sets === undefined) this.#waiting.set(key, (sets = []))
    return sets
  }
}
