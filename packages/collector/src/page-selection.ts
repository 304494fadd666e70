/** Compares two things: negative if the first one comes first. Only what is the same thing is 0. */
export type Order<T> = (one: T, other: T) => number

/** Things kept beyond a page before they are thinned out again: so many offers share one pass over them. */
const SPARE = 4_096

/**
 * Takes the first `size` things behind a cursor out of any number of them, offered one by one in any order. It keeps a few
 * thousand at most, and costs a few comparisons for each: a page of a hundred out of hundreds of thousands needs no index.
 */
export class PageSelection<T> {
  readonly #order: Order<T>
  readonly #size: number
  readonly #after: T | undefined
  readonly #kept: T[] = []
  /** Nothing behind it is in the page. */
  #bound: T | undefined

  /** @param after - the last thing of the page before, or undefined for the first page. */
  constructor(order: Order<T>, size: number, after?: T) {
    this.#order = order
    this.#size = size
    this.#after = after
  }

  /** Whether a thing may be in the page; ask before one is made. */
  takes(thing: T): boolean {
    return !this.isBeyond(thing) && !this.isBefore(thing)
  }

  /** Whether the page ends before this. */
  isBeyond(thing: T): boolean {
    return this.#bound !== undefined && this.#order(thing, this.#bound) >= 0
  }

  /** Whether the page begins behind this. */
  isBefore(thing: T): boolean {
    return this.#after !== undefined && this.#order(thing, this.#after) <= 0
  }

  /** Keep one that {@link takes} has said yes to; it must not change afterwards. */
  keep(thing: T): void {
    if (this.#kept.push(thing) >= this.#size + SPARE) this.#thin()
  }

  /** The page, in order. */
  inOrder(): T[] {
    return this.#kept.toSorted(this.#order).slice(0, this.#size)
  }

  /** Bring the first `size` to the front, in no order, and let go of the rest (quickselect). */
  #thin(): void {
    const kept = this.#kept
    let low = 0
    let high = kept.length - 1
    while (low < high) {
      const pivot = kept[(low + high) >> 1]
      let left = low
      let right = high
      while (left <= right) {
        while (this.#order(kept[left], pivot) < 0) left++
        while (this.#order(kept[right], pivot) > 0) right--
        if (left > right) break
        const moved = kept[left]
        kept[left++] = kept[right]
        kept[right--] = moved
      }
      if (this.#size <= right) high = right
      else if (this.#size >= left) low = left
      else break
    }
    this.#bound = kept[this.#size]
    kept.length = this.#size
  }
}
