import type { FlowDomain } from './flow-domain.ts'

/** A Data Set that waits for its template, with what its Message said. */
export interface PendingSet {
  readonly octets: Uint8Array
  readonly exportTimeSec: number
  readonly bootTimeMs: number
  readonly receivedAtMs: number
  readonly version: number
}

/** Data Sets that came before their template, kept within bounds, in the order they came. */
export class PendingSets {
  readonly #byDomain = new Map<FlowDomain, Map<number, PendingSet[]>>()
  readonly #maxOctets: number
  #octets = 0

  /** @param maxOctets - kept in all. */
  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets
  }

  /** @returns false if there is no room. */
  add(domain: FlowDomain, templateId: number, set: PendingSet): boolean {
    // What an entry takes besides its octets.
    const octets = set.octets.length + 200
    if (this.#octets + octets > this.#maxOctets) return false
    this.#octets += octets
    const byTemplate = this.#byDomain.get(domain) ?? new Map<number, PendingSet[]>()
    this.#byDomain.set(domain, byTemplate)
    const sets = byTemplate.get(templateId)
    if (sets === undefined) byTemplate.set(templateId, [set])
    else sets.push(set)
    return true
  }

  /** Whether any waits. */
  get isEmpty(): boolean {
    return this.#byDomain.size === 0
  }

  /** What waited for this template; it is forgotten here. */
  take(domain: FlowDomain, templateId: number): readonly PendingSet[] {
    const byTemplate = this.#byDomain.get(domain)
    const sets = byTemplate?.get(templateId)
    if (byTemplate === undefined || sets === undefined) return []
    byTemplate.delete(templateId)
    if (byTemplate.size === 0) this.#byDomain.delete(domain)
    for (const { octets } of sets) this.#octets -= octets.length + 200
    return sets
  }

  /** What still waits. */
  *rest(): Generator<PendingSet> {
    for (const byTemplate of this.#byDomain.values()) for (const sets of byTemplate.values()) yield* sets
  }
}
