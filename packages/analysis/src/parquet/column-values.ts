import { createKernel } from '@weir/mediation'
import { isPossibleMs, momentOf } from '../record-table/time-of-words.ts'
import type { DecodedArray } from 'hyparquet'
import type { ElementRegistry } from '@weir/ipfix'
import type { Kernel } from '@weir/mediation'
import type { Column } from '../columns/column-batch.ts'
import type { ValueType } from '../record-table/table-column.ts'
import type { AddressForm } from './parquet-types.ts'

/** The values of `rows` rows as the library takes them, undefined where there is none; may be views of the column. */
export type ColumnValues = (column: Column, rows: number) => DecodedArray

const TEXT_OCTETS = 64

/** How the values of a column are given to the library. */
export function valuesOf(type: ValueType, addresses: AddressForm, registry: ElementRegistry): ColumnValues {
  const kernel = createKernel(registry)
  switch (type) {
    case 'uint8':
    case 'uint16':
      return typed(({ uint32 }) => uint32)
    case 'uint32':
      // The library refuses what is above 2^31 in a Uint32Array.
      return each(({ uint32 }, row) => uint32[row])
    case 'int8':
    case 'int16':
    case 'int32':
    case 'float32':
    case 'float64':
      return typed(({ float64 }) => float64)
    case 'uint64':
      return typed(({ uint64 }) => uint64)
    case 'int64':
      return signed
    case 'milliseconds':
      return (column, rows) => signed(withPossibleTimes(column, rows), rows)
    case 'seconds':
      return each(({ uint32 }, row) => BigInt(uint32[row] * 1000))
    case 'microseconds':
    case 'nanoseconds':
      return ntpTimes(type)
    case 'boolean':
      // IPFIX has 1 for true and 2 for false.
      return each(({ uint32 }, row) => uint32[row] === 1)
    case 'string':
      return each(text)
    case 'octets':
      return each((column, row) => column.octets.subarray(beginOf(column.ends, row), column.ends[row]))
    case 'mac':
      return addresses === 'text' ? texts(macText(kernel)) : each(mac)
    case 'ipv4':
    case 'ipv6':
    case 'address':
      return addresses === 'text' ? texts(addressText(kernel, type)) : each(address(type))
  }
}

type Values = Uint32Array | Float64Array | BigUint64Array | BigInt64Array

/** Values that stand in the column as they are wanted: all of them as one view if all rows have one. */
function typed(valuesOf: (column: Column) => Values): ColumnValues {
  return (column, rows) => {
    const values = valuesOf(column)
    const { present } = column
    for (let row = 0; row < rows; row++) {
      if (present[row] === 0) return each((_, n) => values[n])(column, rows)
    }
    return values.subarray(0, rows)
  }
}

function each(valueOf: (column: Column, row: number) => unknown): ColumnValues {
  return (column, rows) => {
    const { present } = column
    const values: unknown[] = []
    for (let row = 0; row < rows; row++) values.push(present[row] === 1 ? valueOf(column, row) : undefined)
    return values
  }
}

const signed = typed(({ uint64 }) => new BigInt64Array(uint64.buffer, uint64.byteOffset, uint64.length))

/** Times that cannot be meant are left out, as in CSV: one of them would make others fail who read the whole column. */
function withPossibleTimes(column: Column, rows: number): Column {
  const { uint32 } = column
  let present = column.present
  for (let row = 0; row < rows; row++) {
    if (isPossibleMs(uint32[2 * row + 1], uint32[2 * row])) continue
    if (present === column.present) present = column.present.slice()
    present[row] = 0
  }
  return present === column.present ? column : { ...column, present }
}

function ntpTimes(type: 'microseconds' | 'nanoseconds'): ColumnValues {
  const moment = { seconds: 0, nanoseconds: 0 }
  const now = Date.now()
  const unit = type === 'microseconds' ? 1_000_000n : 1_000_000_000n
  return each(({ uint32 }, row) => {
    momentOf(type, uint32[2 * row + 1], uint32[2 * row], now, moment)
    const parts = type === 'microseconds' ? Math.floor(moment.nanoseconds / 1000) : moment.nanoseconds
    return BigInt(moment.seconds) * unit + BigInt(parts)
  })
}

/** 4 octets of IPv4, 16 of IPv6. */
const address =
  (type: 'ipv4' | 'ipv6' | 'address') =>
  ({ octets, octetsView }: Column, row: number): Uint8Array =>
    octets.subarray(16 * row + (isFour(type, octetsView, 16 * row) ? 12 : 0), 16 * row + 16)

const isFour = (type: 'ipv4' | 'ipv6' | 'address', view: DataView, at: number): boolean =>
  type === 'ipv4' ||
  (type === 'address' && view.getInt32(at) === 0 && view.getInt32(at + 4) === 0 && view.getInt32(at + 8) === 0xffff)

const beginOf = (ends: Uint32Array, row: number): number => (row === 0 ? 0 : ends[row - 1])

const NO_MAC = new Uint8Array(6)

/** Of another length than six octets, which is no MAC address, zeros. */
function mac({ octets, ends }: Column, row: number): Uint8Array {
  const begin = beginOf(ends, row)
  return ends[row] - begin === 6 ? octets.subarray(begin, ends[row]) : NO_MAC
}

const encoder = new TextEncoder()

/** Strings without the NUL octets that fill them up; what is not UTF-8 is U+FFFD, because readers refuse a file that has it. */
function text({ octets, ends }: Column, row: number): Uint8Array {
  const begin = beginOf(ends, row)
  let end = ends[row]
  while (end > begin && octets[end - 1] === 0) end--
  let at = begin
  while (at < end && octets[at] < 128) at++
  if (at === end) return octets.subarray(begin, end)
  return encoder.encode(Buffer.from(octets.buffer, octets.byteOffset + begin, end - begin).toString('utf8'))
}

type WriteText = (column: Column, row: number, view: DataView, q: number) => number

function texts(write: WriteText): ColumnValues {
  return (column, rows) => {
    const octets = new Uint8Array(rows * TEXT_OCTETS)
    const view = new DataView(octets.buffer)
    let q = 0
    return each((from, row) => {
      const begin = q
      q = write(from, row, view, q)
      return octets.subarray(begin, q)
    })(column, rows)
  }
}

const addressText =
  (kernel: Kernel, type: 'ipv4' | 'ipv6' | 'address'): WriteText =>
  ({ octetsView }, row, view, q) => {
    const at = 16 * row
    return isFour(type, octetsView, at)
      ? kernel.writeIPv4(view, q, octetsView.getInt32(at + 12))
      : kernel.writeIPv6(octetsView, at, view, q)
  }

const macText =
  (kernel: Kernel): WriteText =>
  ({ octetsView, ends }, row, view, q) => {
    const begin = beginOf(ends, row)
    return ends[row] - begin === 6 ? kernel.writeMac(octetsView, begin, view, q) : q
  }
