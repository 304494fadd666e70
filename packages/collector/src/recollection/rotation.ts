/** Goes round and round through things that come and go, some at a time. */
export class Rotation<T> {
  readonly #all: () => Iterable<T>
  #round: Iterator<T> | undefined
  /** Rounds that were finished. */
  rounds = 0

  /** @param all - the things as they are now; called for each round. */
  constructor(all: () => Iterable<T>) {
    this.#all = all
  }

  /** Visit the next ones: at most `count`, each at most once, those of the end of one round and not yet those of the next. */
  visit(count: number, visitor: (each: T) => void): void {
    this.#round ??= this.#all()[Symbol.iterator]()
    for (let visited = 0; visited < count; visited++) {
      const { done, value } = this.#round.next()
      if (done === true) {
        this.#round = undefined
        this.rounds++
        return
      }
      visitor(value)
    }
  }
}
