import { parseIpv4, parseIpv6, parseMac, VARIABLE_LENGTH, writeTime } from '@weir/ipfix'
import { ParquetFault } from './parquet-fault.ts'
import type { Page } from './page-reader.ts'
import type { StoredColumn } from './parquet-footer.ts'
import type { AddressForm } from './parquet-types.ts'

/** Reads the values of one column, one after the other, as the octets that IPFIX has for them. */
export interface ValueReader {
  /** Octets of the field in a record that has the value, or VARIABLE_LENGTH. */
  readonly length: number
  /** Begin with the values of a page. */
  open(page: Page): void
  /** Octets that the value that is next takes; of fixed length it is the same for all. */
  sizeOf(): number
  /** Write the value that is next and go on. @returns the end. */
  write(octets: Uint8Array, view: DataView, at: number): number
  /** Begin with the first value again. */
  rewind(): void
  /** Pass over the value that is next. */
  skip(): void
}

/** How the values of a column become a field of records again. */
export function valueReader({ type }: StoredColumn, addresses: AddressForm): ValueReader {
  switch (type) {
    case 'uint8':
    case 'int8':
      return new FixedReader(4, 1, (from, p, view, at) => view.setInt8(at, from.getInt32(p, true)))
    case 'uint16':
    case 'int16':
      return new FixedReader(4, 2, (from, p, view, at) => view.setInt16(at, from.getInt32(p, true)))
    case 'uint32':
    case 'int32':
      return new FixedReader(4, 4, (from, p, view, at) => view.setInt32(at, from.getInt32(p, true)))
    case 'uint64':
    case 'int64':
    case 'milliseconds':
      return new FixedReader(8, 8, (from, p, view, at) => {
        view.setInt32(at, from.getInt32(p + 4, true))
        view.setInt32(at + 4, from.getInt32(p, true))
      })
    case 'float32':
      return new FixedReader(4, 4, (from, p, view, at) => view.setFloat32(at, from.getFloat32(p, true)))
    case 'float64':
      return new FixedReader(8, 8, (from, p, view, at) => view.setFloat64(at, from.getFloat64(p, true)))
    case 'seconds':
      return timeReader(4, 1000n, 'dateTimeSeconds')
    case 'microseconds':
      return timeReader(8, 1_000_000n, 'dateTimeMicroseconds')
    case 'nanoseconds':
      return timeReader(8, 1_000_000_000n, 'dateTimeNanoseconds')
    case 'boolean':
      return new BooleanReader()
    case 'string':
    case 'octets':
      return new OctetsReader()
    case 'mac':
      return addresses === 'text' ? new AddressReader(6, parseMac) : new FixedReader(6, 6, copy(6))
    case 'ipv4':
      return addresses === 'text' ? new AddressReader(4, parseIpv4) : new FixedReader(4, 4, copy(4))
    case 'ipv6':
      return addresses === 'text' ? new AddressReader(16, parseIpv6) : new FixedReader(16, 16, copy(16))
    case 'address':
      throw new ParquetFault('a column has a type that only lineage has')
  }
}

type Copy = (from: DataView, p: number, view: DataView, at: number) => void

const copy =
  (length: number): Copy =>
  (from, p, view, at) => {
    for (let n = 0; n < length; n++) view.setUint8(at + n, from.getUint8(p + n))
  }

function timeReader(
  length: number,
  unitsPerSecond: bigint,
  type: 'dateTimeSeconds' | 'dateTimeMicroseconds' | 'dateTimeNanoseconds'
): ValueReader {
  return new FixedReader(8, length, (from, p, view, at) => {
    const value = from.getBigInt64(p, true)
    const units = value < 0n ? 0n : value
    const nanoseconds = Number(((units % unitsPerSecond) * 1_000_000_000n) / unitsPerSecond)
    writeTime(type, view, at, Number(units / unitsPerSecond), nanoseconds)
  })
}

const nowhere = new DataView(new ArrayBuffer(0))
const cut = (): ParquetFault => new ParquetFault('a page has fewer values than rows')

/** Values of fixed length on both sides. */
class FixedReader implements ValueReader {
  readonly length: number
  readonly #stored: number
  readonly #copy: Copy
  #view: DataView = nowhere
  #begin = 0
  #at = 0

  constructor(stored: number, length: number, copyValue: Copy) {
    this.#stored = stored
    this.length = length
    this.#copy = copyValue
  }

  open({ view, valuesAt }: Page): void {
    this.#view = view
    this.#begin = this.#at = valuesAt
  }

  rewind(): void {
    this.#at = this.#begin
  }

  sizeOf(): number {
    return this.length
  }

  skip(): void {
    this.#at += this.#stored
  }

  write(_octets: Uint8Array, view: DataView, at: number): number {
    if (this.#at + this.#stored > this.#view.byteLength) throw cut()
    this.#copy(this.#view, this.#at, view, at)
    this.#at += this.#stored
    return at + this.length
  }
}

/** Bits, low ones first; IPFIX has 1 for true and 2 for false. */
class BooleanReader implements ValueReader {
  readonly length = 1
  #page: Page | undefined
  #bit = 0

  open(page: Page): void {
    this.#page = page
    this.#bit = 0
  }

  rewind(): void {
    this.#bit = 0
  }

  sizeOf(): number {
    return 1
  }

  skip(): void {
    this.#bit++
  }

  write(octets: Uint8Array, _view: DataView, at: number): number {
    const { octets: from, valuesAt } = this.#page!
    const place = valuesAt + (this.#bit >> 3)
    if (place >= from.length) throw cut()
    octets[at] = (from[place] >> (this.#bit & 7)) & 1 ? 1 : 2
    this.#bit++
    return at + 1
  }
}

/** Octets with their length in front: 4 octets in Parquet, one or three in IPFIX (RFC 7011 §7). */
class OctetsReader implements ValueReader {
  readonly length: number = VARIABLE_LENGTH
  #page: Page | undefined
  #at = 0

  open(page: Page): void {
    this.#page = page
    this.#at = page.valuesAt
  }

  rewind(): void {
    this.#at = this.#page!.valuesAt
  }

  sizeOf(): number {
    const length = this.#length()
    return length < 255 ? length + 1 : length + 3
  }

  skip(): void {
    this.#at += 4 + this.#stored()
  }

  write(octets: Uint8Array, view: DataView, at: number): number {
    const length = this.#length()
    let to = at
    if (length < 255) octets[to++] = length
    else {
      octets[to] = 255
      view.setUint16(to + 1, length)
      to += 3
    }
    const { octets: from } = this.#page!
    const begin = this.#at + 4
    for (let n = 0; n < length; n++) octets[to + n] = from[begin + n]
    this.skip()
    return to + length
  }

  #stored(): number {
    const { view } = this.#page!
    if (this.#at + 4 > view.byteLength) throw cut()
    const length = view.getUint32(this.#at, true)
    if (this.#at + 4 + length > view.byteLength) throw cut()
    return length
  }

  /** What is longer than a field can be is cut off. */
  #length(): number {
    return Math.min(VARIABLE_LENGTH, this.#stored())
  }
}

/** Addresses as text, with its length in front. */
class AddressReader implements ValueReader {
  readonly length: number
  readonly #parse: (text: string) => number[] | undefined
  #page: Page | undefined
  #at = 0

  constructor(length: number, parse: (text: string) => number[] | undefined) {
    this.length = length
    this.#parse = parse
  }

  open(page: Page): void {
    this.#page = page
    this.#at = page.valuesAt
  }

  rewind(): void {
    this.#at = this.#page!.valuesAt
  }

  sizeOf(): number {
    return this.length
  }

  skip(): void {
    this.#at += 4 + textOctets(this.#page!, this.#at).length
  }

  write(octets: Uint8Array, _view: DataView, at: number): number {
    const value = this.#parse(Buffer.from(textOctets(this.#page!, this.#at)).toString('latin1'))
    if (value === undefined) throw new ParquetFault('a column of addresses has a value that is none')
    this.skip()
    octets.set(value, at)
    return at + this.length
  }
}

/** The octets of a text that is stored with its length in front. */
export function textOctets({ octets, view }: Page, at: number): Uint8Array {
  if (at + 4 > octets.length) throw cut()
  const length = view.getUint32(at, true)
  if (length > octets.length - at - 4) throw cut()
  return octets.subarray(at + 4, at + 4 + length)
}
