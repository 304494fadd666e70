/** A timer that can be taken back. */
export interface LinkTimer {
  cancel(): void
}

/** Monotonic time and timers, so that tests can drive them. */
export interface LinkClock {
  /** Milliseconds of a monotonic clock. */
  nowMs(): number
  after(delayMs: number, callback: () => void): LinkTimer
  /** After the callbacks of this event-loop turn. */
  soon(callback: () => void): void
}

/** The process's own clock. */
export const processClock: LinkClock = {
  nowMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  soon(callback) {
    setImmediate(callback)
  }
}
