import type { Place } from './stored-entry.ts'

/** A Data Set without a template, with all that its decoding needs. */
export interface ShelvedSet extends Place {
  readonly templateId: number
  /** Wire version: 9 or 10. */
  readonly version: number
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  /** Milliseconds since 1970 UTC at which the exporter's sysUpTime was 0, or NaN. */
  readonly bootTimeMs: number
  /** Of its Message's header. */
  readonly sequence: number
  /** The Set's body without its header. */
  readonly octets: Uint8Array
  readonly transport: 'udp' | 'tcp'
  /** The exporter's, as text. */
  readonly address: string
  readonly port: number
  readonly listener: string
}

/** Data Sets that are this claimer's alone until `leaseMs` have passed. */
export interface Claim {
  /** In the order they were put. */
  readonly sets: readonly ShelvedSet[]
  /** They are delivered: the shelf forgets them. Not called within the lease, they can be claimed again. Never rejects. */
  done(): Promise<void>
}

/**
 * Data Sets that wait for their template where every pod can take them. What was put belongs to the shelf; who puts
 * forgets it. Bounded by octets of a place and of all.
 */
export interface PendingShelf {
  /** @returns how many of the first ones were taken; the rest stays with the caller. 0 while the ring is away; never rejects. */
  put(sets: readonly ShelvedSet[]): Promise<number>
  /**
   * Take what waits for a template; each Set goes to exactly one claimer. Bounded by some MiB: claim again until it is
   * empty. Never rejects; empty while the ring is away.
   *
   * @param by - names the claimer, for the operator.
   */
  claim(place: Place, templateId: number, by: string): Promise<Claim>
}
