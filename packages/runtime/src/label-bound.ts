/** Values of one metric label that are shown by name; later ones share `other` (L-75, TH-40). */
export class LabelBound {
  readonly #known = new Set<string>()
  readonly #limit: number

  constructor(limit = 1_000) {
    this.#limit = limit
  }

  get size(): number {
    return this.#known.size
  }

  /** The value itself while there is room, then `other`. */
  labelOf(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#known.size >= this.#limit) return 'other'
    this.#known.add(value)
    return value
  }

  /** Make room: the value's owner is gone. */
  release(value: string): void {
    this.#known.delete(value)
  }
}
