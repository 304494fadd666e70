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
  /**
   * The shelf forgets them: they are the claimer's. Asked before they are delivered, so that none is delivered twice. Not
   * asked within the lease, they can be claimed again. Never rejects; may be asked again after a false.
   *
   * @returns false if that is not sure: the ring does not answer, or the lease is over. Then they are not to be delivered.
   */
  done(): Promise<boolean>
}

/**
 * Data Sets that wait for their template where every pod can take them. What was put belongs to the shelf; who puts
 * forgets it. Bounded by octets of a place and of all.
 */
export interface PendingShelf {
  /**
   * @param token - names this batch. The same batch put again under it within ten minutes, because an answer was lost or a
   * process was killed, is there once: also if it has been claimed meanwhile.
   * @returns how many of the first ones were taken; the rest stays with the caller. 0 while the ring is away; never rejects.
   */
  put(sets: readonly ShelvedSet[], token: string): Promise<number>
  /**
   * Take what waits for a template; each Set goes to exactly one claimer. Bounded by some MiB: claim again until it is
   * empty. Never rejects; empty while the ring is away.
   *
   * @param by - names the claimer, for the operator.
   */
  claim(place: Place, templateId: number, by: string): Promise<Claim>
}
