import type { Source } from '@weir/link'
import type { Domain } from '../domain.ts'
import type { Exporter } from '../exporter.ts'
import type { OwnerReader } from './owner-reader.ts'

/** An exporter whose records come in one Observation Domain of a sender that relays for it. */
export interface RelayedExporter {
  readonly domain: Domain
  readonly exporter: Exporter
  /** Its name on the link. */
  source: Source
  records: number
  /** Monotonic. */
  lastSeenMs: number
}

/** An IPv4 address as a number, an IPv6 address as 16 characters. */
export type OwnerKey = number | string

/** What a domain of a relaying sender keeps. */
export interface RelayDomain {
  readonly reader: OwnerReader
  /** Least recently heard first. */
  readonly byOwner: Map<OwnerKey, RelayedExporter>
  /** The one heard last. */
  lastKey: OwnerKey | undefined
}
