import type { Socket } from 'node:net'
import { MessageFramer, type FaultCode } from '@weir/ipfix'
import type { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import type { Session } from './session.ts'

/** Why a connection ended. A metric label. */
export type CloseReason =
  // Its exporter may not send any more.
  | 'not_allowed'
  /** The peer closed between two Messages. */
  | 'peer'
  /** The peer closed or reset within a Message, or reset. */
  | 'abnormal'
  /** Version or Length made no sense: the stream cannot be followed (D5). */
  | 'framing'
  /** So many malformed Messages in a row (D5, L-08). */
  | 'malformed'
  | 'timeout_header'
  | 'timeout_partial'
  | 'shutdown'

export interface TcpConnectionDeps {
  readonly intake: Intake
  readonly ledger: Ledger
  /** Wall clock, milliseconds. */
  readonly nowAtMs: () => number
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number
}

/** One TCP session: framing and the rules by which it is ended. The socket is fed from outside. */
export class TcpConnection {
  readonly socket: Socket
  readonly session: Session
  isPaused = false
  /** Since when the first header is waited for. */
  #headerSinceMs: number
  #hasMessage = false
  #malformedInRow = 0
  /** When the Message began that is not whole yet; -1 between Messages. */
  #partialSinceMs = -1
  /** A Message has ended in the chunk in hand, so what is left is a new one. */
  #hasJustFinished = false
  #fault: FaultCode | undefined
  /** When the chunk in hand came: asking the clock for each Message would be a tenth of its cost. */
  #nowMs = 0
  #nowAtMs = 0
  readonly #framer = new MessageFramer()
  readonly #maxMalformed: number
  readonly #deps: TcpConnectionDeps

  /** @param openedMs - when it was accepted, monotonic: a PROXY header counts for L-07 too. */
  constructor(
    socket: Socket,
    session: Session,
    maxMalformed: number,
    deps: TcpConnectionDeps,
    openedMs = deps.nowMs()
  ) {
    this.socket = socket
    this.session = session
    this.#maxMalformed = maxMalformed
    this.#deps = deps
    this.#headerSinceMs = openedMs
  }

  /** Octets of a Message that has begun and is not whole. */
  get partialOctets(): number {
    return this.#framer.pendingOctets
  }

  /** The fault for which it has to be closed, once {@link read} has said so. */
  get fault(): FaultCode | undefined {
    return this.#fault
  }

  /**
   * Take what came next.
   *
   * @param chunk - aliased during the call only.
   * @returns why the connection must be closed now, or undefined.
   */
  read(chunk: Uint8Array): CloseReason | undefined {
    const { ledger, nowMs, nowAtMs } = this.#deps
    this.#nowMs = nowMs()
    this.#nowAtMs = nowAtMs()
    const fault = this.#framer.push(chunk, this.#onMessage)
    if (this.#malformedInRow >= this.#maxMalformed) return 'malformed'
    if (fault !== undefined) {
      // What cannot be framed is one Message that was received and dropped.
      this.#fault = fault
      ledger.messages.received++
      ledger.messages.dropped[fault === 'BAD_VERSION' ? 'bad_version' : 'message_length']++
      this.session.exporter.malformed++
      this.#deps.intake.faultCounts[fault]++
      return 'framing'
    }
    if (this.#framer.pendingOctets === 0) this.#partialSinceMs = -1
    else if (this.#partialSinceMs === -1 || this.#hasJustFinished) this.#partialSinceMs = this.#nowMs
    this.#hasJustFinished = false
    return undefined
  }

  /** L-07. While nothing is read from it, its time stands still. */
  timeout(nowMs: number, firstHeaderMs: number, partialMessageMs: number): CloseReason | undefined {
    if (this.isPaused) {
      if (this.#partialSinceMs !== -1) this.#partialSinceMs = nowMs
      this.#headerSinceMs = nowMs
      return undefined
    }
    if (!this.#hasMessage && this.#framer.pendingOctets < 16 && nowMs - this.#headerSinceMs >= firstHeaderMs) {
      return 'timeout_header'
    }
    if (this.#partialSinceMs !== -1 && nowMs - this.#partialSinceMs >= partialMessageMs) return 'timeout_partial'
    return undefined
  }

  readonly #onMessage = (octets: Uint8Array, view: DataView, offset: number, length: number): void => {
    this.#hasMessage = true
    this.#hasJustFinished = true
    // Behind the Message that ends the session nothing is believed any more.
    if (this.#malformedInRow >= this.#maxMalformed) return
    const { intake, ledger } = this.#deps
    ledger.messages.received++
    const fault = intake.receive(this.session, octets, view, offset, length, this.#nowMs, this.#nowAtMs)
    if (fault === undefined) {
      this.#malformedInRow = 0
    } else {
      this.#malformedInRow++
      this.#fault = fault
    }
  }
}
