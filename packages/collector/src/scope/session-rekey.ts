import type { Clock } from '@weir/runtime'
import type { OptionsState } from '@weir/templates'
import type { DomainKeeper } from '../domain-keeper.ts'
import type { Domain } from '../domain.ts'
import type { ExporterPolicies } from '../exporter-policies.ts'
import type { Exporter, ExporterTable } from '../exporter.ts'
import type { Intake } from '../intake.ts'
import type { LiveDomains } from '../live-domains.ts'
import type { Peer } from '../peer-index.ts'
import type { PendingSets } from '../pending-sets.ts'
import type { SessionTable } from '../session-table.ts'
import type { Session } from '../session.ts'
import { sessionKeyOf, type UdpIntake } from '../udp-intake.ts'
import type { ExporterScopes } from './exporter-scopes.ts'

export interface SessionRekeyDeps {
  readonly policies: ExporterPolicies
  readonly exporters: ExporterTable
  readonly sessions: SessionTable
  readonly keeper: DomainKeeper
  readonly scopes: ExporterScopes
  readonly options: OptionsState<Domain>
  readonly pending: PendingSets
  readonly live: LiveDomains
  readonly intake: Intake
  readonly udp: () => Iterable<UdpIntake>
  readonly clock: Clock
}

/**
 * Gives living UDP sessions the identity that a changed policy asks for. What they had announced goes with them as hints, as
 * far as it is right under the new policy, and what waits for templates waits on.
 */
export class SessionRekey {
  readonly #deps: SessionRekeyDeps

  constructor(deps: SessionRekeyDeps) {
    this.#deps = deps
  }

  /** Policies may be others now. */
  apply(): void {
    for (const exporter of this.#deps.exporters.values()) this.#apply(exporter)
  }

  #apply(exporter: Exporter): void {
    const { policies, keeper, scopes, udp } = this.#deps
    const isOneSession = policies.policyFor(exporter.id).scope === 'address'
    for (const intake of udp()) {
      const peer = intake.peers.findText(exporter.address.text)
      if (peer !== undefined && peer.isOneSession !== isOneSession) this.#rekey(peer, isOneSession)
    }
    for (const session of exporter.sessions.values()) {
      for (const domain of session.domains.values()) {
        if (keeper.isGrouped(session)) scopes.join(domain)
        else scopes.leave(domain)
      }
    }
  }

  #rekey(peer: Peer, isOneSession: boolean): void {
    peer.isOneSession = isOneSession
    peer.last = undefined
    peer.lastKey = -1
    for (const version of [9, 10]) {
      const former: Session[] = []
      for (const session of peer.sessions.values()) if (session.identity.version === version) former.push(session)
      if (former.length > 0) this.#replace(peer, former, version, isOneSession)
    }
  }

  /** All ports become one session; or one session becomes that of its port, if it had no other. */
  #replace(peer: Peer, former: Session[], version: number, isOneSession: boolean): void {
    const { sessions, clock } = this.#deps
    const nowMs = clock.monotonicMs()
    const newest = former.reduce((one, other) => (other.lastSeenMs > one.lastSeenMs ? other : one))
    if (isOneSession || !newest.hasManyPorts) {
      const { identity, exporter } = newest
      const { listener, port } = identity
      const next = sessions.candidate(version, listener, exporter, port, !isOneSession, nowMs, newest.openedAtMs)
      next.lastSeenMs = newest.lastSeenMs
      next.hasManyPorts = former.length > 1
      for (const session of former) this.#hand(session, next, nowMs)
      sessions.addUdp(next, nowMs)
      peer.sessions.set(sessionKeyOf(version, port, isOneSession), next)
      if (former.some(({ isVerified }) => isVerified)) this.#verify(next, nowMs)
      for (const domain of next.domains.values()) this.#tell(domain)
    }
    for (const session of former) sessions.close(session, true)
  }

  #hand(from: Session, to: Session, nowMs: number): void {
    for (const domain of from.domains.values()) {
      const target = to.find(domain.odid)
      if (target === undefined) continue
      target.hasSpoken ||= domain.hasSpoken
      target.lastExportTimeSec = Math.max(target.lastExportTimeSec, domain.lastExportTimeSec)
      this.#handTemplates(domain, target, nowMs)
      this.#handOptions(domain, target)
      this.#deps.pending.rehome(domain, target)
    }
  }

  /** Of two definitions of one id the one that was announced last is that of the address. */
  #handTemplates(from: Domain, to: Domain, nowMs: number): void {
    for (const entry of from.table.entries()) {
      if (entry.source === 'sibling' || from.table.isHeld(entry)) continue
      const known = to.table.entry(entry.templateId)
      if (known !== undefined && known.lastSeenMs >= entry.lastSeenMs) continue
      if (known !== undefined) to.table.drop(known)
      this.#deps.keeper.takeHint(to, entry, nowMs, entry.source)
    }
  }

  #handOptions(from: Domain, to: Domain): void {
    const { options } = this.#deps
    for (const record of options.recordsOf(from)) {
      const { layout, octets, scopeOctets, exportTimeSec, receivedAtMs, bootTimeMs } = record
      const known = options.find(to, layout, octets.subarray(0, scopeOctets))
      if (known !== undefined && known.receivedAtMs >= receivedAtMs) continue
      options.update(to, layout, octets, 0, octets.length, exportTimeSec, receivedAtMs, bootTimeMs)
    }
  }

  #verify(session: Session, nowMs: number): void {
    const { keeper, sessions, live } = this.#deps
    session.verify()
    sessions.touch(session)
    keeper.publish(session, nowMs)
    for (const domain of session.domains.values()) live.add(domain)
  }

  #tell(domain: Domain): void {
    const { keeper, options, intake } = this.#deps
    for (const record of options.recordsOf(domain)) keeper.announce(domain, record, false)
    intake.releaseAll(domain)
  }
}
