import { ConversationTable } from './conversation-table.ts'
import { flowExportKind } from './flow-export.ts'
import { FragmentTable } from './fragment-table.ts'
import { emptyIpPacket, PROTOCOL_TCP, PROTOCOL_UDP, readIpPacket, readUpperLayer } from './ip-packet.ts'
import { ipOffset } from './link-layer.ts'
import { TCP_RST, TCP_FIN, TCP_SYN, TcpStream } from './tcp-stream.ts'
import type { CaptureCounters, CapturedMessage } from './captured-message.ts'
import type { CapturedFrame } from './captured-frame.ts'
import type { Conversation } from './conversation-table.ts'

const UDP_HEADER_OCTETS = 8
const TCP_HEADER_OCTETS = 20
/** TCP streams followed at a time; the one that was begun first is ended first. */
const MAX_STREAMS = 4096
/** Octets that all TCP streams together may hold for lost segments. */
const MAX_WAITING_OCTETS = 64 * 1024 * 1024

/** What a packet reader looks at. */
export interface PacketOptions {
  /** Destination ports that are wanted; all if absent or empty. */
  readonly ports?: readonly number[]
}

interface Stream {
  readonly stream: TcpStream
  readonly conversation: Conversation
}

/**
 * Turns captured frames into datagrams and IPFIX Messages: link layer, IP, fragments, UDP, TCP. The order is that of the
 * frames; a Message of a TCP stream comes when its last octet does.
 */
export class PacketReader {
  readonly #counters: CaptureCounters
  readonly #nextSession: () => number
  readonly #ports: ReadonlySet<number>
  readonly #packet = emptyIpPacket()
  readonly #fragments = new FragmentTable()
  readonly #conversations: ConversationTable
  readonly #streams = new Map<string, Stream>()
  #waitingOctets = 0

  /**
   * @param counters - added to.
   * @param nextSession - gives the number of the next Transport Session.
   */
  constructor(options: PacketOptions, counters: CaptureCounters, nextSession: () => number) {
    this.#counters = counters
    this.#nextSession = nextSession
    this.#ports = new Set(options.ports)
    this.#conversations = new ConversationTable(nextSession)
  }

  /** @yields what this frame completes, valid until the next is asked for. */
  *push(frame: CapturedFrame): Generator<CapturedMessage> {
    this.#counters.packets++
    const offset = ipOffset(frame)
    if (offset < 0 || !readIpPacket(frame.view, offset, frame.offset + frame.lengthOctets, this.#packet)) {
      this.#counters.otherPackets++
      return
    }
    if (this.#packet.isTruncated) this.#counters.truncatedPackets++
    if (this.#packet.isFragment) yield* this.#fragment(frame)
    else yield* this.#upperLayer(frame.octets, frame.view, frame.view, frame.timestampMs)
  }

  /**
   * The capture ends.
   *
   * @yields what open TCP streams have.
   */
  *end(): Generator<CapturedMessage> {
    for (const stream of this.#streams.values()) yield* this.#endStream(stream, 0)
    this.#streams.clear()
    this.#fragments.end()
    this.#counters.lostDatagrams = this.#fragments.lostDatagrams
  }

  *#fragment({ octets, view, timestampMs }: CapturedFrame): Generator<CapturedMessage> {
    const whole = this.#fragments.add(octets, view, this.#packet, timestampMs)
    this.#counters.lostDatagrams = this.#fragments.lostDatagrams
    if (whole === undefined) return
    const wholeView = new DataView(whole.buffer)
    if (!readUpperLayer(wholeView, this.#packet)) {
      this.#counters.otherPackets++
      return
    }
    yield* this.#upperLayer(whole, wholeView, view, timestampMs)
  }

  /** @param addressView - where the packet's addresses are; the payload of a reassembled datagram lies elsewhere. */
  *#upperLayer(octets: Uint8Array, view: DataView, addressView: DataView, ms: number): Generator<CapturedMessage> {
    const { protocol, payloadOffset, payloadEnd } = this.#packet
    const lengthOctets = payloadEnd - payloadOffset
    const isWanted =
      (protocol === PROTOCOL_UDP && lengthOctets >= UDP_HEADER_OCTETS) ||
      (protocol === PROTOCOL_TCP && lengthOctets >= TCP_HEADER_OCTETS)
    if (!isWanted || (this.#ports.size > 0 && !this.#ports.has(view.getUint16(payloadOffset + 2)))) {
      this.#counters.otherPackets++
    } else if (protocol === PROTOCOL_UDP) {
      yield* this.#udp(octets, view, addressView, ms)
    } else {
      yield* this.#tcp(octets, view, addressView, ms)
    }
  }

  *#udp(octets: Uint8Array, view: DataView, addressView: DataView, timestampMs: number): Generator<CapturedMessage> {
    const { payloadOffset, payloadEnd } = this.#packet
    // The UDP length may be less than the packet's (padding) but not more; 0 stands for a jumbogram (RFC 2675 §4).
    const udpOctets = view.getUint16(payloadOffset + 4) || payloadEnd - payloadOffset
    const end = Math.min(payloadEnd, payloadOffset + Math.max(udpOctets, UDP_HEADER_OCTETS))
    const payload = octets.subarray(payloadOffset + UDP_HEADER_OCTETS, end)
    if (flowExportKind(payload) === undefined) {
      this.#counters.otherPayloads++
      return
    }
    const { source, destination, session } = this.#conversation(view, addressView, 'u')
    yield { octets: payload, timestampMs, transport: 'udp', source, destination, session }
  }

  *#tcp(octets: Uint8Array, view: DataView, addressView: DataView, timestampMs: number): Generator<CapturedMessage> {
    const { payloadOffset, payloadEnd } = this.#packet
    const headerOctets = (view.getUint8(payloadOffset + 12) >> 4) * 4
    if (headerOctets < TCP_HEADER_OCTETS || payloadOffset + headerOctets > payloadEnd) {
      this.#counters.otherPackets++
      return
    }
    const flags = view.getUint8(payloadOffset + 13)
    const sequence = view.getUint32(payloadOffset + 4)
    const segment = octets.subarray(payloadOffset + headerOctets, payloadEnd)
    const conversation = this.#conversation(view, addressView, 't')
    const { key } = conversation
    const isSyn = (flags & TCP_SYN) !== 0
    const dataSequence = (isSyn ? sequence + 1 : sequence) >>> 0
    let known = this.#streams.get(key)
    // A SYN that is no repetition begins a new connection on the same ports (RFC 9293 §3.6.1).
    if (known !== undefined && isSyn && known.stream.startSequence !== dataSequence) {
      yield* this.#endStream(known, timestampMs)
      this.#streams.delete(key)
      known = undefined
    }
    if (known === undefined) {
      // Nothing to follow yet: a pure acknowledgement, or the rest of a connection that has ended.
      if (!isSyn && (segment.length === 0 || flags & (TCP_RST | TCP_FIN))) return
      yield* this.#makeRoom(timestampMs)
      known = { stream: new TcpStream(this.#nextSession(), dataSequence, isSyn), conversation }
      this.#streams.set(key, known)
    }
    yield* this.#account(known, known.stream.push(dataSequence, flags, segment), timestampMs)
  }

  *#account(known: Stream, messages: Generator<Uint8Array>, timestampMs: number): Generator<CapturedMessage> {
    const { stream, conversation } = known
    const { gaps, skippedOctets, waitingOctets, isOther } = stream
    for (const octets of messages) {
      const { source, destination } = conversation
      yield { octets, timestampMs, transport: 'tcp', source, destination, session: stream.session }
    }
    this.#counters.tcpGaps += stream.gaps - gaps
    this.#counters.skippedOctets += stream.skippedOctets - skippedOctets
    this.#waitingOctets += stream.waitingOctets - waitingOctets
    if (stream.isOther && !isOther) this.#counters.otherPayloads++
  }

  *#endStream(known: Stream, timestampMs: number): Generator<CapturedMessage> {
    yield* this.#account(known, known.stream.end(), timestampMs)
  }

  *#makeRoom(timestampMs: number): Generator<CapturedMessage> {
    for (const [key, known] of this.#streams) {
      if (this.#streams.size < MAX_STREAMS && this.#waitingOctets <= MAX_WAITING_OCTETS) return
      yield* this.#endStream(known, timestampMs)
      this.#streams.delete(key)
    }
  }

  #conversation(view: DataView, addressView: DataView, prefix: string): Conversation {
    const ports = view.getUint32(this.#packet.payloadOffset)
    return this.#conversations.of(addressView, this.#packet, ports, prefix)
  }
}
