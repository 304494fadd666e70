/** What happens when a queue is full: the producer waits, or the oldest or the newest entry goes. */
export type DropPolicy = 'block' | 'drop-oldest' | 'drop-newest'

export interface BoundedQueueOptions<T> {
  readonly maxItems: number
  readonly maxOctets: number
  readonly policy: DropPolicy
  /** Called for each entry that goes; for `drop-newest` that is the pushed one. */
  readonly onDrop: (item: T, octets: number) => void
}

/**
 * First in, first out, bounded in entries and octets, with a named drop policy. One entry is always taken into an empty queue,
 * however large, so that `block` cannot stall for ever. A push allocates nothing once the ring has grown.
 */
export class BoundedQueue<T> {
  readonly #options: BoundedQueueOptions<T>
  #items: (T | undefined)[] = Array.from({ length: 16 }, () => undefined)
  #weights = new Float64Array(16)
  #head = 0
  #size = 0
  #octets = 0

  constructor(options: BoundedQueueOptions<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  get octets(): number {
    return this.#octets
  }

  /** True if an entry of so many octets has room without a drop. */
  hasRoom(octets: number): boolean {
    if (this.#size === 0) return true
    return this.#size < this.#options.maxItems && this.#octets + octets <= this.#options.maxOctets
  }

  /**
   * @returns false if the entry was not taken: with `drop-newest` it is gone (and reported), with `block` the caller keeps it
   * and comes back when {@link hasRoom}.
   */
  push(item: T, octets: number): boolean {
    const { policy, onDrop } = this.#options
    if (!this.hasRoom(octets)) {
      if (policy === 'block') return false
      if (policy === 'drop-newest') {
        onDrop(item, octets)
        return false
      }
      while (!this.hasRoom(octets)) this.#dropOldest()
    }
    if (this.#size === this.#items.length) this.#grow()
    const at = (this.#head + this.#size) & (this.#items.length - 1)
    this.#items[at] = item
    this.#weights[at] = octets
    this.#size++
    this.#octets += octets
    return true
  }

  /** The oldest entry, left in place. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** Take the oldest entry out. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#octets -= this.#weights[this.#head]!
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#size--
    return item
  }

  /** Empty it, reporting each entry as dropped. */
  clear(): void {
    while (this.#size > 0) this.#dropOldest()
  }

  #dropOldest(): void {
    const octets = this.#weights[this.#head]!
    const item = this.shift() as T
    this.#options.onDrop(item, octets)
  }

  #grow(): void {
    const length = this.#items.length
    const items: (T | undefined)[] = Array.from({ length: length * 2 }, () => undefined)
    const weights = new Float64Array(length * 2)
    for (let index = 0; index < this.#size; index++) {
      const from = (this.#head + index) & (length - 1)
      items[index] = this.#items[from]
      weights[index] = this.#weights[from]!
    }
    this.#items = items
    this.#weights = weights
    this.#head = 0
  }
}
