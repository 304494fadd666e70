import { VARIABLE_LENGTH, type Layout } from '@weir/ipfix'

/** Where the records of a Layout may say whose they are. */
interface OwnerPlace {
  /** Variable-length fields before it. */
  readonly run: number
  /** Octets of fixed-length fields between the last of those and it. */
  readonly offset: number
  /** 4 or 16. */
  readonly lengthOctets: number
}

/**
 * Told of records that follow each other and are of one owner.
 *
 * @param ownerAt - where the owner's address begins, in the same octets; -1 if these records name none.
 * @param ownerOctets - 4 or 16.
 */
export type OnOwnerRun = (
  ownerAt: number,
  ownerOctets: number,
  offset: number,
  lengthOctets: number,
  records: number
) => void

/**
 * Tells the records of a Data Set apart by the address in one Information Element. Allocates nothing for a Set of a Layout
 * that it has seen.
 */
export class OwnerReader {
  readonly #elements: readonly (readonly [id: number, lengthOctets: number])[]
  readonly #places = new WeakMap<Layout, readonly OwnerPlace[]>()
  #ownerAt = -1
  #ownerOctets = 0

  /** @param elements - ids of IPv4 and IPv6 address elements of IANA; of those that a record has the first that is not zero counts. */
  constructor(elements: readonly (readonly [id: number, lengthOctets: number])[]) {
    this.#elements = elements
  }

  /** @param lengthOctets - whole records, checked before. */
  forEachRun(layout: Layout, octets: Uint8Array, offset: number, lengthOctets: number, onRun: OnOwnerRun): void {
    const places = this.#placesOf(layout)
    const end = offset + lengthOctets
    let runAt = offset
    let runOwnerAt = -1
    let runOwnerOctets = 0
    let records = 0
    for (let at = offset, next: number; at < end; at = next) {
      next = this.#readRecord(layout, places, octets, at)
      if (next <= at) return
      // What is told of a run may ask for the runs of something else.
      const ownerAt = this.#ownerAt
      const ownerOctets = this.#ownerOctets
      const isSame = ownerOctets === runOwnerOctets && areEqual(octets, ownerAt, runOwnerAt, ownerOctets)
      if (records > 0 && !isSame) {
        onRun(runOwnerAt, runOwnerOctets, runAt, at - runAt, records)
        records = 0
      }
      if (records++ === 0) {
        runAt = at
        runOwnerAt = ownerAt
        runOwnerOctets = ownerOctets
      }
    }
    if (records > 0) onRun(runOwnerAt, runOwnerOctets, runAt, end - runAt, records)
  }

  /** Walk one record and find its owner. @returns where it ends. */
  #readRecord(layout: Layout, places: readonly OwnerPlace[], octets: Uint8Array, start: number): number {
    this.#ownerAt = -1
    this.#ownerOctets = 0
    const { fixedRuns } = layout
    const last = fixedRuns.length - 1
    let at = start
    let best = places.length
    for (let run = 0; run <= last; run++) {
      for (let index = 0; index < best; index++) {
        const place = places[index]
        if (place.run !== run || isZero(octets, at + place.offset, place.lengthOctets)) continue
        best = index
        this.#ownerAt = at + place.offset
        this.#ownerOctets = place.lengthOctets
      }
      at += fixedRuns[run]
      if (run === last) break
      const short = octets[at++]
      at += short < 255 ? short : 2 + ((octets[at] << 8) | octets[at + 1])
    }
    return at
  }

  #placesOf(layout: Layout): readonly OwnerPlace[] {
    const known = this.#places.get(layout)
    if (known !== undefined) return known
    const places = this.#elements.flatMap(([id, lengthOctets]) => placesIn(layout, id, lengthOctets))
    this.#places.set(layout, places)
    return places
  }
}

/** The first field of this element; none if it has another length than its type (NetFlow v9 System scopes may). */
function placesIn(layout: Layout, id: number, lengthOctets: number): OwnerPlace[] {
  let run = 0
  let offset = 0
  for (const field of layout.fields) {
    if (field.pen === 0 && field.id === id && field.length === lengthOctets) return [{ run, offset, lengthOctets }]
    if (field.length === VARIABLE_LENGTH) {
      run++
      offset = 0
    } else {
      offset += field.length
    }
  }
  return []
}

function areEqual(octets: Uint8Array, one: number, other: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (octets[one + index] !== octets[other + index]) return false
  return true
}

function isZero(octets: Uint8Array, at: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (octets[at + index] !== 0) return false
  return true
}
