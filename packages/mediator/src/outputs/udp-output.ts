import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { formatHostPort } from '@weir/config'
import { errorCode } from '@weir/runtime'
import { BackOff } from './back-off.ts'
import { failureText } from './failure-class.ts'
import { guardedLookup } from './guarded-lookup.ts'
import { IdleWait } from './idle-wait.ts'
import type { Socket } from 'node:dgram'
import type { LookupAddress } from 'node:dns'
import type { Timer } from '@weir/runtime'
import type { Chunk } from '../destinations/chunk.ts'
import type { Output, OutputState } from '../destinations/output.ts'
import type { SegmentSender } from './segment-sender.ts'
import type { OutputDeps } from './tcp-output.ts'

export interface UdpOutputConfig {
  readonly host: string
  readonly port: number
  readonly reconnectMinMs: number
  readonly reconnectMaxMs: number
  /** The kernel's send buffer that is asked for. */
  readonly sendBufferOctets: number
}

/** Makes the sender that hands the kernel many datagrams at once, or undefined where that cannot be had. */
export type MakeSegmentSender = (socket: Socket) => SegmentSender | undefined

const SEND_TRIES = 2
const BUSY_RETRY_MS = 1
const BUSY_LIMIT_MS = 2_000

/**
 * Each Message of a chunk as one datagram, through dgram or with UDP_SEGMENT. What the network refuses is counted, nothing more.
 * A name is looked up again every `reconnectMinMs`: nothing else would ever tell that it stands for another machine now.
 */
export class UdpOutput implements Output {
  readonly isLazy = false
  readonly hasOpenFile = false
  readonly #config: UdpOutputConfig
  readonly #deps: OutputDeps
  readonly #makeSegmentSender: MakeSegmentSender | undefined
  readonly #backOff: BackOff
  readonly #target: string
  readonly #waiting: Chunk[] = []
  readonly #idle = new IdleWait()
  #socket: Socket | undefined
  #segments: SegmentSender | undefined
  #timer: Timer | undefined
  #isReady = false
  #isClosing = false
  #next = 0
  #unsent = 0
  #busySinceMs = -1
  #sessions = 0
  #attempts = 0
  #sendErrors = 0
  #writtenOctets = 0
  #lastError: string | undefined
  #nextAttemptAtMs: number | undefined
  #address = ''
  #lookedUpAtMs = 0

  constructor(config: UdpOutputConfig, deps: OutputDeps, makeSegmentSender?: MakeSegmentSender) {
    this.#config = config
    this.#deps = deps
    this.#makeSegmentSender = makeSegmentSender
    this.#backOff = new BackOff(config.reconnectMinMs, config.reconnectMaxMs, deps.random)
    this.#target = `udp://${formatHostPort(config.host, config.port)}`
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get state(): OutputState {
    const status = this.#isReady
      ? 'ready'
      : this.#isClosing
        ? 'closed'
        : this.#timer === undefined
          ? 'connecting'
          : 'waiting'
    return {
      status,
      target: this.#target,
      sessions: this.#sessions,
      attempts: this.#attempts,
      sendErrors: this.#sendErrors,
      writtenOctets: this.#writtenOctets,
      lastError: this.#lastError,
      nextAttemptAtMs: this.#nextAttemptAtMs
    }
  }

  /** True while UDP_SEGMENT is used. */
  get isSegmenting(): boolean {
    return this.#segments !== undefined
  }

  open(): void {
    this.#timer = undefined
    this.#nextAttemptAtMs = undefined
    this.#attempts++
    this.#backOff.attempted(this.#deps.clock.monotonicMs())
    this.#lookUp((error, addresses) => {
      if (error !== null) this.#retry(error)
      else this.#connect(addresses[0]!.address, addresses[0]!.family)
    })
  }

  #lookUp(onFound: (error: Error | null, addresses: LookupAddress[]) => void): void {
    const { clock, lookup, allows } = this.#deps
    this.#lookedUpAtMs = clock.monotonicMs()
    guardedLookup(allows, lookup)(this.#config.host, { all: true }, (error, addresses) => {
      if (!this.#isClosing) onFound(error, addresses)
    })
  }

  write(chunk: Chunk): void {
    if (this.#segments === undefined) this.#sendEach(chunk)
    else {
      this.#waiting.push(chunk)
      if (this.#waiting.length === 1) this.#sendSegments()
    }
  }

  wantsRotation(): boolean {
    return false
  }

  rotate(): void {}

  tick(): void {
    const sinceMs = this.#deps.clock.monotonicMs() - this.#lookedUpAtMs
    if (!this.#isReady || isIP(this.#config.host) !== 0 || sinceMs < this.#config.reconnectMinMs) return
    this.#lookUp((error, addresses) => {
      // An answer that fails changes nothing; one of several addresses in another order is no move.
      if (error !== null || !this.#isReady || addresses.some(({ address }) => address === this.#address)) return
      this.#move(addresses[0]!)
    })
  }

  /** The name stands for another machine: a new session with that. */
  #move({ address, family }: LookupAddress): void {
    const { log, events } = this.#deps
    log.info('destination_moved', `${this.#target} is at ${address} now, it was at ${this.#address}`)
    this.#socket?.close()
    this.#socket = undefined
    this.#segments = undefined
    this.#isReady = false
    this.#waiting.length = 0
    this.#next = 0
    this.#unsent = 0
    this.#busySinceMs = -1
    events.onLost()
    this.#connect(address, family)
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true
    if (this.#isReady && this.#isBusy && deadlineMs > 0) await this.#idle.wait(this.#deps.clock, deadlineMs)
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isReady = false
    this.#waiting.length = 0
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) await new Promise<void>(resolve => socket.close(() => resolve()))
  }

  get #isBusy(): boolean {
    return this.#unsent > 0 || this.#waiting.length > 0
  }

  #connect(address: string, family: number): void {
    this.#address = address
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      sendBufferSize: this.#config.sendBufferOctets
    })
    socket.on('error', error => {
      this.#lastError = failureText(error)
      this.#sendErrors++
      if (this.#socket === socket && !this.#isReady) this.#retry(error)
    })
    this.#socket = socket
    socket.connect(this.#config.port, address, () => {
      if (this.#isClosing || this.#socket !== socket) return
      this.#segments = this.#makeSegmentSender?.(socket)
      this.#backOff.succeeded()
      this.#sessions++
      this.#isReady = true
      this.#deps.events.onReady()
    })
  }

  #retry(error: unknown): void {
    this.#lastError = failureText(error)
    this.#socket?.close()
    this.#socket = undefined
    if (this.#isClosing) return
    this.#deps.log.warn('destination_unreachable', `${this.#target} cannot be used: ${this.#lastError}`, {
      target: this.#target,
      code: errorCode(error)
    })
    const { clock } = this.#deps
    const delayMs = this.#backOff.delayMs(clock.monotonicMs())
    this.#nextAttemptAtMs = Math.round(clock.nowMs() + delayMs)
    this.#timer = clock.setTimer(delayMs, () => this.open())
  }

  #sendEach(chunk: Chunk): void {
    let left = chunk.messages
    this.#unsent += left
    const sentOn = this.#socket
    const onSent = (): void => {
      // What an earlier socket took late is counted already.
      if (this.#socket !== sentOn) return
      this.#unsent--
      if (--left > 0) return
      this.#writtenOctets += chunk.end
      this.#deps.events.onWritten(chunk)
      if (!this.#isBusy) this.#idle.end()
    }
    let start = 0
    for (let index = 0; index < chunk.messages; index++) {
      const end = chunk.messageEnds[index]!
      this.#sendOne(chunk, start, end - start, chunk.messageRecords[index]!, SEND_TRIES, onSent)
      start = end
    }
  }

  #sendOne(chunk: Chunk, offset: number, length: number, records: number, tries: number, onSent: () => void): void {
    const socket = this.#socket
    // Closed meanwhile: the owner counts what was not reported.
    if (socket === undefined) return
    socket.send(chunk.octets, offset, length, error => {
      if (error && this.#socket === socket) {
        this.#sendErrors++
        this.#lastError = failureText(error)
        // An error that the last datagram caused is told to this one, which did not leave.
        if (tries > 1) return this.#sendOne(chunk, offset, length, records, tries - 1, onSent)
        this.#deps.events.onUncertain(records)
      }
      onSent()
    })
  }

  #sendSegments(): void {
    const sender = this.#segments!
    for (;;) {
      const chunk = this.#waiting[0]
      if (chunk === undefined || this.#socket === undefined) break
      const before = this.#next
      this.#next = sender.send(chunk, before)
      if (this.#next > before) this.#busySinceMs = -1
      this.#sendErrors += sender.takeErrors()
      const refused = sender.takeRefusedRecords()
      if (refused > 0) this.#deps.events.onUncertain(refused)
      if (this.#next < chunk.messages && this.#wait(chunk)) return
      if (this.#next < chunk.messages) continue
      this.#waiting.shift()
      this.#next = 0
      this.#writtenOctets += chunk.end
      this.#deps.events.onWritten(chunk)
    }
    if (!this.#isBusy) this.#idle.end()
  }

  /** The kernel's buffer is full: soon again, but not for ever. True if it waits. */
  #wait(chunk: Chunk): boolean {
    const { clock, events } = this.#deps
    const nowMs = clock.monotonicMs()
    if (this.#busySinceMs < 0) this.#busySinceMs = nowMs
    if (nowMs - this.#busySinceMs >= BUSY_LIMIT_MS) {
      this.#busySinceMs = -1
      this.#sendErrors++
      events.onUncertain(chunk.messageRecords[this.#next]!)
      this.#next++
      return false
    }
    clock.setTimer(BUSY_RETRY_MS, () => this.#sendSegments())
    return true
  }
}
