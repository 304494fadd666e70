import type { TemplateEntry } from '@weir/ipfix'
import type { StoredTemplate } from '@weir/templates'
import type { Domain } from './domain.ts'

/** Whose templates they are: one Observation Domain of one session, living or remembered. */
export interface TemplatePlace {
  readonly exporter: string
  /** Where the exporter stands in the order of addresses; see {@link addressRank}. */
  readonly rank: number
  readonly scope: string
  readonly odid: number
  readonly version: number
  readonly transport: string
  readonly listener: string
  readonly port: number
  /** Undefined where only the store knows it. */
  readonly domain: Domain | undefined
}

/** Of a living domain; its scope key is made when it is asked for. */
class LivePlace implements TemplatePlace {
  readonly domain: Domain
  readonly exporter: string
  readonly rank: number
  readonly odid: number

  constructor(domain: Domain) {
    this.domain = domain
    this.exporter = domain.session.exporter.id
    this.rank = addressRank(this.exporter)
    this.odid = domain.odid
  }

  get scope(): string {
    return this.domain.session.identity.scope
  }

  get version(): number {
    return this.domain.session.identity.version
  }

  get transport(): string {
    return this.domain.session.transport
  }

  get listener(): string {
    return this.domain.session.identity.listener
  }

  get port(): number {
    return this.domain.session.identity.port
  }
}

export const livePlace = (domain: Domain): TemplatePlace => new LivePlace(domain)

/**
 * What a scope key says: `udp/10/ipfix-udp/192.0.2.1/49152`, `udp/9/netflow/192.0.2.1`, `tcp/10/ipfix-tcp/192.0.2.1/40001/…`,
 * `last/tcp/10/ipfix-tcp/192.0.2.1`. What it does not say is empty or 0.
 */
export function storedPlace(scope: string, odid: number): TemplatePlace {
  const parts = scope.split('/')
  if (parts[0] === 'last') parts.shift()
  const [transport = '', version = '', listener = '', exporter = '', port = ''] = parts
  return {
    exporter,
    rank: addressRank(exporter),
    scope,
    odid,
    version: numberOf(version),
    transport,
    listener,
    port: numberOf(port),
    domain: undefined
  }
}

/** IPv4 addresses in the order of their numbers; all others have one rank behind them, and are told apart by their text. */
export function addressRank(address: string): number {
  let rank = 0
  let octet = 0
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at)
    if (code === 0x2e) {
      rank = rank * 256 + octet
      octet = 0
    } else if (code >= 0x30 && code <= 0x39) octet = octet * 10 + code - 0x30
    else return 0x1_0000_0000
  }
  return rank * 256 + octet
}

const numberOf = (text: string): number => (/^\d{1,5}$/.test(text) ? Number(text) : 0)

/** A template as the API sees it: the entry of a living table, or what a store remembers. */
export type KnownTemplate = TemplateEntry | StoredTemplate

export const isStored = (template: KnownTemplate): template is StoredTemplate =>
  (template as StoredTemplate).kind === 'template'

/** Fields and scope count of either. */
export const definitionOf = (template: KnownTemplate) => (isStored(template) ? template : template.layout)
