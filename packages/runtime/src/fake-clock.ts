import type { Clock, Timer } from './clock.ts'

interface Entry {
  dueMs: number
  readonly order: number
  readonly periodMs: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. For the tests of every package. */
export class FakeClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  readonly #entries = new Set<Entry>()

  /** @param nowMs - the wall clock to begin with; default 2026-01-01T00:00:00Z. */
  constructor(nowMs = 1_767_225_600_000) {
    this.#wallMs = nowMs
  }

  nowMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#entries.size
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#add(delayMs, 0, callback)
  }

  setPeriodic(periodMs: number, callback: () => void): Timer {
    return this.#add(periodMs, Math.max(1, periodMs), callback)
  }

  /** Step the wall clock alone, as an operator or NTP would. */
  stepWall(byMs: number): void {
    this.#wallMs += byMs
  }

  /** Let `byMs` pass: what is due is called in order of its time, at its time. */
  advance(byMs: number): void {
    const endMs = this.#monotonicMs + byMs
    for (let entry = this.#nextDue(endMs); entry !== undefined; entry = this.#nextDue(endMs)) {
      this.#moveTo(entry.dueMs)
      if (entry.periodMs > 0) entry.dueMs += entry.periodMs
      else this.#entries.delete(entry)
      entry.callback()
    }
    this.#moveTo(endMs)
  }

  /** As {@link advance}, in steps, letting promises settle after each. */
  async advanceAsync(byMs: number, stepMs = byMs): Promise<void> {
    for (let doneMs = 0; doneMs < byMs; doneMs += stepMs) {
      this.advance(Math.min(stepMs, byMs - doneMs))
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  #moveTo(monotonicMs: number): void {
    const byMs = Math.max(0, monotonicMs - this.#monotonicMs)
    this.#monotonicMs += byMs
    this.#wallMs += byMs
  }

  #nextDue(endMs: number): Entry | undefined {
    let next: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.dueMs > endMs) continue
      if (next === undefined || entry.dueMs < next.dueMs || (entry.dueMs === next.dueMs && entry.order < next.order)) {
        next = entry
      }
    }
    return next
  }

  #add(delayMs: number, periodMs: number, callback: () => void): Timer {
    const entry: Entry = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, periodMs, callback }
    this.#entries.add(entry)
    const timer: Timer = { cancel: () => void this.#entries.delete(entry), unref: () => timer }
    return timer
  }
}
