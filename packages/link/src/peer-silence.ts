import type { Clock } from '@weir/runtime'

/** Judges by its silence whether a peer is gone. Asked at each heartbeat. */
export class PeerSilence {
  readonly #clock: Clock
  readonly #heartbeatMs: number
  readonly #timeoutMs: number
  #heardMs = 0
  #beatMs = 0

  constructor(clock: Clock, heartbeatMs: number, timeoutMs: number) {
    this.#clock = clock
    this.#heartbeatMs = heartbeatMs
    this.#timeoutMs = timeoutMs
  }

  /** Begin to listen now. */
  start(): void {
    this.#heardMs = this.#beatMs = this.#clock.monotonicMs()
  }

  heard(): void {
    this.#heardMs = this.#clock.monotonicMs()
  }

  /** A heartbeat. @returns true if the peer has been silent for too long; it then has one more time-out. */
  beat(isConnected: boolean): boolean {
    const nowMs = this.#clock.monotonicMs()
    // If this process itself stood still, the peer's silence means nothing yet.
    if (nowMs - this.#beatMs > 2 * this.#heartbeatMs) this.#heardMs = nowMs
    this.#beatMs = nowMs
    if (!isConnected || nowMs - this.#heardMs <= this.#timeoutMs) return false
    this.#heardMs = nowMs
    return true
  }
}
