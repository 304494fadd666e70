import { InvariantError } from '@weir/runtime'

/** An Information Element, by number. */
export interface ElementId {
  readonly pen: number
  readonly id: number
}

/**
 * How a column keeps its values.
 *
 * - `uint32`: unsigned, of any length; above 2^32 - 1 its low 32 bits.
 * - `float64`: unsigned of up to 8 octets (above 2^53 rounded), signed, floats and times (the count of the type's unit; NTP
 *   formats as their 64 bits), by {@link ColumnWanted.format}.
 * - `uint64`: the value's low 64 bits as they are; read as BigUint64Array or BigInt64Array.
 * - `address`: 16 octets, IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
 * - `octets`: octets of any length, in a heap.
 * - `samplingRate`: float64 of samplingPacketInterval and -Space (305, 306): one packet selected of so many; 0 = unknown.
 */
export type ColumnKind = 'uint32' | 'float64' | 'uint64' | 'address' | 'octets' | 'samplingRate'

/** A column that is wanted. */
export interface ColumnWanted {
  readonly kind: ColumnKind
  /** The first of them that a Layout has is read; none for `samplingRate`. */
  readonly elements: readonly ElementId[]
  /** What a `float64` is read as; default `unsigned`. */
  readonly format?: 'unsigned' | 'signed' | 'float'
}

/** Values of one column; which array is there depends on the kind. */
export interface Column {
  readonly kind: ColumnKind
  /** 1 where the record has the element, else 0 and the value is 0 or empty. One octet a row. */
  readonly present: Uint8Array
  /** `uint32`; for `uint64` the same memory as `uint64`, low word first. */
  readonly uint32: Uint32Array
  /** `float64`, `samplingRate`. */
  readonly float64: Float64Array
  readonly uint64: BigUint64Array
  /** `address`: 16 for each row. `octets`: the heap, whose used part ends at `ends[rows - 1]`. */
  octets: Uint8Array
  octetsView: DataView
  /** `octets`: where each row's octets end in the heap; they begin where those of the row before end. */
  readonly ends: Uint32Array
}

const MAX_ROWS = 65_536
const NO_OCTETS = 0

/** Typed-array columns of up to 65,536 records, filled by column readers and emptied by whoever uses them. */
export class ColumnBatch {
  readonly columns: readonly Column[]
  readonly capacity: number
  /** Rows that are filled. */
  rows = 0

  constructor(wanted: readonly ColumnWanted[], capacity: number = MAX_ROWS) {
    if (capacity < 1 || capacity > MAX_ROWS) throw new InvariantError('a batch holds 1 to 65536 rows', { capacity })
    this.capacity = capacity
    this.columns = wanted.map(({ kind }) => makeColumn(kind, capacity))
  }

  get isFull(): boolean {
    return this.rows >= this.capacity
  }

  /** Begin again; values stay where they are until they are written over. */
  clear(): void {
    this.rows = 0
  }
}

function makeColumn(kind: ColumnKind, capacity: number): Column {
  const is = (...kinds: ColumnKind[]): number => (kinds.includes(kind) ? capacity : 0)
  const words = new BigUint64Array(is('uint64'))
  const octets = new Uint8Array(kind === 'address' ? 16 * capacity : kind === 'octets' ? 32 * capacity : NO_OCTETS)
  return {
    kind,
    present: new Uint8Array(capacity),
    uint32: kind === 'uint64' ? new Uint32Array(words.buffer) : new Uint32Array(is('uint32')),
    float64: new Float64Array(is('float64', 'samplingRate')),
    uint64: words,
    octets,
    octetsView: new DataView(octets.buffer),
    ends: new Uint32Array(is('octets'))
  }
}
