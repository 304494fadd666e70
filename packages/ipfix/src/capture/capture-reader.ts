import { captureCounters } from './captured-message.ts'
import { flowExportKind } from './flow-export.ts'
import { MessageScanner } from './message-scanner.ts'
import { OctetQueue } from './octet-queue.ts'
import { PacketReader } from './packet-reader.ts'
import { isPcapMagic, PcapReader } from './pcap-reader.ts'
import { PcapngReader, SECTION_HEADER_BLOCK } from './pcapng-reader.ts'
import type { CaptureCounters, CapturedMessage, Endpoint } from './captured-message.ts'
import type { CaptureFault } from './capture-faults.ts'
import type { FrameReader } from './captured-frame.ts'
import type { PacketOptions } from './packet-reader.ts'

/** What a file holds: packets, concatenated IPFIX Messages (RFC 5655), or exactly one UDP payload. */
export type CaptureFormat = 'pcap' | 'pcapng' | 'ipfix-file' | 'datagram'

/** What a capture reader may be told; all of it can be left out. */
export interface CaptureOptions extends PacketOptions {
  /**
   * The format of every file, or `auto`: pcap and pcapng by their magic, NetFlow and sFlow payloads as one datagram,
   * what begins with `000a` as an IPFIX File. Only the caller can know that such a file is one datagram:
   * `auto-datagram` takes whatever is neither pcap nor pcapng as one.
   */
  readonly format?: CaptureFormat | 'auto' | 'auto-datagram'
}

const NOWHERE: Endpoint = { address: '', port: 0 }
/** Octets that decide on the format. */
const MAGIC_OCTETS = 4
/** A UDP payload cannot be longer (RFC 768); a file that is gives only this much. */
const MAX_DATAGRAM_OCTETS = 65535

/**
 * Reads capture files, one after the other, chunk by chunk: octets in, flow export payloads out. Several files are one
 * case in order: UDP sessions and raw datagrams go on from file to file, each IPFIX File is a session of its own
 * (RFC 5655 §7.1).
 *
 * Memory is bounded whatever the file says: one packet and one chunk, 16 MiB of IP fragments, 64 MiB of TCP octets that
 * wait for a lost segment, 65536 conversations.
 *
 * ```ts
 * const reader = new CaptureReader()
 * for (const file of files) {
 *   reader.begin()
 *   for await (const chunk of file) for (const message of reader.push(chunk)) use(message)
 *   for (const message of reader.end()) use(message)
 * }
 * for (const message of reader.finish()) use(message)
 * ```
 */
export class CaptureReader {
  /** What was read and what could not be used, of all files so far. */
  readonly counters: CaptureCounters = captureCounters()
  /** Why the file at hand cannot be read (any further), if so; cleared when the next file begins. */
  fault: CaptureFault | undefined
  /** Format of the file at hand, once known. */
  format: CaptureFormat | undefined
  readonly #options: CaptureOptions
  readonly #nextSession = (): number => ++this.#lastSession
  readonly #packets: PacketReader
  readonly #datagramSession: number
  #wanted: NonNullable<CaptureOptions['format']>
  #lastSession = 0
  #head = new OctetQueue()
  #frames: FrameReader | undefined
  #scanner: MessageScanner | undefined
  #fileSession = 0

  constructor(options: CaptureOptions = {}) {
    this.#options = options
    this.#wanted = options.format ?? 'auto'
    this.#datagramSession = this.#nextSession()
    this.#packets = new PacketReader(options, this.counters, this.#nextSession)
  }

  /**
   * The next file begins: `fault` and `format` of the one before are forgotten.
   *
   * @param format - of this file; see {@link CaptureOptions.format}.
   */
  begin(format: CaptureOptions['format'] = this.#options.format ?? 'auto'): void {
    this.fault = this.format = undefined
    this.#wanted = format
  }

  /** @yields what this chunk of the file completes, in order; each is valid until the next is asked for. */
  *push(chunk: Uint8Array): Generator<CapturedMessage> {
    this.counters.octets += chunk.length
    if (this.fault !== undefined || chunk.length === 0) return
    if (this.format !== undefined && this.format !== 'datagram') {
      yield* this.#read(chunk)
      return
    }
    const taken = Math.min(chunk.length, MAX_DATAGRAM_OCTETS - this.#head.lengthOctets)
    this.#head.append(chunk.subarray(0, taken))
    const { octets, start, end } = this.#head
    if (this.format === 'datagram' || end - start < MAGIC_OCTETS) return
    this.format = this.#detect(octets.subarray(start, end))
    if (this.format === undefined) this.fault = 'CAPTURE_UNKNOWN'
    if (this.format === undefined || this.format === 'datagram') return
    this.#open(this.format)
    yield* this.#read(octets.slice(start, end))
    if (taken < chunk.length) yield* this.#read(chunk.subarray(taken))
  }

  /**
   * One file ends. UDP sessions and TCP connections go on in the next one.
   *
   * @yields what the end of the file completes.
   */
  *end(): Generator<CapturedMessage> {
    if (this.#frames?.isIncomplete === true) this.fault ??= 'CAPTURE_CUT'
    if (this.#scanner !== undefined) yield* this.#fileMessages(this.#scanner, this.#scanner.end())
    const { octets, start, end } = this.#head
    if (this.#wanted.endsWith('datagram') && this.format === undefined) this.format = 'datagram'
    if (this.format === undefined) this.fault ??= 'CAPTURE_UNKNOWN'
    if (this.format === 'datagram') {
      this.counters.packets++
      yield this.#message(octets.subarray(start, end), 'udp', this.#datagramSession)
    }
    this.#frames = this.#scanner = undefined
    this.#head.clear()
  }

  /**
   * There is no further file.
   *
   * @yields what open TCP connections have left.
   */
  *finish(): Generator<CapturedMessage> {
    yield* this.#packets.end()
  }

  #detect(octets: Uint8Array): CaptureFormat | undefined {
    const wanted = this.#wanted
    if (wanted !== 'auto' && wanted !== 'auto-datagram') return wanted
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const magic = view.getUint32(0)
    if (isPcapMagic(magic, view.getUint32(0, true))) return 'pcap'
    if (magic === SECTION_HEADER_BLOCK) return 'pcapng'
    if (wanted === 'auto-datagram') return 'datagram'
    const kind = flowExportKind(octets)
    return kind === 'ipfix' ? 'ipfix-file' : kind === undefined ? undefined : 'datagram'
  }

  #open(format: CaptureFormat): void {
    if (format === 'pcap') this.#frames = new PcapReader()
    else if (format === 'pcapng') this.#frames = new PcapngReader()
    else this.#scanner = new MessageScanner(true)
    if (format === 'ipfix-file') this.#fileSession = this.#nextSession()
  }

  *#read(chunk: Uint8Array): Generator<CapturedMessage> {
    const frames = this.#frames
    if (frames !== undefined) {
      for (const frame of frames.push(chunk)) yield* this.#packets.push(frame)
      this.fault = frames.fault
    } else if (this.#scanner !== undefined) {
      yield* this.#fileMessages(this.#scanner, this.#scanner.push(chunk))
    }
  }

  *#fileMessages(scanner: MessageScanner, messages: Generator<Uint8Array>): Generator<CapturedMessage> {
    const { skippedOctets } = scanner
    for (const octets of messages) {
      this.counters.packets++
      yield this.#message(octets, 'file', this.#fileSession)
    }
    this.counters.skippedOctets += scanner.skippedOctets - skippedOctets
  }

  #message(octets: Uint8Array, transport: 'udp' | 'file', session: number): CapturedMessage {
    return { octets, timestampMs: 0, transport, source: NOWHERE, destination: NOWHERE, session }
  }
}

/**
 * Read one file to its end.
 *
 * @param chunks - the file's octets in order, decompressed.
 * @yields payloads, valid until the next is asked for. Faults and counters: use {@link CaptureReader} itself.
 */
export async function* readCapture(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: CaptureOptions = {}
): AsyncGenerator<CapturedMessage> {
  const reader = new CaptureReader(options)
  for await (const chunk of chunks) yield* reader.push(chunk)
  yield* reader.end()
  yield* reader.finish()
}
