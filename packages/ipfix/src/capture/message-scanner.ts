import { OctetQueue } from './octet-queue.ts'

const VERSION = 10
const HEADER_OCTETS = 16

/**
 * Cuts a serialised stream of IPFIX Messages (an IPFIX File, a TCP stream) into Messages by their Length, and finds the
 * next Message behind damage (RFC 5655 §10.3): a candidate `000a` counts if the Message that its Length describes ends
 * where another `000a` or the stream's end stands. Unlike a Collecting Process, which closes a connection that lost its
 * framing (RFC 7011 §9.1), it goes on: a file or a capture cannot be asked again.
 *
 * Holds at most one Message of 65535 octets and one chunk.
 */
export class MessageScanner {
  /** Octets passed over in search of a Message. */
  skippedOctets = 0
  readonly #queue = new OctetQueue()
  #isSynced: boolean

  /** @param isSynced - true if the stream is known to begin with a Message. */
  constructor(isSynced: boolean) {
    this.#isSynced = isSynced
  }

  /** @yields whole Messages, valid until the next is asked for; one that is malformed inside is yielded like any other. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#queue.append(chunk)
    yield* this.#scan(false)
  }

  /** The stream ends. @yields what its end makes certain; at last the rest, if it begins like a Message that was cut. */
  *end(): Generator<Uint8Array> {
    yield* this.#scan(true)
    const { octets, start, end } = this.#queue
    if (end - start >= HEADER_OCTETS && this.#isSynced) yield octets.subarray(start, end)
    else this.skippedOctets += end - start
    this.#queue.clear()
  }

  /** Octets of the stream are missing here: what was begun is lost. */
  gap(): void {
    this.skippedOctets += this.#queue.lengthOctets
    this.#queue.clear()
    this.#isSynced = false
  }

  *#scan(isEnd: boolean): Generator<Uint8Array> {
    const queue = this.#queue
    for (;;) {
      if (!this.#isSynced && !this.#findVersion()) return
      if (queue.lengthOctets < 4) return this.#endSearch(isEnd)
      const { view, start } = queue
      const length = view.getUint16(start + 2)
      if (view.getUint16(start) !== VERSION || length < HEADER_OCTETS) {
        this.#skip(2)
        continue
      }
      if (queue.lengthOctets < length) {
        // Cut by the end of the stream: the Message itself, if it began where one was due; else no Message at all.
        if (!isEnd || (this.#isSynced && !this.#hasMessageWithin(start, queue.end))) return
        this.#skip(2)
        continue
      }
      const isWhole = this.#isSynced && hasTilingSets(view, start, length)
      // The octets behind a Message that is searched for, or does not fit together, decide whether it may be believed.
      if (!isWhole && queue.lengthOctets < length + 2 && !isEnd) return
      const isFollowed = isWhole || this.#isFollowed(start + length)
      if (!isFollowed && !this.#isSynced) {
        this.#skip(2)
        continue
      }
      // A Message that does not fit together and leads nowhere has a wrong Length: others may lie within it.
      queue.start += isFollowed ? length : 2
      this.#isSynced = isFollowed
      yield queue.octets.subarray(start, start + length)
    }
  }

  #isFollowed(next: number): boolean {
    const { view, end } = this.#queue
    return next + 2 <= end ? view.getUint16(next) === VERSION : next === end
  }

  /** Advance to the next octet pair `000a`; false if there is none yet. */
  #findVersion(): boolean {
    const queue = this.#queue
    for (let at = queue.start; at + 1 < queue.end; at++) {
      at = queue.octets.indexOf(0, at)
      if (at < 0 || at + 1 >= queue.end) break
      if (queue.octets[at + 1] === VERSION) {
        this.skippedOctets += at - queue.start
        queue.start = at
        return true
      }
    }
    // The last octet may be the first of a pair.
    const rest = queue.lengthOctets > 0 && queue.octets[queue.end - 1] === 0 ? 1 : 0
    this.skippedOctets += queue.lengthOctets - rest
    queue.start = queue.end - rest
    return false
  }

  #skip(count: number): void {
    this.skippedOctets += count
    this.#queue.start += count
    this.#isSynced = false
  }

  #endSearch(isEnd: boolean): void {
    if (isEnd) this.#isSynced = false
  }

  #hasMessageWithin(start: number, end: number): boolean {
    const { octets, view } = this.#queue
    for (let at = start + 2; at + HEADER_OCTETS <= end; at++) {
      at = octets.indexOf(0, at)
      if (at < 0 || at + HEADER_OCTETS > end) return false
      if (octets[at + 1] !== VERSION) continue
      const next = at + view.getUint16(at + 2)
      if (next >= at + HEADER_OCTETS && (next === end || (next + 2 <= end && view.getUint16(next) === VERSION)))
        return true
    }
    return false
  }
}

/** True if the Sets of a Message fill it exactly (RFC 7011 §3.3.2). */
function hasTilingSets(view: DataView, start: number, length: number): boolean {
  const end = start + length
  let at = start + HEADER_OCTETS
  while (at + 4 <= end) {
    const setOctets = view.getUint16(at + 2)
    if (setOctets < 4) return false
    at += setOctets
  }
  return at === end
}
