import type { MessageHeader, TemplateScope, TemplateTable } from '@weir/ipfix'
import type { Domain } from './domain.ts'
import type { Exporter } from './exporter.ts'
import { FewMap } from './few-map.ts'
import type { PendingSet } from './pending-sets.ts'

/** Who makes the parts of a session. */
export interface DomainMaker {
  /** @returns a domain with what a store remembers of it. */
  makeDomain(session: Session, odid: number): Domain
  /** A Message of a guarded domain is not what was to come next, or its exporter is suspected to have begun anew. */
  look(domain: Domain, header: MessageHeader): void
  /** L-04. */
  readonly domainsPerSession: number
}

/** Identity of a session; see `udpScope` and `tcpScope` of `@weir/templates`. */
export interface SessionIdentity {
  readonly transport: 'udp' | 'tcp'
  /** 1, 5, 7, 9 or 10. */
  readonly version: number
  readonly listener: string
  readonly exporter: Exporter
  /** Source port; of a UDP session whose identity has none, that of its first datagram. */
  readonly port: number
  /** Address of the load balancer that passes it on, if one does and says so. */
  readonly via: string | undefined
  /** Scope key of its templates. */
  readonly scope: string
}

/** One Transport Session. Owns its domains; the decoder asks it for their templates. */
export class Session implements TemplateScope {
  readonly identity: SessionIdentity
  readonly exporter: Exporter
  readonly transport: 'udp' | 'tcp'
  readonly domains = new FewMap<number, Domain>()
  #pending: Set<PendingSet> | undefined
  readonly openedAtMs: number
  /** Monotonic. */
  lastSeenMs: number
  messages = 0
  /** Datagrams came from other ports than that of its identity (policy `address`). */
  hasManyPorts = false
  /** No spoofed one-off (L-02): it is a connection, or has sent several valid Messages. */
  isVerified: boolean
  /** The domain of the Message that is being decoded, if its header was right. */
  asked: Domain | undefined
  readonly #maker: DomainMaker
  #last: Domain | undefined

  constructor(identity: SessionIdentity, maker: DomainMaker, nowMs: number, nowAtMs: number) {
    this.identity = identity
    this.exporter = identity.exporter
    this.transport = identity.transport
    this.isVerified = identity.transport === 'tcp'
    this.#maker = maker
    this.lastSeenMs = nowMs
    this.openedAtMs = nowAtMs
  }

  /** Data Sets that wait for a template, oldest first. Made when first asked for: most sessions never have one. */
  get pending(): Set<PendingSet> {
    return (this.#pending ??= new Set())
  }

  get hasPending(): boolean {
    return this.#pending !== undefined && this.#pending.size > 0
  }

  domain(odid: number, version: number, header: MessageHeader): TemplateTable | undefined {
    const asked = this.find(odid)
    if (asked === undefined) return undefined
    const { table } = asked
    if (this.transport === 'udp' && version >= 9) {
      table.isOutdated = false
      if (asked.suspicion !== undefined || !asked.sequence.isUsual(header)) this.#maker.look(asked, header)
    }
    return table
  }

  /** The domain of this id, made if there is none yet; undefined if there may be none (L-04). It is what was asked for last. */
  find(odid: number): Domain | undefined {
    const last = this.#last
    this.asked = last !== undefined && last.odid === odid ? last : this.#find(odid)
    return this.asked
  }

  /** Let go of a domain that came to nothing. */
  drop(domain: Domain): void {
    this.domains.delete(domain.odid)
    if (this.#last === domain) this.#last = undefined
  }

  verify(): void {
    this.isVerified = true
    for (const domain of this.domains.values()) domain.table.isVerified = true
  }

  #find(odid: number): Domain | undefined {
    let domain = this.domains.get(odid)
    if (domain === undefined) {
      if (this.domains.size >= this.#maker.domainsPerSession) return undefined
      domain = this.#maker.makeDomain(this, odid)
      domain.table.isVerified = this.isVerified
      this.domains.set(odid, domain)
    }
    this.#last = domain
    return domain
  }
}
