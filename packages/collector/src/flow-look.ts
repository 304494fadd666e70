import type { Layout } from '@weir/ipfix'
import { Elements } from './sampling-elements.ts'

/** Records read of one Data Set. */
const RECORDS_A_LOOK = 64
/** Records before anything is said, and when the older ones begin to count less. */
const MIN_RECORDS = 500
const KEPT_RECORDS = 2_000
/** Of sampled records nearly all count one packet: a second one of the same flow is seldom drawn. */
const MIN_SINGLE_SHARE = 0.9
/** Packets are drawn, not flows: they are as long as those of the traffic. Real flows of one packet are scans, DNS and the like. */
const MIN_SINGLE_OCTETS = 200

/** Where a fixed-length Layout counts packets and octets. */
interface Places {
  readonly packets: number
  readonly packetsLength: number
  readonly octets: number
  readonly octetsLength: number
}

const places = new WeakMap<Layout, Places | null>()

/**
 * What some records of an exporter look like: a few of one Data Set, now and then. It tells flows that were made of sampled
 * packets by their shape, for exporters that do not say that they sample.
 */
export class FlowLook {
  records = 0
  /** Of these, records of exactly one packet, and their octets. */
  singles = 0
  singleOctets = 0

  /** Read some records of a Data Set; other Layouts than flows of fixed length are passed over. */
  take(layout: Layout, octets: Uint8Array, offset: number, records: number): void {
    const at = placesOf(layout)
    if (at === null) return
    if (this.records >= KEPT_RECORDS) this.#age()
    const count = Math.min(records, RECORDS_A_LOOK)
    for (let index = 0; index < count; index++) {
      const start = offset + index * layout.recordLength
      this.records++
      if (numberAt(octets, start + at.packets, at.packetsLength) !== 1) continue
      this.singles++
      this.singleOctets += numberAt(octets, start + at.octets, at.octetsLength)
    }
  }

  /** The records look as if they were made of sampled packets. */
  get isSampled(): boolean {
    return (
      this.records >= MIN_RECORDS &&
      this.singles >= this.records * MIN_SINGLE_SHARE &&
      this.singleOctets >= this.singles * MIN_SINGLE_OCTETS
    )
  }

  #age(): void {
    this.records /= 2
    this.singles /= 2
    this.singleOctets /= 2
  }
}

function placesOf(layout: Layout): Places | null {
  let found = places.get(layout)
  if (found === undefined) places.set(layout, (found = findPlaces(layout)))
  return found
}

function findPlaces({ scopeCount, recordLength, fields }: Layout): Places | null {
  // What says its rate itself is in no doubt.
  if (scopeCount > 0 || recordLength < 0 || fields.some(isSamplingRate)) return null
  const placeOf = (id: number): { readonly start: number; readonly length: number } | undefined => {
    let start = 0
    for (const field of fields) {
      if (field.pen === 0 && field.id === id) return { start, length: field.length }
      start += field.length
    }
    return undefined
  }
  const packets = placeOf(Elements.packetDeltaCount)
  const octets = placeOf(Elements.octetDeltaCount)
  if (packets === undefined || octets === undefined || packets.length > 8 || octets.length > 8) return null
  return { packets: packets.start, packetsLength: packets.length, octets: octets.start, octetsLength: octets.length }
}

function isSamplingRate({ pen, id }: { readonly pen: number; readonly id: number }): boolean {
  return pen === 0 && Elements.rates.has(id)
}

function numberAt(octets: Uint8Array, start: number, length: number): number {
  let value = 0
  for (let at = start; at < start + length; at++) value = value * 256 + octets[at]!
  return value
}
