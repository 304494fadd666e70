/**
 * Work that comes in bursts, of which the event loop does only so much in each turn: Messages that arrive meanwhile are
 * not kept waiting. Answers of a server come many in one turn, and each would be worked on at once.
 */
export class TurnBudget {
  readonly #ofTurn: number
  readonly #waiting: { readonly cost: number; readonly go: () => void }[] = []
  #left: number
  #isCounting = false

  /** @param ofTurn - cost of the work of one turn; what begins within it may go over. */
  constructor(ofTurn: number) {
    this.#ofTurn = ofTurn
    this.#left = ofTurn
  }

  /** @returns undefined if the work may be done at once, else a promise of when it may. First come, first served. */
  take(cost: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#left > 0) {
      this.#spend(cost)
      return undefined
    }
    return new Promise(resolve => this.#waiting.push({ cost, go: resolve }))
  }

  #spend(cost: number): void {
    this.#left -= cost
    if (this.#isCounting) return
    this.#isCounting = true
    setImmediate(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#isCounting = false
    this.#left = this.#ofTurn
    let gone = 0
    while (gone < this.#waiting.length && this.#left > 0) {
      const { cost, go } = this.#waiting[gone++]
      this.#spend(cost)
      go()
    }
    this.#waiting.splice(0, gone)
  }
}
