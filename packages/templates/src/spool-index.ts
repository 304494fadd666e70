import { placeKey } from './stored-entry.ts'
import type { HeldReason, WaitingSet } from './waiting-set.ts'

/** Whose Data Sets they are, and what they wait for. */
export type Waiter = Pick<
  WaitingSet,
  'scope' | 'odid' | 'templateId' | 'version' | 'transport' | 'address' | 'port' | 'listener' | 'held'
>

/** What waits for one template id of one place, in quarantine or not. */
export interface SpoolGroup extends Waiter {
  sets: number
  octets: number
  /** When the oldest came, wall clock. */
  sinceAtMs: number
}

/** What waits for one Observation Domain of one scope. */
export interface SpoolPlace {
  readonly address: string
  sets: number
  octets: number
  readonly groups: Map<string, SpoolGroup>
}

/** What a spool holds, by place and template id, so that nobody need ask the file whether there is anything. */
export class SpoolIndex {
  readonly #places = new Map<string, SpoolPlace>()

  place(scope: string, odid: number): SpoolPlace | undefined {
    return this.#places.size === 0 ? undefined : this.#places.get(placeKey({ scope, odid }))
  }

  places(): MapIterator<SpoolPlace> {
    return this.#places.values()
  }

  *groups(): Generator<SpoolGroup> {
    for (const { groups } of this.#places.values()) yield* groups.values()
  }

  /** Whether anything waits that may go on now: without quarantine, or with it if the exporter has announced the id. */
  has(scope: string, odid: number, templateId: number, isAnnounced: boolean): boolean {
    const groups = this.place(scope, odid)?.groups
    if (groups === undefined) return false
    return (
      groups.has(`${templateId}`) ||
      (isAnnounced && (groups.has(`${templateId}restart`) || groups.has(`${templateId}misfit`)))
    )
  }

  add(waiter: Waiter, sets: number, octets: number, sinceAtMs: number): void {
    const key = placeKey(waiter)
    let place = this.#places.get(key)
    if (place === undefined) {
      this.#places.set(key, (place = { address: waiter.address, sets: 0, octets: 0, groups: new Map() }))
    }
    place.sets += sets
    place.octets += octets
    const groupKey = groupKeyOf(waiter)
    let group = place.groups.get(groupKey)
    if (group === undefined)
      place.groups.set(groupKey, (group = { ...waiterOf(waiter), sets: 0, octets: 0, sinceAtMs }))
    group.sets += sets
    group.octets += octets
    group.sinceAtMs = Math.min(group.sinceAtMs, sinceAtMs)
  }

  remove(waiter: Waiter, sets: number, octets: number): void {
    const place = this.place(waiter.scope, waiter.odid)
    const group = place?.groups.get(groupKeyOf(waiter))
    if (place === undefined || group === undefined) return
    place.sets -= sets
    place.octets -= octets
    group.sets -= sets
    group.octets -= octets
    if (group.sets === 0) place.groups.delete(groupKeyOf(waiter))
    if (place.sets === 0) this.#places.delete(placeKey(waiter))
  }

  clear(): void {
    this.#places.clear()
  }
}

const waiterOf = ({ scope, odid, templateId, version, transport, address, port, listener, held }: Waiter): Waiter => ({
  scope,
  odid,
  templateId,
  version,
  transport,
  address,
  port,
  listener,
  held
})

const groupKeyOf = ({ templateId, held }: { templateId: number; held: HeldReason }): string => `${templateId}${held}`
