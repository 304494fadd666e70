import { parseIpv4, parseIpv6, parseMac, VARIABLE_LENGTH, writeTime } from '@weir/ipfix'
import { ParquetFault } from './parquet-fault.ts'
import type { StoredColumn } from './parquet-footer.ts'
import type { AddressForm } from './parquet-types.ts'

/** Writes the values of one column as the octets that IPFIX has for them. */
export interface ValueWriter {
  /** Octets of the field in a record that has the value, or VARIABLE_LENGTH. */
  readonly length: number
  /** Octets that a value takes; of fixed length it is the same for all. */
  sizeOf(value: unknown): number
  /** @returns the end. */
  write(value: unknown, octets: Uint8Array, view: DataView, at: number): number
}

/** How the values of a column become a field of records again. What their types are is in the schema, which was checked. */
export function valueWriter({ type }: StoredColumn, addresses: AddressForm): ValueWriter {
  switch (type) {
    case 'uint8':
    case 'int8':
      return fixed<number>(1, (value, view, at) => view.setInt8(at, value))
    case 'uint16':
    case 'int16':
      return fixed<number>(2, (value, view, at) => view.setInt16(at, value))
    case 'uint32':
    case 'int32':
      return fixed<number>(4, (value, view, at) => view.setInt32(at, value))
    case 'uint64':
    case 'int64':
    case 'milliseconds':
      return fixed<bigint>(8, (value, view, at) => view.setBigInt64(at, value))
    case 'float32':
      return fixed<number>(4, (value, view, at) => view.setFloat32(at, value))
    case 'float64':
      return fixed<number>(8, (value, view, at) => view.setFloat64(at, value))
    case 'seconds':
      return times(4, 1000n, 'dateTimeSeconds')
    case 'microseconds':
      return times(8, 1_000_000n, 'dateTimeMicroseconds')
    case 'nanoseconds':
      return times(8, 1_000_000_000n, 'dateTimeNanoseconds')
    case 'boolean':
      // IPFIX has 1 for true and 2 for false.
      return fixed<boolean>(1, (value, view, at) => view.setUint8(at, value ? 1 : 2))
    case 'string':
    case 'octets':
      return variable
    case 'mac':
      return addresses === 'text' ? addressText(6, parseMac) : copied(6)
    case 'ipv4':
      return addresses === 'text' ? addressText(4, parseIpv4) : copied(4)
    case 'ipv6':
      return addresses === 'text' ? addressText(16, parseIpv6) : copied(16)
    case 'address':
      throw new ParquetFault('a column has a type that only lineage has')
  }
}

function fixed<T>(length: number, set: (value: T, view: DataView, at: number) => void): ValueWriter {
  return {
    length,
    sizeOf: () => length,
    write(value, _octets, view, at) {
      set(value as T, view, at)
      return at + length
    }
  }
}

const copied = (length: number): ValueWriter =>
  fixed<Uint8Array>(length, (value, view, at) => {
    for (let n = 0; n < length; n++) view.setUint8(at + n, value[n])
  })

function times(
  length: number,
  unitsPerSecond: bigint,
  type: 'dateTimeSeconds' | 'dateTimeMicroseconds' | 'dateTimeNanoseconds'
): ValueWriter {
  return fixed<bigint>(length, (value, view, at) => {
    const units = value < 0n ? 0n : value
    const nanoseconds = Number(((units % unitsPerSecond) * 1_000_000_000n) / unitsPerSecond)
    writeTime(type, view, at, Number(units / unitsPerSecond), nanoseconds)
  })
}

/** What is longer than a field can be is cut off. */
const lengthOf = (value: unknown): number => Math.min(VARIABLE_LENGTH, (value as Uint8Array).length)

/** Octets with their length in front: one octet or three (RFC 7011 §7). */
const variable: ValueWriter = {
  length: VARIABLE_LENGTH,
  sizeOf(value) {
    const length = lengthOf(value)
    return length < 255 ? length + 1 : length + 3
  },
  write(value, octets, view, at) {
    const length = lengthOf(value)
    let to = at
    if (length < 255) octets[to++] = length
    else {
      octets[to] = 255
      view.setUint16(to + 1, length)
      to += 3
    }
    for (let n = 0; n < length; n++) octets[to + n] = (value as Uint8Array)[n]
    return to + length
  }
}

const MOST_TEXT = 64

/** An address as text, or what claims to be one. */
export const textOf = (octets: Uint8Array): string => Buffer.from(octets.subarray(0, MOST_TEXT)).toString('latin1')

const addressText = (length: number, parse: (text: string) => number[] | undefined): ValueWriter =>
  fixed<Uint8Array>(length, (value, view, at) => {
    const address = parse(textOf(value))
    if (address === undefined) throw new ParquetFault('a column of addresses has a value that is none')
    for (let n = 0; n < length; n++) view.setUint8(at + n, address[n])
  })
