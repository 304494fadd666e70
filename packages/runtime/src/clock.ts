/** A timer that was set on a {@link Clock}. */
export interface Timer {
  /** May be called twice, and after it fired. */
  cancel(): void
  /** Lets the process end although this timer is set. */
  unref(): Timer
}

/** Time, passed in, so that tests own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. May step. */
  nowMs(): number
  /** Milliseconds since some start. Never steps; for every timeout, age and rate (TH-18). */
  monotonicMs(): number
  /** Calls once, `delayMs` from now. */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Calls every `periodMs`, first one period from now. */
  setPeriodic(periodMs: number, callback: () => void): Timer
}

const systemTimer = (handle: NodeJS.Timeout, clear: (handle: NodeJS.Timeout) => void): Timer => {
  const timer: Timer = {
    cancel: () => clear(handle),
    unref: () => {
      handle.unref()
      return timer
    }
  }
  return timer
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => systemTimer(setTimeout(callback, delayMs), clearTimeout),
  setPeriodic: (periodMs, callback) => systemTimer(setInterval(callback, periodMs), clearInterval)
}

/** Resolves `delayMs` from now by this clock; rejects with the signal's reason when it is aborted first. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error)
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
