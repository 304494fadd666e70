import { entryOctets, HeavyTable, LEAST_ENTRIES, MOST_KEYS } from '../tables/heavy-table.ts'
import type { FlowColumns } from '../flows/flow-columns.ts'
import type { NodeKeys } from './node-keys.ts'

/** Columns of an edge, and of a port of an edge. */
export const edgeColumns = { octets: 0, packets: 1, flows: 2, estimatedOctets: 3, estimatedPackets: 4 } as const
const COLUMNS = 5
const measures = [[3], [4], [2]]

const EDGE_WORDS = 8
/** Source, target, protocol * 65536 + port, and three words of 0. */
const PORT_WORDS = 12
const SHARES = { edges: 0.45, ports: 0.35 }
const WHILE_GROWING = 1.5

/** What went from one node to another, in all and by port; bounded by the memory it is given. */
export class EdgeCounter {
  readonly edges: HeavyTable
  readonly ports: HeavyTable
  /** Records that have no source or no destination. */
  recordsWithoutAddresses = 0
  records = 0
  /** Of all edges, whatever was let go. */
  readonly totals = new Float64Array(COLUMNS)
  readonly #nodes: NodeKeys
  readonly #sources = new Uint32Array(4 * MOST_KEYS)
  readonly #targets = new Uint32Array(4 * MOST_KEYS)
  readonly #isEdge = new Uint8Array(MOST_KEYS)
  readonly #edgeKeys = new Uint32Array(EDGE_WORDS * MOST_KEYS)
  readonly #portKeys = new Uint32Array(PORT_WORDS * MOST_KEYS)
  readonly #entries = new Int32Array(MOST_KEYS)
  readonly #added = new Float64Array(COLUMNS * MOST_KEYS)

  constructor(nodes: NodeKeys, memoryOctets: number) {
    this.#nodes = nodes
    const table = (keyWords: number, share: number): HeavyTable => {
      const octets = entryOctets({ keyWords, columns: COLUMNS })
      const capacity = Math.max(LEAST_ENTRIES, Math.floor((memoryOctets * share) / WHILE_GROWING / octets))
      return new HeavyTable({ keyWords, isKeyOfOctets: true, columns: COLUMNS, measures, capacity })
    }
    this.edges = table(EDGE_WORDS, SHARES.edges)
    this.ports = table(PORT_WORDS, SHARES.ports)
  }

  /** @param columns - completed. */
  add(columns: FlowColumns): void {
    const { rows, source, destination, octets, packets, flows, estimatedOctets, estimatedPackets } = columns
    this.#nodes.map(columns.sources, rows, this.#sources)
    this.#nodes.map(columns.destinations, rows, this.#targets)
    const added = this.#added
    this.records += rows
    for (let row = 0; row < rows; row++) {
      const isEdge = source.present[row] & destination.present[row]
      this.#isEdge[row] = isEdge
      this.recordsWithoutAddresses += 1 - isEdge
      const at = row * COLUMNS
      added[at] = octets.float64[row]
      added[at + 1] = packets.float64[row]
      added[at + 2] = flows[row]
      added[at + 3] = estimatedOctets[row]
      added[at + 4] = estimatedPackets[row]
    }
    this.#addEdges(columns, this.#sources, this.#targets)
    if (!columns.hasReverse) return
    // What a record of both directions tells of the way back (RFC 5103) is an edge too, but no flow of its own.
    const { reverseOctets, reversePackets, rate } = columns
    for (let row = 0; row < rows; row++) {
      const back = [reverseOctets.float64[row], reversePackets.float64[row]]
      const factor = rate.float64[row] > 0 ? rate.float64[row] : 1
      if (back[0] + back[1] === 0) this.#isEdge[row] = 0
      added.set([back[0], back[1], 0, back[0] * factor, back[1] * factor], row * COLUMNS)
    }
    this.#addEdges(columns, this.#targets, this.#sources)
  }

  #addEdges({ rows, protocol, sourcePort, destinationPort }: FlowColumns, from: Uint32Array, to: Uint32Array): void {
    const edgeKeys = this.#edgeKeys
    const portKeys = this.#portKeys
    for (let row = 0; row < rows; row++) {
      const edge = EDGE_WORDS * row
      const port = PORT_WORDS * row
      for (let word = 0; word < 4; word++) {
        edgeKeys[edge + word] = from[4 * row + word]
        edgeKeys[edge + 4 + word] = to[4 * row + word]
        portKeys[port + word] = from[4 * row + word]
        portKeys[port + 4 + word] = to[4 * row + word]
      }
      // The lower port is nearly always that of the service, whichever way the flow goes.
      const known = protocol.present[row] === 1 ? protocol.uint32[row] & 255 : UNKNOWN_PROTOCOL
      const lower = Math.min(sourcePort.uint32[row], destinationPort.uint32[row]) & 65_535
      portKeys[port + 8] = known * 65_536 + (hasPorts(known) ? lower : 0)
    }
    this.#add(this.edges, edgeKeys, rows, true)
    this.#add(this.ports, portKeys, rows, false)
  }

  #add(table: HeavyTable, keys: Uint32Array, rows: number, isTotal: boolean): void {
    const entries = this.#entries
    const added = this.#added
    const { totals } = this
    table.find(keys, this.#isEdge, rows, entries)
    const { sums, stride } = table
    for (let row = 0; row < rows; row++) {
      if (entries[row] < 0) continue
      const at = entries[row] * stride
      for (let column = 0; column < COLUMNS; column++) {
        const value = added[row * COLUMNS + column]
        sums[at + column] += value
        if (isTotal) totals[column] += value
      }
    }
  }
}

/** Above what a protocol can be. */
export const UNKNOWN_PROTOCOL = 256

/** TCP, UDP, DCCP, SCTP, UDP-Lite. */
export const hasPorts = (protocol: number): boolean =>
  protocol === 6 || protocol === 17 || protocol === 33 || protocol === 132 || protocol === 136
