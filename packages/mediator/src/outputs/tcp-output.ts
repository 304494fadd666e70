import { connect, isIP } from 'node:net'
import { formatHostPort } from '@weir/config'
import { BackOff } from './back-off.ts'
import { failureText } from './failure-class.ts'
import { AddressDenied, guardedLookup } from './guarded-lookup.ts'
import { UnreadTail } from './unread-tail.ts'
import type { AddressCheck } from '@weir/config'
import type { LookupFunction, Socket } from 'node:net'
import type { Clock, Log, Timer } from '@weir/runtime'
import type { Chunk } from '../destinations/chunk.ts'
import type { Output, OutputEvents, OutputState } from '../destinations/output.ts'
import type { Lookup } from './guarded-lookup.ts'

export interface TcpOutputConfig {
  readonly host: string
  readonly port: number
  readonly reconnectMinMs: number
  readonly reconnectMaxMs: number
  readonly connectTimeoutMs: number
  readonly writeStallMs: number
}

export interface OutputDeps {
  readonly clock: Clock
  readonly log: Log
  readonly events: OutputEvents
  /** 0..1, for jitter; tests set it. */
  readonly random?: () => number
  /** Which addresses may be connected to; undefined = all. */
  readonly allows?: AddressCheck
  /** Default `lookup` of node:dns. */
  readonly lookup?: Lookup | undefined
}

const KEEP_ALIVE_MS = 60_000

/** Chunks over one TCP connection, made again whenever it ends. */
export class TcpOutput implements Output {
  readonly isLazy = false
  readonly hasOpenFile = false
  readonly #config: TcpOutputConfig
  readonly #deps: OutputDeps
  readonly #backOff: BackOff
  readonly #target: string
  readonly #tail = new UnreadTail()
  #socket: Socket | undefined
  #timer: Timer | undefined
  #isReady = false
  #isClosing = false
  #under = 0
  #progressAtMs = 0
  #sessions = 0
  #attempts = 0
  #writtenOctets = 0
  #sendErrors = 0
  #lastError: string | undefined
  #nextAttemptAtMs: number | undefined

  constructor(config: TcpOutputConfig, deps: OutputDeps) {
    this.#config = config
    this.#deps = deps
    this.#backOff = new BackOff(config.reconnectMinMs, config.reconnectMaxMs, deps.random)
    this.#target = `tcp://${formatHostPort(config.host, config.port)}`
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get state(): OutputState {
    const status = this.#isReady
      ? 'ready'
      : this.#socket !== undefined
        ? 'connecting'
        : this.#timer !== undefined
          ? 'waiting'
          : 'closed'
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

  open(): void {
    this.#attemptIn(this.#backOff.delayMs(this.#deps.clock.monotonicMs()))
  }

  #attemptIn(delayMs: number): void {
    const { clock } = this.#deps
    if (delayMs === 0) return this.#connect()
    this.#nextAttemptAtMs = Math.round(clock.nowMs() + delayMs)
    this.#timer = clock.setTimer(delayMs, () => this.#connect())
  }

  write(chunk: Chunk): void {
    const socket = this.#socket!
    if (this.#under++ === 0) this.#progressAtMs = this.#deps.clock.monotonicMs()
    const lengthOctets = chunk.end
    const octets = lengthOctets === chunk.octets.length ? chunk.octets : chunk.octets.subarray(0, lengthOctets)
    socket.write(octets, error => {
      // A failed write is told by the socket's end, for all that is under way at once.
      if (error || this.#socket !== socket) return
      this.#under--
      this.#writtenOctets += lengthOctets
      this.#progressAtMs = this.#deps.clock.monotonicMs()
      this.#tail.add(lengthOctets, chunk.records)
      this.#deps.events.onWritten(chunk)
    })
  }

  wantsRotation(): boolean {
    return false
  }

  rotate(): void {}

  tick(): void {
    if (!this.#isReady || this.#under === 0) return
    const stalledMs = this.#deps.clock.monotonicMs() - this.#progressAtMs
    if (stalledMs < this.#config.writeStallMs) return
    this.#end(this.#socket!, `took nothing for ${Math.round(stalledMs)} ms`)
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true
    this.#timer?.cancel()
    this.#timer = undefined
    const socket = this.#socket
    if (socket === undefined) return
    if (this.#isReady && deadlineMs > 0) await this.#finish(socket, deadlineMs)
    this.#isReady = false
    this.#socket = undefined
    socket.destroy()
  }

  #finish(socket: Socket, deadlineMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#deps.clock.setTimer(deadlineMs, () => done())
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      socket.once('close', done)
      // FIN goes out behind the last chunk.
      socket.end(done)
    })
  }

  #connect(): void {
    const { clock } = this.#deps
    const { host, port, connectTimeoutMs } = this.#config
    this.#attempts++
    this.#nextAttemptAtMs = undefined
    this.#backOff.attempted(clock.monotonicMs())
    // What is an address already is never looked up.
    if (isIP(host) !== 0 && this.#deps.allows?.(host) === false) return this.#deny()
    // A name is looked up once, and what is connected to is one of the addresses that were found allowed then.
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      autoSelectFamily: true,
      lookup: this.#lookup
    })
    this.#socket = socket
    this.#timer = clock.setTimer(connectTimeoutMs, () => this.#end(socket, `did not connect in ${connectTimeoutMs} ms`))
    socket.on('connect', () => this.#onConnect(socket))
    socket.on('error', error => (this.#lastError = failureText(error)))
    // A collector never answers: what comes is thrown away, and the end of it is the end of the session.
    socket.on('end', () => this.#end(socket, 'was closed by the peer'))
    socket.on('close', () => this.#end(socket, this.#lastError ?? 'was closed'))
    socket.resume()
  }

  readonly #lookup: LookupFunction = (host, { all }, onFound) => {
    const { allows, lookup } = this.#deps
    guardedLookup(allows, lookup)(host, { all: true }, (error, addresses) => {
      if (error !== null || all === true) onFound(error, addresses)
      else onFound(null, addresses[0]!.address, addresses[0]!.family)
    })
  }

  #deny(): void {
    this.#lastError = failureText(new AddressDenied())
    this.#again(this.#lastError)
  }

  #onConnect(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#backOff.succeeded()
    this.#sessions++
    this.#under = 0
    this.#isReady = true
    this.#lastError = undefined
    this.#deps.log.info('destination_connected', `connected to ${this.#target}`, { target: this.#target })
    this.#deps.events.onReady()
  }

  #end(socket: Socket, reason: string): void {
    if (this.#socket !== socket) return
    const wasReady = this.#isReady
    this.#timer?.cancel()
    this.#timer = undefined
    this.#socket = undefined
    this.#isReady = false
    this.#lastError = reason
    socket.destroy()
    if (this.#isClosing) return
    if (wasReady) {
      this.#sendErrors++
      this.#deps.events.onUncertain(this.#tail.take())
      this.#deps.events.onLost()
    }
    this.#again(reason)
  }

  #again(reason: string): void {
    const delayMs = this.#backOff.delayMs(this.#deps.clock.monotonicMs())
    const next = `it is tried again in ${Math.ceil(delayMs / 1000)} s`
    this.#deps.log.warn('destination_lost', `${this.#target} ${reason}; ${next}`, { target: this.#target })
    this.#attemptIn(delayMs)
  }
}
