/**
 * A Map that holds one entry without a table of its own: nearly every exporter has one session, and nearly every session one
 * Observation Domain, but a flood of spoofed sources makes thousands of each (TH-04).
 */
export class FewMap<Key, Value> {
  #key: Key | undefined
  #value: Value | undefined
  #hasOne = false
  #many: Map<Key, Value> | undefined

  get size(): number {
    return this.#many === undefined ? Number(this.#hasOne) : this.#many.size
  }

  get(key: Key): Value | undefined {
    if (this.#many !== undefined) return this.#many.get(key)
    return this.#hasOne && this.#key === key ? this.#value : undefined
  }

  set(key: Key, value: Value): this {
    if (this.#many === undefined && this.#hasOne && this.#key !== key) {
      this.#many = new Map([[this.#key as Key, this.#value as Value]])
      this.#forgetOne()
    }
    if (this.#many !== undefined) {
      this.#many.set(key, value)
      return this
    }
    this.#key = key
    this.#value = value
    this.#hasOne = true
    return this
  }

  /** @returns whether it was there. */
  delete(key: Key): boolean {
    if (this.#many !== undefined) return this.#many.delete(key)
    if (!this.#hasOne || this.#key !== key) return false
    this.#forgetOne()
    return true
  }

  clear(): void {
    this.#many = undefined
    this.#forgetOne()
  }

  values(): Iterable<Value> {
    if (this.#many !== undefined) return this.#many.values()
    return this.#hasOne ? [this.#value as Value] : []
  }

  /** Pairs in the order in which they were added; they may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<readonly [Key, Value]> {
    if (this.#many !== undefined) return this.#many[Symbol.iterator]()
    const pairs: (readonly [Key, Value])[] = this.#hasOne ? [[this.#key as Key, this.#value as Value]] : []
    return pairs[Symbol.iterator]()
  }

  #forgetOne(): void {
    this.#key = undefined
    this.#value = undefined
    this.#hasOne = false
  }
}
