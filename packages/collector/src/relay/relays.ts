import type { TemplateScopePolicy } from '@weir/config'
import type { Layout } from '@weir/ipfix'
import type { LinkSender } from '@weir/link'
import type { Clock } from '@weir/runtime'
import type { OptionsRecord, OptionsState } from '@weir/templates'
import type { Domain } from '../domain.ts'
import type { ExporterLife } from '../exporter-life.ts'
import type { ExporterPolicies } from '../exporter-policies.ts'
import type { ExporterTable } from '../exporter.ts'
import type { Forwarder } from '../forwarder.ts'
import { peerAddressOfIPv4, peerAddressOfIPv6, type PeerAddress } from '../peer-address.ts'
import type { Session } from '../session.ts'
import { OwnerReader } from './owner-reader.ts'
import type { OwnerKey, RelayDomain, RelayedExporter } from './relayed-exporter.ts'

/** L-17. */
export interface RelayLimits {
  readonly relayedExportersPerDomain: number
  readonly relayedExportersTotal: number
}

export interface RelaysDeps {
  readonly policies: ExporterPolicies
  readonly exporters: ExporterTable
  readonly life: ExporterLife
  readonly options: OptionsState<Domain>
  readonly link: LinkSender
  readonly forwarder: Forwarder
  readonly clock: Clock
  readonly contextOf: (domain: Domain, layout: Layout) => number
}

/** Data Records of relaying senders. */
export interface RelayCounters {
  /** Given to the exporter that they name. */
  relayed: number
  /** They name none: the sender's own. */
  unnamed: number
  /** They name one too many: the sender's own, in name. */
  limited: number
}

/** A relayed exporter that was heard so lately makes no room for another. */
const IDLE_MS = 60_000
/** Of a UDP session that may be forged; nobody else's room is taken by it. */
const UNVERIFIED_MOST = 16

/** What names the exporter under each policy; the twin of the other address family after it. */
const readers: Partial<Record<TemplateScopePolicy, OwnerReader>> = {
  'element:130': new OwnerReader([
    [130, 4],
    [131, 16]
  ]),
  'element:131': new OwnerReader([
    [131, 16],
    [130, 4]
  ]),
  'element:403': new OwnerReader([
    [403, 4],
    [404, 16]
  ])
}

/**
 * Senders that relay for others and are trusted to say for whom (policy `element:…`): their records go on under the name of
 * the exporter that an element of each record tells. Templates stay those of the sender's session.
 *
 * An options record that names an exporter is told of that one alone; one that names none, of all that the domain relays for.
 */
export class Relays {
  readonly counters: RelayCounters = { relayed: 0, unnamed: 0, limited: 0 }
  readonly #limits: RelayLimits
  readonly #deps: RelaysDeps
  #size = 0

  constructor(limits: RelayLimits, deps: RelaysDeps) {
    this.#limits = limits
    this.#deps = deps
  }

  /** Relayed exporters, each counted once for each domain that it comes in. */
  get size(): number {
    return this.#size
  }

  /** What a new domain of a session keeps; undefined for those who speak for themselves. */
  domainOf({ exporter }: Session): RelayDomain | undefined {
    const reader = readers[this.#deps.policies.policyFor(exporter.id).scope]
    return reader === undefined ? undefined : { reader, byOwner: new Map(), lastKey: undefined }
  }

  /** Policies may have changed. */
  refresh(sessions: Iterable<Session>): void {
    for (const session of sessions) {
      const wanted = readers[this.#deps.policies.policyFor(session.exporter.id).scope]
      for (const domain of session.domains.values()) {
        if (domain.relay?.reader === wanted) continue
        this.end(domain)
        domain.relay = this.domainOf(session)
      }
    }
  }

  /** Data Records of a relaying domain go on, counted. The octets are copied. */
  deliver(
    domain: Domain,
    relay: RelayDomain,
    layout: Layout,
    v5Sampling: number,
    contextId: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number
  ): void {
    const { forwarder, clock } = this.#deps
    const own = domain.source!
    const nowMs = clock.monotonicMs()
    relay.reader.forEachRun(layout, octets, offset, lengthOctets, (ownerAt, ownerOctets, runAt, runOctets, records) => {
      let source = own
      if (ownerAt === -1) {
        this.counters.unnamed += records
      } else {
        const relayed = this.#find(domain, relay, octets, ownerAt, ownerOctets, v5Sampling, receivedAtMs, nowMs)
        if (relayed === undefined) {
          this.counters.limited += records
        } else {
          source = relayed.source
          this.counters.relayed += records
          relayed.records += records
          relayed.lastSeenMs = nowMs
          if (relayed.exporter !== domain.session.exporter) relayed.exporter.records += records
          relayed.exporter.lastSeenAtMs = receivedAtMs
        }
      }
      forwarder.append(
        domain.session,
        layout,
        source,
        contextId,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        records,
        octets,
        runAt,
        runOctets
      )
    })
  }

  /** An options record is new or differs: if it names nobody, it holds for all. The sender's own name was told. */
  onOptions(relay: RelayDomain, record: OptionsRecord): void {
    if (ownerOf(relay, record) !== undefined) return
    for (const relayed of relay.byOwner.values()) this.#tell(relayed, record)
  }

  /**
   * Tell a restarted mediator an options record again.
   *
   * @returns true if it is that of one exporter, and has nothing to do with the sender's own name.
   */
  announce(relay: RelayDomain, record: OptionsRecord): boolean {
    const key = ownerOf(relay, record)
    if (key === undefined) {
      for (const relayed of relay.byOwner.values()) this.#tell(relayed, record)
      return false
    }
    const relayed = relay.byOwner.get(key)
    if (relayed !== undefined) this.#tell(relayed, record)
    return true
  }

  /** The domain ends, or relays no more. */
  end(domain: Domain): void {
    const { relay } = domain
    if (relay === undefined) return
    for (const relayed of relay.byOwner.values()) this.#release(relayed)
    relay.byOwner.clear()
    domain.relay = undefined
  }

  /** @returns undefined if there is no room for another. */
  #find(
    domain: Domain,
    relay: RelayDomain,
    octets: Uint8Array,
    ownerAt: number,
    ownerOctets: number,
    v5Sampling: number,
    receivedAtMs: number,
    nowMs: number
  ): RelayedExporter | undefined {
    const key = keyAt(octets, ownerAt, ownerOctets)
    const { byOwner } = relay
    let relayed = byOwner.get(key)
    if (relayed === undefined) {
      if (!this.#makeRoom(domain, relay, nowMs)) return undefined
      relayed = this.#make(domain, octets.subarray(ownerAt, ownerAt + ownerOctets), v5Sampling, receivedAtMs, nowMs)
      byOwner.set(key, relayed)
      this.#tellAll(domain, relay, relayed, key)
    } else if (key !== relay.lastKey) {
      byOwner.delete(key)
      byOwner.set(key, relayed)
    }
    relay.lastKey = key
    return relayed
  }

  #makeRoom({ session }: Domain, { byOwner }: RelayDomain, nowMs: number): boolean {
    const most = session.isVerified
      ? this.#limits.relayedExportersPerDomain
      : Math.min(UNVERIFIED_MOST, this.#limits.relayedExportersPerDomain)
    if (byOwner.size < most && this.#size < this.#limits.relayedExportersTotal) return true
    const [oldest] = byOwner
    if (oldest === undefined) return false
    const [key, relayed] = oldest
    if (nowMs - relayed.lastSeenMs < IDLE_MS) return false
    byOwner.delete(key)
    this.#release(relayed)
    return true
  }

  #make(domain: Domain, owner: Uint8Array, v5Sampling: number, receivedAtMs: number, nowMs: number): RelayedExporter {
    const { exporters, link, life } = this.#deps
    const { session } = domain
    const address = addressOf(owner)
    const exporter =
      address.text === session.exporter.id ? session.exporter : exporters.candidate(address, receivedAtMs)
    const source = link.defineSource({
      transport: session.transport,
      version: session.identity.version,
      address: exporter.address.octets,
      isIPv6: exporter.address.isIPv6,
      port: session.identity.port,
      odid: domain.odid,
      v5Sampling,
      exporterId: exporter.id
    })
    const relayed = { domain, exporter, source, records: 0, lastSeenMs: nowMs }
    if (exporters.addRelayed(relayed)) life.onDiscovered(exporter, nowMs)
    this.#size++
    return relayed
  }

  #release(relayed: RelayedExporter): void {
    const { forwarder, link, exporters } = this.#deps
    this.#size--
    exporters.removeRelayed(relayed)
    forwarder.afterHeld(() => link.releaseSource(relayed.source))
  }

  /** What is known of a domain that holds for one exporter: before its first record. */
  #tellAll(domain: Domain, relay: RelayDomain, relayed: RelayedExporter, key: OwnerKey): void {
    for (const record of this.#deps.options.recordsOf(domain)) {
      const owner = ownerOf(relay, record)
      if (owner === undefined || owner === key) this.#tell(relayed, record)
    }
  }

  #tell({ domain, source }: RelayedExporter, record: OptionsRecord): void {
    const { layout, octets, exportTimeSec, receivedAtMs, bootTimeMs } = record
    const contextId = this.#deps.contextOf(domain, layout)
    const { length } = octets
    this.#deps.link.appendState(
      layout,
      source,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      1,
      octets,
      0,
      length
    )
  }
}

/** Whom an options record names. */
function ownerOf({ reader }: RelayDomain, { layout, octets }: OptionsRecord): OwnerKey | undefined {
  let key: OwnerKey | undefined
  reader.forEachRun(layout, octets, 0, octets.length, (ownerAt, ownerOctets) => {
    if (ownerAt !== -1) key = keyAt(octets, ownerAt, ownerOctets)
  })
  return key
}

function keyAt(octets: Uint8Array, at: number, length: number): OwnerKey {
  if (length === 4) return ((octets[at] << 24) | (octets[at + 1] << 16) | (octets[at + 2] << 8) | octets[at + 3]) >>> 0
  return String.fromCharCode(...octets.subarray(at, at + length))
}

function addressOf(octets: Uint8Array): PeerAddress {
  if (octets.length === 16) return peerAddressOfIPv6(octets)
  return peerAddressOfIPv4(((octets[0] << 24) | (octets[1] << 16) | (octets[2] << 8) | octets[3]) >>> 0)
}
