import { createKernel } from '@weir/mediation'
import { momentOf } from '../record-table/time-of-words.ts'
import { varint } from './thrift-writer.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { Kernel } from '@weir/mediation'
import type { Column } from '../columns/column-batch.ts'
import type { ValueType } from '../record-table/table-column.ts'
import type { AddressForm } from './parquet-types.ts'

/** Where the values of a page are written. */
interface PageOutput {
  octets: Uint8Array
  view: DataView
}

/** Writes the values that are present among `rows` rows, PLAIN, from 0 on. @returns the end. */
export type WriteValues = (column: Column, rows: number, out: PageOutput) => number

const TEXT_OCTETS = 64

/** Makes room; what was written is lost. */
function reserve(out: PageOutput, octets: number): void {
  if (out.octets.length >= octets) return
  out.octets = new Uint8Array(Math.max(octets, 2 * out.octets.length))
  out.view = new DataView(out.octets.buffer)
}

/** An output that grows as it must. */
export const pageOutput = (): PageOutput => {
  const octets = new Uint8Array(512 * 1024)
  return { octets, view: new DataView(octets.buffer) }
}

/**
 * Definition levels of an optional column: runs of equal ones as runs, bit-packed groups else (Parquet, "Run Length Encoding /
 * Bit-Packing Hybrid"). Bit width 1.
 *
 * @returns octets with their length in front, as data pages of version 1 have them; and how many values are present.
 */
export function definitionLevels(present: Uint8Array, rows: number): { octets: Uint8Array; values: number } {
  let values = 0
  for (let row = 0; row < rows; row++) values += present[row]
  const levels = values === rows || values === 0 ? [...varint(rows * 2), values === 0 ? 0 : 1] : packed(present, rows)
  const octets = new Uint8Array(4 + levels.length)
  new DataView(octets.buffer).setUint32(0, levels.length, true)
  octets.set(levels, 4)
  return { octets, values }
}

function packed(present: Uint8Array, rows: number): number[] {
  const groups = Math.ceil(rows / 8)
  const octets = varint(groups * 2 + 1)
  for (let group = 0; group < groups; group++) {
    let octet = 0
    for (let bit = 0; bit < 8; bit++) {
      const row = group * 8 + bit
      if (row < rows && present[row] === 1) octet |= 1 << bit
    }
    octets.push(octet)
  }
  return octets
}

/** How the values of a column are written into pages. */
export function valuesWriter(type: ValueType, addresses: AddressForm, registry: ElementRegistry): WriteValues {
  const kernel = createKernel(registry)
  switch (type) {
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return fixed(4, ({ uint32 }, row, { view }, q) => view.setUint32(q, uint32[row], true))
    case 'int8':
    case 'int16':
    case 'int32':
      return fixed(4, ({ float64 }, row, { view }, q) => view.setInt32(q, float64[row], true))
    case 'uint64':
    case 'int64':
    case 'milliseconds':
      return fixed(8, ({ uint32 }, row, { view }, q) => {
        view.setUint32(q, uint32[2 * row], true)
        view.setUint32(q + 4, uint32[2 * row + 1], true)
      })
    case 'float32':
      return fixed(4, ({ float64 }, row, { view }, q) => view.setFloat32(q, float64[row], true))
    case 'float64':
      return fixed(8, ({ float64 }, row, { view }, q) => view.setFloat64(q, float64[row], true))
    case 'seconds':
      return fixed(8, ({ uint32 }, row, { view }, q) => view.setBigInt64(q, BigInt(uint32[row] * 1000), true))
    case 'microseconds':
    case 'nanoseconds':
      return ntpTimes(type)
    case 'boolean':
      return booleans
    case 'string':
      return texts
    case 'octets':
      return octetArrays
    case 'mac':
      return addresses === 'text' ? addressTexts(macText(kernel)) : macs
    case 'ipv4':
    case 'ipv6':
    case 'address': {
      if (addresses === 'text') return addressTexts(addressText(kernel, type))
      return type === 'address' ? anyAddresses : fixedAddresses(type === 'ipv4' ? 4 : 16)
    }
  }
}

function fixed(length: number, write: (column: Column, row: number, out: PageOutput, q: number) => void): WriteValues {
  return (column, rows, out) => {
    reserve(out, rows * length)
    const { present } = column
    let q = 0
    for (let row = 0; row < rows; row++) {
      if (present[row] === 0) continue
      write(column, row, out, q)
      q += length
    }
    return q
  }
}

function ntpTimes(type: 'microseconds' | 'nanoseconds'): WriteValues {
  const moment = { seconds: 0, nanoseconds: 0 }
  const now = Date.now()
  const unit = type === 'microseconds' ? 1_000_000n : 1_000_000_000n
  return fixed(8, ({ uint32 }, row, { view }, q) => {
    momentOf(type, uint32[2 * row + 1], uint32[2 * row], now, moment)
    const parts = type === 'microseconds' ? Math.floor(moment.nanoseconds / 1000) : moment.nanoseconds
    view.setBigInt64(q, BigInt(moment.seconds) * unit + BigInt(parts), true)
  })
}

/** Bits, low ones first. IPFIX has 1 for true and 2 for false; what is neither is false. */
const booleans: WriteValues = ({ present, uint32 }, rows, out) => {
  reserve(out, Math.ceil(rows / 8))
  let bits = 0
  for (let row = 0; row < rows; row++) {
    if (present[row] === 0) continue
    const at = bits >> 3
    if ((bits & 7) === 0) out.octets[at] = 0
    if (uint32[row] === 1) out.octets[at] |= 1 << (bits & 7)
    bits++
  }
  return Math.ceil(bits / 8)
}

const fixedAddresses = (length: 4 | 16): WriteValues =>
  fixed(length, ({ octetsView }, row, { view }, q) => {
    for (let at = 16 - length; at < 16; at += 4) {
      view.setInt32(q, octetsView.getInt32(16 * row + at))
      q += 4
    }
  })

/** 4 octets of IPv4, 16 of IPv6. */
const anyAddresses: WriteValues = ({ present, octets, octetsView }, rows, out) => {
  reserve(out, rows * 20)
  let q = 0
  for (let row = 0; row < rows; row++) {
    if (present[row] === 0) continue
    const begin = 16 * row + (isMapped(octetsView, 16 * row) ? 12 : 0)
    const length = 16 * row + 16 - begin
    out.view.setUint32(q, length, true)
    for (let n = 0; n < length; n++) out.octets[q + 4 + n] = octets[begin + n]
    q += 4 + length
  }
  return q
}

const isMapped = (view: DataView, at: number): boolean =>
  view.getInt32(at) === 0 && view.getInt32(at + 4) === 0 && view.getInt32(at + 8) === 0xffff

const beginOf = (ends: Uint32Array, row: number): number => (row === 0 ? 0 : ends[row - 1])

const octetArrays: WriteValues = ({ present, octets, ends }, rows, out) => {
  reserve(out, rows * 4 + beginOf(ends, rows))
  let q = 0
  for (let row = 0; row < rows; row++) {
    if (present[row] === 0) continue
    const begin = beginOf(ends, row)
    const end = ends[row]
    out.view.setUint32(q, end - begin, true)
    q += 4
    for (let at = begin; at < end; at++) out.octets[q++] = octets[at]
  }
  return q
}

/** Six octets each; of another length, which is no MAC address, zeros. */
const macs: WriteValues = ({ present, octets, ends }, rows, out) => {
  reserve(out, rows * 6)
  let q = 0
  for (let row = 0; row < rows; row++) {
    if (present[row] === 0) continue
    const begin = beginOf(ends, row)
    const isMac = ends[row] - begin === 6
    for (let n = 0; n < 6; n++) out.octets[q++] = isMac ? octets[begin + n] : 0
  }
  return q
}

const encoder = new TextEncoder()

/** Strings without the NUL octets that fill them up; what is not UTF-8 is U+FFFD, because readers refuse a file that has it. */
const texts: WriteValues = ({ present, octets, ends }, rows, out) => {
  reserve(out, rows * 4 + 3 * beginOf(ends, rows))
  let q = 0
  for (let row = 0; row < rows; row++) {
    if (present[row] === 0) continue
    const begin = beginOf(ends, row)
    let end = ends[row]
    while (end > begin && octets[end - 1] === 0) end--
    let at = begin
    while (at < end && octets[at] < 128) at++
    let length = end - begin
    if (at === end) for (let n = 0; n < length; n++) out.octets[q + 4 + n] = octets[begin + n]
    else {
      const text = Buffer.from(octets.buffer, octets.byteOffset + begin, length).toString('utf8')
      length = encoder.encodeInto(text, out.octets.subarray(q + 4)).written
    }
    out.view.setUint32(q, length, true)
    q += 4 + length
  }
  return q
}

type WriteText = (column: Column, row: number, out: PageOutput, q: number) => number

function addressTexts(write: WriteText): WriteValues {
  return (column, rows, out) => {
    reserve(out, rows * TEXT_OCTETS + 16)
    let q = 0
    for (let row = 0; row < rows; row++) {
      if (column.present[row] === 0) continue
      const end = write(column, row, out, q + 4)
      out.view.setUint32(q, end - q - 4, true)
      q = end
    }
    return q
  }
}

function addressText(kernel: Kernel, type: 'ipv4' | 'ipv6' | 'address'): WriteText {
  return ({ octetsView }, row, { view }, q) => {
    const at = 16 * row
    const isFour = type === 'ipv4' || (type === 'address' && isMapped(octetsView, at))
    return isFour ? kernel.writeIPv4(view, q, octetsView.getInt32(at + 12)) : kernel.writeIPv6(octetsView, at, view, q)
  }
}

const macText =
  (kernel: Kernel): WriteText =>
  ({ octetsView, ends }, row, { view }, q) => {
    const begin = beginOf(ends, row)
    return ends[row] - begin === 6 ? kernel.writeMac(octetsView, begin, view, q) : q
  }
