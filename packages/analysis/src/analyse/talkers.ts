import { entryOctets, HeavyTable, MOST_KEYS } from '../tables/heavy-table.ts'
import type { FlowColumns } from '../flows/flow-columns.ts'

/** Sums of one key, as they stand in the tables of talkers and ports. */
export const OCTETS = 0
export const PACKETS = 1
export const FLOWS = 2
export const ESTIMATED_OCTETS = 3
export const ESTIMATED_PACKETS = 4
const COLUMNS = 5

/** By what lists are ordered: estimated octets, estimated packets, flows. */
const measures = [[ESTIMATED_OCTETS], [ESTIMATED_PACKETS], [FLOWS]] as const

const ADDRESS_WORDS = 4

/** Octets that one address, or one port, takes of the memory. */
export const talkerOctets = entryOctets({ keyWords: ADDRESS_WORDS, columns: COLUMNS })
export const portOctets = entryOctets({ keyWords: 1, columns: COLUMNS })

/** A table of addresses by octets, packets and flows. */
export const addressTable = (capacity: number): HeavyTable =>
  new HeavyTable({ keyWords: ADDRESS_WORDS, isKeyOfOctets: true, columns: COLUMNS, measures, capacity })

/** A table of transport ports: protocol * 65536 + port. */
export const portTable = (capacity: number): HeavyTable =>
  new HeavyTable({ keyWords: 1, isKeyOfOctets: false, columns: COLUMNS, measures, capacity })

// Used again for each batch.
const entries = new Int32Array(MOST_KEYS)
const keys = new Uint32Array(MOST_KEYS)
const isWanted = new Uint8Array(MOST_KEYS)

/**
 * Add what each record says of its source, and of its destination. Records without an address are left out; what a record
 * tells of the way back (RFC 5103) was sent by its destination.
 */
export function addTalkers(columns: FlowColumns, sources: HeavyTable, destinations: HeavyTable): void {
  const { rows, source, destination } = columns
  sources.find(columns.sources, source.present, rows, entries)
  addSums(columns, sources)
  destinations.find(columns.destinations, destination.present, rows, entries)
  addSums(columns, destinations)
  if (!columns.hasReverse) return
  const { reverseOctets, reversePackets } = columns
  const wantedOf = (present: Uint8Array): Uint8Array => {
    for (let row = 0; row < rows; row++) {
      const isReverse = reverseOctets.float64[row] + reversePackets.float64[row] > 0
      isWanted[row] = isReverse ? present[row] : 0
    }
    return isWanted
  }
  sources.find(columns.destinations, wantedOf(destination.present), rows, entries)
  addReverse(columns, sources)
  destinations.find(columns.sources, wantedOf(source.present), rows, entries)
  addReverse(columns, destinations)
}

/** Add each record to the entry that was found for it. */
function addSums(columns: FlowColumns, { sums, stride }: HeavyTable): void {
  const { rows, octets, packets, flows, estimatedOctets, estimatedPackets } = columns
  const octetCounts = octets.float64
  const packetCounts = packets.float64
  for (let row = 0; row < rows; row++) {
    if (entries[row] < 0) continue
    const at = entries[row] * stride
    sums[at] += octetCounts[row]
    sums[at + PACKETS] += packetCounts[row]
    sums[at + FLOWS] += flows[row]
    sums[at + ESTIMATED_OCTETS] += estimatedOctets[row]
    sums[at + ESTIMATED_PACKETS] += estimatedPackets[row]
  }
}

function addReverse({ rows, reverseOctets, reversePackets, rate }: FlowColumns, { sums, stride }: HeavyTable): void {
  for (let row = 0; row < rows; row++) {
    if (entries[row] < 0) continue
    const octets = reverseOctets.float64[row]
    const packets = reversePackets.float64[row]
    const factor = rate.float64[row] > 0 ? rate.float64[row] : 1
    const at = entries[row] * stride
    sums[at] += octets
    sums[at + PACKETS] += packets
    sums[at + ESTIMATED_OCTETS] += octets * factor
    sums[at + ESTIMATED_PACKETS] += packets * factor
  }
}

/** Add what each record says of its ports; records without one, or of a protocol that has none, are left out. */
export function addPorts(columns: FlowColumns, sources: HeavyTable, destinations: HeavyTable): void {
  addPort(columns, columns.sourcePort, sources)
  addPort(columns, columns.destinationPort, destinations)
}

function addPort(columns: FlowColumns, { present, uint32 }: FlowColumns['sourcePort'], table: HeavyTable): void {
  const { rows, protocol } = columns
  for (let row = 0; row < rows; row++) {
    const number = protocol.uint32[row] & 255
    isWanted[row] = present[row] & protocol.present[row] & hasPorts[number]
    keys[row] = number * 65_536 + (uint32[row] & 65_535)
  }
  table.find(keys, isWanted, rows, entries)
  addSums(columns, table)
}

/** TCP, UDP, DCCP, SCTP, UDP-Lite: exporters write 0, or the type of ICMP, as ports of what has none. */
const hasPorts = new Uint8Array(256)
for (const protocol of [6, 17, 33, 132, 136]) hasPorts[protocol] = 1
