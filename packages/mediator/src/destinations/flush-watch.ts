import type { Clock } from '@weir/runtime'

interface Waiter {
  readonly target: number
  readonly resolve: (isReached: boolean) => void
}

/** Tells when so many records have left a queue, one way or another. */
export class FlushWatch {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Wait until as many have left as the target says.
   *
   * @returns false if that is not so in time.
   */
  reached(target: number, left: number, deadlineMs: number): Promise<boolean> {
    if (left >= target) return Promise.resolve(true)
    return new Promise(resolve => {
      const end = (isReached: boolean): void => {
        timer.cancel()
        this.#waiters.delete(waiter)
        resolve(isReached)
      }
      const waiter = { target, resolve: end }
      const timer = this.#clock.setTimer(deadlineMs, () => end(false))
      this.#waiters.add(waiter)
    })
  }

  /** So many have left by now. Costs nothing where nobody waits. */
  tell(left: number): void {
    if (this.#waiters.size === 0) return
    for (const { target, resolve } of this.#waiters) if (left >= target) resolve(true)
  }
}
