import { RateGate } from './rate-gate.ts'

/** L-05, L-06. */
export interface TcpGateLimits {
  readonly tcpConnections: number
  readonly tcpConnectionsPerAddress: number
  readonly tcpAcceptsPerSec: number
}

interface Waiting {
  readonly address: string
  readonly open: () => boolean
}

/**
 * Lets TCP connections in: so many at once, so many of one address, so many in a second. Those above the rate wait for
 * their turn (a storm of reconnects is let in step by step, TH-16); those above a number are refused.
 */
export class TcpGate {
  readonly #limits: TcpGateLimits
  readonly #rate: RateGate
  readonly #byAddress = new Map<string, number>()
  readonly #nowMs: () => number
  #waiting: Waiting[] = []
  #count = 0

  /** @param nowMs - monotonic. */
  constructor(limits: TcpGateLimits, nowMs: () => number) {
    this.#limits = limits
    this.#rate = new RateGate(limits.tcpAcceptsPerSec)
    this.#nowMs = nowMs
  }

  /** Connections that are in or wait. */
  get count(): number {
    return this.#count
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * @param open - called now or later; returns false if the connection is not there any more.
   * @param refuse - called now, instead.
   */
  enter(address: string, open: () => boolean, refuse: () => void): void {
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (this.#count >= this.#limits.tcpConnections || ofAddress >= this.#limits.tcpConnectionsPerAddress) {
      return refuse()
    }
    this.#count++
    this.#byAddress.set(address, ofAddress + 1)
    if (this.#waiting.length > 0 || !this.#rate.pass(this.#nowMs())) this.#waiting.push({ address, open })
    else if (!open()) this.leave(address)
  }

  /** Let in whose turn it is; to be called several times a second while somebody waits. */
  admit(): void {
    let next = 0
    while (next < this.#waiting.length && this.#rate.pass(this.#nowMs())) {
      const { address, open } = this.#waiting[next++]
      if (!open()) this.leave(address)
    }
    if (next > 0) this.#waiting = this.#waiting.slice(next)
  }

  /** A connection that was let in has ended. */
  leave(address: string): void {
    this.#count--
    const ofAddress = (this.#byAddress.get(address) ?? 1) - 1
    if (ofAddress === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, ofAddress)
  }
}
