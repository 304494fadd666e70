import type { Clock, Timer } from '@weir/runtime'
import { RateGate } from './rate-gate.ts'

/** L-05, L-06. */
export interface TcpGateLimits {
  readonly tcpConnections: number
  readonly tcpConnectionsPerAddress: number
  readonly tcpAcceptsPerSec: number
}

/** How often those who wait are looked at. */
const ADMIT_MS = 100

interface Waiting {
  readonly address: string | undefined
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
  readonly #clock: Clock
  #timer: Timer | undefined
  #waiting: Waiting[] = []
  #count = 0

  constructor(limits: TcpGateLimits, clock: Clock) {
    this.#limits = limits
    this.#rate = new RateGate(() => limits.tcpAcceptsPerSec)
    this.#clock = clock
  }

  /** Connections that are in or wait. */
  get count(): number {
    return this.#count
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * @param address - undefined if it is not known yet, see {@link name}.
   * @param open - called now or later; returns false if the connection is not there any more.
   * @param refuse - called now, instead.
   */
  enter(address: string | undefined, open: () => boolean, refuse: () => void): void {
    if (this.#count >= this.#limits.tcpConnections || (address !== undefined && !this.name(address))) return refuse()
    this.#count++
    if (this.#waiting.length > 0 || !this.#rate.pass(this.#clock.monotonicMs())) this.#wait({ address, open })
    else if (!open()) this.leave(address)
  }

  /**
   * Count a connection that is in as one of an address.
   *
   * @returns false if the address has as many as it may: then it is not counted, and the connection has to go.
   */
  name(address: string): boolean {
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (ofAddress >= this.#limits.tcpConnectionsPerAddress) return false
    this.#byAddress.set(address, ofAddress + 1)
    return true
  }

  /** Refuse nobody, let nobody in any more. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const { address, open } of this.#waiting.splice(0)) if (!open()) this.leave(address)
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.#timer ??= this.#clock.setTimer(ADMIT_MS, () => this.#admit())
  }

  /** Let in whose turn it is. */
  #admit(): void {
    this.#timer = undefined
    let next = 0
    while (next < this.#waiting.length && this.#rate.pass(this.#clock.monotonicMs())) {
      const { address, open } = this.#waiting[next++]
      if (!open()) this.leave(address)
    }
    if (next > 0) this.#waiting = this.#waiting.slice(next)
    if (this.#waiting.length > 0) this.#timer = this.#clock.setTimer(ADMIT_MS, () => this.#admit())
  }

  /** A connection that was let in has ended. @param address - as it was told, undefined if it never was. */
  leave(address: string | undefined): void {
    this.#count--
    if (address === undefined) return
    const ofAddress = (this.#byAddress.get(address) ?? 1) - 1
    if (ofAddress === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, ofAddress)
  }
}
