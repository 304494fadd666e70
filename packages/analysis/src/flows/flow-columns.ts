import { MOST_KEYS } from '../tables/heavy-table.ts'
import { ColumnBatch } from '../columns/column-batch.ts'
import type { Column, ColumnWanted, ElementId } from '../columns/column-batch.ts'

/** Records that are worked on at once: what is looked at of them stays in the processor's cache. */
const ROWS = MOST_KEYS

const iana = (...ids: number[]): ElementId[] => ids.map(id => ({ pen: 0, id }))
const reverse = (...ids: number[]): ElementId[] => ids.map(id => ({ pen: 29305, id }))

/**
 * What of a normalised record is counted. Of several elements for one thing the first that a Layout has is taken: delta
 * counters before totals, those before the counters of an initiator (NSEL), of layer 2, and those behind a middlebox.
 */
const wanted = {
  source: { kind: 'address', elements: iana(8, 27) },
  destination: { kind: 'address', elements: iana(12, 28) },
  octets: { kind: 'float64', elements: iana(1, 85, 231, 352, 23) },
  packets: { kind: 'float64', elements: iana(2, 86, 298, 24) },
  reverseOctets: { kind: 'float64', elements: [...reverse(1, 85), ...iana(232)] },
  reversePackets: { kind: 'float64', elements: [...reverse(2, 86), ...iana(299)] },
  flows: { kind: 'float64', elements: iana(3) },
  startMs: { kind: 'float64', elements: iana(152) },
  endMs: { kind: 'float64', elements: iana(153) },
  sourcePort: { kind: 'uint32', elements: iana(7, 180, 182) },
  destinationPort: { kind: 'uint32', elements: iana(11, 181, 183) },
  protocol: { kind: 'uint32', elements: iana(4) },
  tcpFlags: { kind: 'uint32', elements: iana(6) },
  rate: { kind: 'samplingRate', elements: [] }
} as const satisfies Record<string, ColumnWanted>

type Name = keyof typeof wanted
const names = Object.keys(wanted) as Name[]

/** For column readers, in the order of the batch. */
export const flowColumnsWanted: readonly ColumnWanted[] = names.map(name => wanted[name])

/** Some of them, in this order. */
export const flowColumnsOf = (...wantedNames: Name[]): readonly ColumnWanted[] => wantedNames.map(name => wanted[name])

/** Source and destination of those Layouts that have addresses of both families, of which one is 0. */
export const ipv6AddressesWanted: readonly ColumnWanted[] = [
  { kind: 'address', elements: iana(27) },
  { kind: 'address', elements: iana(28) }
]

/** Records as columns, and what is worked out of them once for all who count. Arrays are used again for the next records. */
export class FlowColumns {
  readonly batch = new ColumnBatch(flowColumnsWanted, ROWS)
  /** Four words of 16 octets as they stand, IPv4 as IPv4-mapped. */
  readonly sources: Uint32Array
  readonly destinations: Uint32Array
  readonly source: Column
  readonly destination: Column
  readonly octets: Column
  readonly packets: Column
  readonly reverseOctets: Column
  readonly reversePackets: Column
  readonly startMs: Column
  readonly endMs: Column
  readonly sourcePort: Column
  readonly destinationPort: Column
  readonly protocol: Column
  readonly tcpFlags: Column
  readonly rate: Column
  /** Flows that a record stands for: deltaFlowCount, else 1; some exporters write 0 into records of one flow. */
  readonly flows = new Float64Array(ROWS)
  /** Octets and packets times the sampling rate; as they are where it is not known. */
  readonly estimatedOctets = new Float64Array(ROWS)
  readonly estimatedPackets = new Float64Array(ROWS)
  /** When the exporter sent it, milliseconds since 1970 UTC. */
  readonly exportMs = new Float64Array(ROWS)
  /** Who sent it: a number of the reader's choice. */
  readonly domains = new Uint32Array(ROWS)
  /** Whether any row tells of the way back. */
  hasReverse = false
  readonly #flowCount: Column

  constructor() {
    const column = (name: Name): Column => this.batch.columns[names.indexOf(name)]
    this.source = column('source')
    this.destination = column('destination')
    this.octets = column('octets')
    this.packets = column('packets')
    this.reverseOctets = column('reverseOctets')
    this.reversePackets = column('reversePackets')
    this.startMs = column('startMs')
    this.endMs = column('endMs')
    this.sourcePort = column('sourcePort')
    this.destinationPort = column('destinationPort')
    this.protocol = column('protocol')
    this.tcpFlags = column('tcpFlags')
    this.rate = column('rate')
    this.#flowCount = column('flows')
    this.sources = new Uint32Array(this.source.octets.buffer)
    this.destinations = new Uint32Array(this.destination.octets.buffer)
  }

  get rows(): number {
    return this.batch.rows
  }

  /** Work out what is not in the records themselves; to be called when the batch is filled. */
  complete(): void {
    const { rows, flows, estimatedOctets, estimatedPackets, reverseOctets, reversePackets } = this
    this.hasReverse = isAny(reverseOctets, rows) || isAny(reversePackets, rows)
    const flowCount = this.#flowCount
    const rate = this.rate.float64
    const octets = this.octets.float64
    const packets = this.packets.float64
    for (let row = 0; row < rows; row++) {
      flows[row] = flowCount.float64[row] > 0 ? flowCount.float64[row] : 1
      const factor = rate[row] > 0 ? rate[row] : 1
      estimatedOctets[row] = octets[row] * factor
      estimatedPackets[row] = packets[row] * factor
    }
  }
}

const isAny = ({ present }: Column, rows: number): boolean => present.subarray(0, rows).includes(1)
