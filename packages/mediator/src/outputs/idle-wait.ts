import type { Clock } from '@weir/runtime'

/** Waits until an output that is closed has written what it was given. */
export class IdleWait {
  #onEnd: (() => void) | undefined

  /** Resolves at the next {@link end}, at the latest after `deadlineMs`. */
  wait(clock: Clock, deadlineMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = clock.setTimer(deadlineMs, () => this.end())
      this.#onEnd = () => {
        this.#onEnd = undefined
        timer.cancel()
        resolve()
      }
    })
  }

  /** Nothing is under way any more. Costs nothing where nobody waits. */
  end(): void {
    this.#onEnd?.()
  }
}
