import { entryOctets, HeavyTable, MOST_KEYS } from '../tables/heavy-table.ts'
import type { FlowColumns } from '../flows/flow-columns.ts'

/** Sums of one direction; those from the greater address to the lesser one follow. */
export const DIRECTION = 5
const COLUMNS = 2 * DIRECTION
const KEY_WORDS = 8
const OCTETS = 0
const PACKETS = 1
const FLOWS = 2
const ESTIMATED_OCTETS = 3
const ESTIMATED_PACKETS = 4

const measures = [ESTIMATED_OCTETS, ESTIMATED_PACKETS, FLOWS].map(column => [column, column + DIRECTION])

export const conversationOctets = entryOctets({ keyWords: KEY_WORDS, columns: COLUMNS })

/** A table of pairs of addresses, the lesser one first, with sums of both directions. */
export const conversationTable = (capacity: number): HeavyTable =>
  new HeavyTable({ keyWords: KEY_WORDS, isKeyOfOctets: true, columns: COLUMNS, measures, capacity })

// Used again for each batch.
const pairs = new Uint32Array(KEY_WORDS * MOST_KEYS)
const isPair = new Uint8Array(MOST_KEYS)
const isBackward = new Uint8Array(MOST_KEYS)
const entries = new Int32Array(MOST_KEYS)

/** Add what passed between the two addresses of each record, in either direction. */
export function addConversations(columns: FlowColumns, table: HeavyTable): void {
  pairUp(columns)
  const { rows, flows, estimatedOctets, estimatedPackets } = columns
  table.find(pairs, isPair, rows, entries)
  const { sums, stride } = table
  const octets = columns.octets.float64
  const packets = columns.packets.float64
  for (let row = 0; row < rows; row++) {
    if (entries[row] < 0) continue
    const at = entries[row] * stride + isBackward[row] * DIRECTION
    sums[at + OCTETS] += octets[row]
    sums[at + PACKETS] += packets[row]
    sums[at + FLOWS] += flows[row]
    sums[at + ESTIMATED_OCTETS] += estimatedOctets[row]
    sums[at + ESTIMATED_PACKETS] += estimatedPackets[row]
  }
  if (columns.hasReverse) addReverse(columns, table)
}

function addReverse({ rows, reverseOctets, reversePackets, rate }: FlowColumns, { sums, stride }: HeavyTable): void {
  for (let row = 0; row < rows; row++) {
    if (entries[row] < 0) continue
    const at = entries[row] * stride + (1 - isBackward[row]) * DIRECTION
    const factor = rate.float64[row] > 0 ? rate.float64[row] : 1
    sums[at + OCTETS] += reverseOctets.float64[row]
    sums[at + PACKETS] += reversePackets.float64[row]
    sums[at + ESTIMATED_OCTETS] += reverseOctets.float64[row] * factor
    sums[at + ESTIMATED_PACKETS] += reversePackets.float64[row] * factor
  }
}

/** Both addresses of each record as one key, whichever way it went. */
function pairUp({ rows, source, destination, sources, destinations }: FlowColumns): void {
  for (let row = 0; row < rows; row++) {
    isPair[row] = source.present[row] & destination.present[row]
    const at = 4 * row
    const isForward = isOrdered(sources, destinations, at)
    isBackward[row] = isForward ? 0 : 1
    const left = isForward ? sources : destinations
    const right = isForward ? destinations : sources
    const key = KEY_WORDS * row
    pairs[key] = left[at]
    pairs[key + 1] = left[at + 1]
    pairs[key + 2] = left[at + 2]
    pairs[key + 3] = left[at + 3]
    pairs[key + 4] = right[at]
    pairs[key + 5] = right[at + 1]
    pairs[key + 6] = right[at + 2]
    pairs[key + 7] = right[at + 3]
  }
}

/** Whether the source is not above the destination, by their words: any order will do that is always the same. */
function isOrdered(sources: Uint32Array, destinations: Uint32Array, at: number): boolean {
  for (let word = at + 3; word >= at; word--) {
    if (sources[word] !== destinations[word]) return sources[word] < destinations[word]
  }
  return true
}
