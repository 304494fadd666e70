import { MessageScanner } from './message-scanner.ts'

export const TCP_FIN = 0x01
export const TCP_SYN = 0x02
export const TCP_RST = 0x04

/** Octets and segments that may wait for a lost one before the gap is given up. */
const MAX_WAITING_OCTETS = 1024 * 1024
const MAX_WAITING_SEGMENTS = 4096
const IPFIX_VERSION = 10

interface Segment {
  readonly sequence: number
  readonly octets: Uint8Array
}

/** How far `sequence` is ahead of `from`, modulo 2^32: negative if it is behind (RFC 9293 §3.4). */
function distance(sequence: number, from: number): number {
  return (sequence - from) | 0
}

/**
 * One direction of one TCP connection: puts its octets in order and cuts them into IPFIX Messages.
 *
 * Out-of-order segments wait, bounded; retransmitted octets are dropped, the first to arrive count. A gap that is not
 * filled is passed over and the next Message is searched for. A stream that begins with something else than an IPFIX
 * Message is ignored.
 */
export class TcpStream {
  /** Number of the Transport Session. */
  readonly session: number
  /** Sequence number of the first data octet. */
  readonly startSequence: number
  /** Gaps that nothing filled. */
  gaps = 0
  /** True once FIN has been reached or RST was seen. */
  isClosed = false
  readonly #scanner: MessageScanner
  readonly #waiting: Segment[] = []
  #waitingOctets = 0
  #nextSequence: number
  #finSequence: number | undefined
  /** The first two octets, until both are there; undefined once the stream is known to be IPFIX. */
  #opening: number[] | undefined
  #isOther = false

  /**
   * @param nextSequence - of the first data octet: behind the SYN, or of the first segment seen.
   * @param hasStart - false if the capture began after the SYN: Messages are then searched for.
   */
  constructor(session: number, nextSequence: number, hasStart: boolean) {
    this.session = session
    this.startSequence = this.#nextSequence = nextSequence >>> 0
    this.#scanner = new MessageScanner(hasStart)
    this.#opening = hasStart ? [] : undefined
  }

  /** True if the stream began with something else than an IPFIX Message. */
  get isOther(): boolean {
    return this.#isOther
  }

  get skippedOctets(): number {
    return this.#scanner.skippedOctets
  }

  /** Octets it holds for segments that are missing. */
  get waitingOctets(): number {
    return this.#waitingOctets
  }

  /**
   * Take one segment.
   *
   * @param octets - the segment's data, copied if it must wait.
   * @yields whole Messages, valid until the next is asked for.
   */
  *push(sequence: number, flags: number, octets: Uint8Array): Generator<Uint8Array> {
    if (this.isClosed) return
    if (flags & TCP_FIN) this.#finSequence = (sequence + octets.length) >>> 0
    if (octets.length > 0) yield* this.#accept({ sequence, octets })
    if (flags & TCP_RST) yield* this.end()
    else if (this.#finSequence !== undefined && distance(this.#finSequence, this.#nextSequence) <= 0) yield* this.end()
  }

  /** The stream ends here: what waits is used, gaps or not. A Message that was begun is lost. */
  *end(): Generator<Uint8Array> {
    if (this.isClosed) return
    this.isClosed = true
    while (this.#waiting.length > 0) yield* this.#passGap()
    if (this.#isOther) return
    for (const message of this.#scanner.end()) {
      // Unlike a file's, a stream's cut Message is no Message: the exporter or the capture stopped within it.
      const isWhole = message.length >= 4 && message.length === ((message[2] << 8) | message[3])
      if (isWhole) yield message
      else this.#scanner.skippedOctets += message.length
    }
  }

  *#accept(segment: Segment): Generator<Uint8Array> {
    if (distance(segment.sequence, this.#nextSequence) > 0) {
      this.#hold(segment)
      while (this.#waitingOctets > MAX_WAITING_OCTETS || this.#waiting.length > MAX_WAITING_SEGMENTS)
        yield* this.#passGap()
      return
    }
    yield* this.#deliver(segment)
    yield* this.#deliverWaiting()
  }

  *#deliver({ sequence, octets }: Segment): Generator<Uint8Array> {
    const known = -distance(sequence, this.#nextSequence)
    if (known >= octets.length) return
    this.#nextSequence = (sequence + octets.length) >>> 0
    const fresh = known > 0 ? octets.subarray(known) : octets
    if (this.#opening !== undefined) this.#checkOpening(this.#opening, fresh)
    if (!this.#isOther) yield* this.#scanner.push(fresh)
  }

  *#deliverWaiting(): Generator<Uint8Array> {
    while (this.#waiting.length > 0 && distance(this.#waiting[0].sequence, this.#nextSequence) <= 0) {
      const segment = this.#waiting.shift()!
      this.#waitingOctets -= segment.octets.length
      yield* this.#deliver(segment)
    }
  }

  *#passGap(): Generator<Uint8Array> {
    this.gaps++
    this.#scanner.gap()
    this.#opening = undefined
    this.#nextSequence = this.#waiting[0].sequence
    yield* this.#deliverWaiting()
  }

  #hold(segment: Segment): void {
    const waiting = this.#waiting
    let index = waiting.length
    while (index > 0 && distance(segment.sequence, waiting[index - 1].sequence) < 0) index--
    const before = waiting[index - 1]
    // The same segment again adds nothing; a longer one does.
    if (before?.sequence === segment.sequence && before.octets.length >= segment.octets.length) return
    waiting.splice(index, 0, { sequence: segment.sequence, octets: segment.octets.slice() })
    this.#waitingOctets += segment.octets.length
  }

  #checkOpening(opening: number[], octets: Uint8Array): void {
    for (let index = 0; index < octets.length && opening.length < 2; index++) opening.push(octets[index])
    if (opening.length < 2) return
    this.#isOther = ((opening[0] << 8) | opening[1]) !== IPFIX_VERSION
    this.#opening = undefined
  }
}
