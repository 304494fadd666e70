import { tcpScope, udpScope } from '@weir/templates'
import type { DomainKeeper } from './domain-keeper.ts'
import type { Exporter, ExporterTable } from './exporter.ts'
import type { ExporterLife } from './exporter-life.ts'
import type { PendingSets } from './pending-sets.ts'
import { RateGate } from './rate-gate.ts'
import { Session, type SessionIdentity } from './session.ts'
import type { TemplateEvents } from './template-events.ts'

/** L-02, L-03. */
export interface SessionLimits {
  readonly udpSessions: number
  readonly udpUnverifiedSessions: number
  readonly udpNewSessionsPerSec: number
  readonly udpSessionIdleMs: number
}

export interface SessionTableDeps {
  readonly keeper: DomainKeeper
  readonly exporters: ExporterTable
  readonly pending: PendingSets
  readonly events: TemplateEvents
  readonly life: ExporterLife
  /** Told of each UDP session that is gone, so that it is not found any more. */
  readonly onUdpClosed: (session: Session) => void
}

export interface SessionCounters {
  opened: number
  closed: number
  /** Unverified sessions that made room for another. */
  evicted: number
  /** UDP sessions that were idle too long. */
  expired: number
  /** Datagrams that could not open a session. */
  refused: number
}

/** Makes its scope key when it is asked for: that of a spoofed source hardly ever is. */
class UdpIdentity implements SessionIdentity {
  readonly transport = 'udp'
  readonly via = undefined
  readonly version: number
  readonly listener: string
  readonly exporter: Exporter
  readonly port: number
  readonly #hasPort: boolean
  #scope: string | undefined

  constructor(version: number, listener: string, exporter: Exporter, port: number, hasPort: boolean) {
    this.version = version
    this.listener = listener
    this.exporter = exporter
    this.port = port
    this.#hasPort = hasPort
  }

  get scope(): string {
    return (this.#scope ??= udpScope(this.version, this.listener, this.exporter.id, this.#hasPort ? this.port : 0))
  }
}

/** All Transport Sessions, within their limits. */
export class SessionTable {
  readonly counters: SessionCounters = { opened: 0, closed: 0, evicted: 0, expired: 0, refused: 0 }
  readonly #limits: SessionLimits
  readonly #deps: SessionTableDeps
  readonly #udp = new Set<Session>()
  /** Least recently heard first. */
  readonly #unverified = new Set<Session>()
  readonly #tcp = new Set<Session>()
  readonly #gate: RateGate

  constructor(limits: SessionLimits, deps: SessionTableDeps) {
    this.#limits = limits
    this.#deps = deps
    this.#gate = new RateGate(() => limits.udpNewSessionsPerSec)
  }

  get udpSessions(): number {
    return this.#udp.size
  }

  get unverifiedSessions(): number {
    return this.#unverified.size
  }

  get tcpSessions(): number {
    return this.#tcp.size
  }

  *values(): Generator<Session> {
    yield* this.#udp
    yield* this.#tcp
  }

  /** Whether no datagram may open a session now (L-02); counted. */
  isClosed(nowMs: number): boolean {
    const isFull = this.#udp.size >= this.#limits.udpSessions && this.#unverified.size === 0
    if (!isFull && this.#gate.hasRoom(nowMs)) return false
    this.counters.refused++
    return true
  }

  /**
   * A session that may come to be: it decodes one datagram, and is then added or discarded.
   *
   * @param port - source port.
   * @param hasPort - whether the port is part of the session's identity.
   */
  candidate(
    version: number,
    listener: string,
    exporter: Exporter,
    port: number,
    hasPort: boolean,
    nowMs: number,
    nowAtMs: number
  ): Session {
    const identity = new UdpIdentity(version, listener, exporter, port, hasPort)
    return new Session(identity, this.#deps.keeper, nowMs, nowAtMs)
  }

  /** The candidate's Message was valid: it is a session now. */
  addUdp(session: Session, nowMs: number): void {
    this.#gate.pass(nowMs)
    const { udpSessions, udpUnverifiedSessions } = this.#limits
    while (
      this.#unverified.size > 0 &&
      (this.#unverified.size >= udpUnverifiedSessions || this.#udp.size >= udpSessions)
    ) {
      this.counters.evicted++
      this.close(this.#unverified.values().next().value!, true)
    }
    this.counters.opened++
    this.#udp.add(session)
    this.#unverified.add(session)
    this.#list(session, nowMs)
  }

  /** Its Message was not: nothing remains of it. */
  discard(session: Session): void {
    this.#deps.pending.dropSession(session)
    this.#deps.keeper.closeDomains(session, true)
  }

  /** A Message of a session that is not verified yet. */
  touch(session: Session): void {
    if (!this.#unverified.delete(session)) return
    if (!session.isVerified) this.#unverified.add(session)
  }

  /** @param via - address of the load balancer that passes it on. */
  openTcp(
    listener: string,
    exporter: Exporter,
    port: number,
    connectionId: string,
    nowMs: number,
    nowAtMs: number,
    via?: string
  ): Session {
    const scope = tcpScope(listener, exporter.id, port, connectionId)
    const identity = { transport: 'tcp' as const, version: 10, listener, exporter, port, scope, via }
    const session = new Session(identity, this.#deps.keeper, nowMs, nowAtMs)
    this.counters.opened++
    this.#tcp.add(session)
    this.#list(session, nowMs)
    return session
  }

  /**
   * End a session: its templates with it (RFC 7011 §8).
   *
   * @param isForgotten - in the store too.
   */
  close(session: Session, isForgotten: boolean): void {
    const isKnown = this.#udp.delete(session) || this.#tcp.delete(session)
    if (!isKnown) return
    this.counters.closed++
    this.#unverified.delete(session)
    this.#deps.pending.dropSession(session)
    this.#deps.keeper.closeDomains(session, isForgotten)
    this.#deps.exporters.remove(session)
    if (session.transport === 'udp') this.#deps.onUdpClosed(session)
  }

  #list(session: Session, nowMs: number): void {
    if (this.#deps.exporters.add(session)) this.#deps.life.onDiscovered(session.exporter, nowMs)
  }

  /** End what has been idle (L-03) and the templates that have outlived their lifetime (D8). */
  sweep(nowMs: number): void {
    for (const session of this.#udp) {
      if (nowMs - session.lastSeenMs >= this.#limits.udpSessionIdleMs) {
        this.counters.expired++
        this.close(session, true)
        continue
      }
      for (const domain of session.domains.values()) {
        domain.table.expire(nowMs, (change, { templateId, layout }) =>
          this.#deps.events.onTemplate(domain, { change, odid: domain.odid, templateId, layout }, nowMs)
        )
      }
    }
  }
}
