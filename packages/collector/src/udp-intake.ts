import type { DropReason, FaultCode } from '@weir/ipfix'
import type { Clock, Log } from '@weir/runtime'
import type { AllowList } from './allow-list.ts'
import type { ExporterPolicies } from './exporter-policies.ts'
import type { ExporterTable } from './exporter.ts'
import { VERIFIED_MESSAGES, type Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import { addressOf, PeerIndex, type Peer, type SourceAddress } from './peer-index.ts'
import type { PenaltyBox } from './penalty-box.ts'
import type { Session } from './session.ts'
import type { SessionTable } from './session-table.ts'

/** What a UDP socket does with what it received; the octets are aliased during the call only. */
export interface DatagramSink {
  /** Datagrams follow that all came now. */
  begin(): void
  /** @param address - as dgram reports it. */
  fromText(address: string, port: number, octets: Uint8Array, view: DataView, offset: number, length: number): void
  /** @param address - IPv4 as one number. */
  fromIPv4(address: number, port: number, octets: Uint8Array, view: DataView, offset: number, length: number): void
  /** @param address - holds the 16 octets of the source at `addressOffset`. */
  fromIPv6(
    address: Uint8Array,
    addressOffset: number,
    port: number,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number
  ): void
}

export interface UdpIntakeDeps {
  readonly intake: Intake
  readonly sessions: SessionTable
  readonly exporters: ExporterTable
  readonly allow: AllowList
  readonly policies: ExporterPolicies
  readonly penalties: PenaltyBox
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Log
}

export interface UdpIntakeOptions {
  readonly listener: string
}

/** Faults of a datagram for which its source is punished: it is malformed (RFC 7011 §9.1), not merely too much. */
const isMalformed = (fault: FaultCode): boolean => fault !== 'VALUE_BUDGET' && fault !== 'DOMAIN_LIMIT'

/** From datagrams of one listener to Messages of sessions: who may send, whose session it is, who has gone too far. */
export class UdpIntake implements DatagramSink {
  readonly peers = new PeerIndex()
  /** Datagrams and their octets, as read from the socket. */
  datagrams = 0
  octets = 0
  readonly #options: UdpIntakeOptions
  readonly #deps: UdpIntakeDeps
  readonly #source: SourceAddress = { text: '', family: 0, ipv4: 0, ipv6: new Uint8Array(16), ipv6Offset: 0 }

  /** When the datagrams in hand came: asking the clock for each would be a tenth of its cost. */
  #nowMs = 0
  #nowAtMs = 0

  constructor(options: UdpIntakeOptions, deps: UdpIntakeDeps) {
    this.#options = options
    this.#deps = deps
  }

  begin(): void {
    this.#nowMs = this.#deps.clock.monotonicMs()
    this.#nowAtMs = this.#deps.clock.nowMs()
  }

  fromText(address: string, port: number, octets: Uint8Array, view: DataView, offset: number, length: number): void {
    this.#source.family = 0
    this.#source.text = address
    this.#datagram(this.peers.findText(address), port, octets, view, offset, length)
  }

  fromIPv4(address: number, port: number, octets: Uint8Array, view: DataView, offset: number, length: number): void {
    this.#source.family = 4
    this.#source.ipv4 = address
    this.#datagram(this.peers.findIPv4(address), port, octets, view, offset, length)
  }

  fromIPv6(
    address: Uint8Array,
    addressOffset: number,
    port: number,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number
  ): void {
    this.#source.family = 6
    this.#source.ipv6 = address
    this.#source.ipv6Offset = addressOffset
    this.#datagram(this.peers.findIPv6(address, addressOffset), port, octets, view, offset, length)
  }

  #datagram(
    peer: Peer | undefined,
    port: number,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number
  ): void {
    const { intake, penalties, ledger, sessions } = this.#deps
    this.datagrams++
    this.octets += length
    ledger.messages.received++
    const nowMs = this.#nowMs
    const version = length < 2 ? 0 : view.getUint16(offset)
    const key = sessionKeyOf(version, port, peer !== undefined && peer.isOneSession)
    let session: Session | undefined
    if (peer !== undefined) {
      session = peer.lastKey === key ? peer.last : peer.sessions.get(key)
    }
    if (penalties.isAnyPunished && penalties.isPunished(this.#culprit(peer, session, port), nowMs)) {
      return this.#drop('penalty')
    }
    if (session === undefined) return this.#first(peer, version, port, octets, view, offset, length, nowMs)
    peer!.lastKey = key
    peer!.last = session
    if (peer!.isOneSession && session.identity.port !== port) session.hasManyPorts = true
    const fault = intake.receive(session, octets, view, offset, length, nowMs, this.#nowAtMs)
    if (fault !== undefined) this.#note(fault, this.#culprit(peer, session, port), nowMs)
    else if (session.messages <= VERIFIED_MESSAGES) sessions.touch(session)
  }

  #first(
    peer: Peer | undefined,
    version: number,
    port: number,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    nowMs: number
  ): void {
    const { allow, exporters, policies, sessions, intake, log } = this.#deps
    // A flood is refused before anything is made for it.
    if (allow.isAnyAllowed && sessions.isClosed(nowMs)) return this.#drop('session_limit')
    const address = peer?.address ?? addressOf(this.#source)
    if (!allow.allows(address.text)) {
      log.warn('not_allowed', 'a datagram came from an address that is not on the allow list', {
        exporter: address.text
      })
      return this.#drop('not_allowed')
    }
    if (!allow.isAnyAllowed && sessions.isClosed(nowMs)) return this.#drop('session_limit')
    const nowAtMs = this.#nowAtMs
    const exporter = exporters.candidate(address, nowAtMs)
    const isOneSession = peer?.isOneSession ?? policies.policyFor(address.text).scope === 'address'
    const key = sessionKeyOf(version, port, isOneSession)
    const session = sessions.candidate(version, this.#options.listener, exporter, port, key >= 16, nowMs, nowAtMs)
    const fault = intake.receive(session, octets, view, offset, length, nowMs, nowAtMs)
    if (fault !== undefined) {
      sessions.discard(session)
      return this.#note(fault, address.text, nowMs)
    }
    sessions.addUdp(session, nowMs)
    const known = this.peers.findText(address.text) ?? this.peers.add(address)
    known.isOneSession = isOneSession
    known.sessions.set(key, session)
  }

  #note(fault: FaultCode, address: string, nowMs: number): void {
    if (!isMalformed(fault) || !this.#deps.penalties.note(address, nowMs)) return
    this.#deps.log.warn('penalty', 'a source sent too many malformed datagrams: nothing is read from it for a while', {
      exporter: address
    })
  }

  /**
   * Who is punished for a datagram: its address, because ports cost a sender nothing. But an exporter that has proven itself
   * answers for its own port alone: else forged datagrams with its address would silence it.
   */
  #culprit(peer: Peer | undefined, session: Session | undefined, port: number): string {
    const address = peer?.address.text ?? addressOf(this.#source).text
    return session !== undefined && session.isVerified && session.identity.port === port
      ? `${address} ${port}`
      : address
  }

  #drop(reason: DropReason): void {
    this.#deps.ledger.messages.dropped[reason]++
  }
}

/**
 * What tells the sessions of one address apart: the source port where there are templates, unless the policy `address` says
 * otherwise. The versions without templates keep the sequence number of one exporter, whatever its port.
 */
export function sessionKeyOf(version: number, port: number, isOneSession: boolean): number {
  if ((version === 10 || version === 9) && !isOneSession) return port * 16 + version
  return version < 16 ? version : 15
}
