import type { TemplateBudget } from '@weir/ipfix'
import type { Domain } from './domain.ts'
import { newLife, type LifeState } from './exporter-life.ts'
import { FewMap } from './few-map.ts'
import type { FlowLook } from './flow-look.ts'
import type { PeerAddress } from './peer-address.ts'
import type { RateGate } from './rate-gate.ts'
import type { ScopeGroup } from './scope/scope-group.ts'
import type { RelayedExporter } from './relay/relayed-exporter.ts'
import type { Session } from './session.ts'

/**
 * What sends to us from one address: all its sessions at all listeners, and what others relay for it. Counters are plain
 * numbers.
 */
export interface Exporter {
  /** Name in the API and on the link: the address as text. */
  readonly id: string
  readonly address: PeerAddress
  readonly budget: TemplateBudget
  readonly sessions: FewMap<Session, Session>
  /** By listener, version and Observation Domain: the domain of its one source port, or the group of several. */
  scopes: Map<string, Domain | ScopeGroup> | undefined
  /** Where its records come through a sender that relays for it. */
  relayed: Set<RelayedExporter> | undefined
  /** Bounds what is written of it to the stores (L-18); made with the first entry. */
  storeGate: RateGate | undefined
  readonly firstSeenAtMs: number
  lastSeenAtMs: number
  messages: number
  octets: number
  records: number
  /** Messages discarded whole. */
  malformed: number
  /** Data Sets dropped. */
  droppedSets: number
  /** Data Records dropped. */
  droppedRecords: number
  /** Export Time less our own clock at the last Message, milliseconds (TH-18). */
  clockSkewMs: number
  readonly life: LifeState
  /** Some records of its next Data Set are to be looked at. */
  isLookDue: boolean
  /** What those looked like; made with the first. */
  look: FlowLook | undefined
}

/** The exporters that have a session, or that a session relays for, by address. */
export class ExporterTable {
  readonly #byId = new Map<string, Exporter>()
  readonly #makeBudget: () => TemplateBudget

  constructor(makeBudget: () => TemplateBudget) {
    this.#makeBudget = makeBudget
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: string): Exporter | undefined {
    return this.#byId.get(id)
  }

  values(): MapIterator<Exporter> {
    return this.#byId.values()
  }

  /** An exporter for a session to come; it is listed once {@link add} has seen a session of it. */
  candidate(address: PeerAddress, nowAtMs: number): Exporter {
    return (
      this.#byId.get(address.text) ?? {
        id: address.text,
        address,
        budget: this.#makeBudget(),
        sessions: new FewMap(),
        scopes: undefined,
        relayed: undefined,
        storeGate: undefined,
        firstSeenAtMs: nowAtMs,
        lastSeenAtMs: nowAtMs,
        messages: 0,
        octets: 0,
        records: 0,
        malformed: 0,
        droppedSets: 0,
        droppedRecords: 0,
        clockSkewMs: 0,
        life: newLife(nowAtMs),
        isLookDue: false,
        look: undefined
      }
    )
  }

  /** @returns true if the exporter had no session before. */
  add(session: Session): boolean {
    const { exporter } = session
    const isNew = exporter.sessions.size === 0
    this.#byId.set(exporter.id, exporter)
    exporter.sessions.set(session, session)
    return isNew
  }

  /** @returns true if the exporter has no session left, nor anybody who relays for it, and is gone. */
  remove(session: Session): boolean {
    session.exporter.sessions.delete(session)
    return this.#forgetUnused(session.exporter)
  }

  /** @returns true if nothing was known of the exporter before. */
  addRelayed(relayed: RelayedExporter): boolean {
    const { exporter } = relayed
    const isNew = exporter.sessions.size === 0 && !this.#byId.has(exporter.id)
    this.#byId.set(exporter.id, exporter)
    exporter.relayed ??= new Set()
    exporter.relayed.add(relayed)
    return isNew
  }

  removeRelayed(relayed: RelayedExporter): void {
    const { exporter } = relayed
    exporter.relayed?.delete(relayed)
    this.#forgetUnused(exporter)
  }

  #forgetUnused({ id, sessions, relayed }: Exporter): boolean {
    return sessions.size === 0 && (relayed === undefined || relayed.size === 0) && this.#byId.delete(id)
  }
}
