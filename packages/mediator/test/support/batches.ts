import { LayoutTable } from '@weir/ipfix'
import type { FieldSpecifier, Layout } from '@weir/ipfix'
import type { BatchEntries, ReceivedBatch, Source } from '@weir/link'

/** One table for all tests of a file: Layouts of equal content are one object, as the link makes them. */
export const layouts = new LayoutTable()

/** A Layout from `id:length` or `pen.id:length`, scope fields first. */
export function layoutOf(text: string, scopeCount = 0): Layout {
  const fields: FieldSpecifier[] = text.split(' ').map(field => {
    const [element, length] = field.split(':')
    const [id, pen] = element!.split('.').toReversed()
    return { pen: Number(pen ?? 0), id: Number(id), length: length === 'v' ? 65_535 : Number(length) }
  })
  return layouts.intern(fields, scopeCount)
}

let nextSource = 1

export function sourceOf(fields: Partial<Source> = {}): Source {
  const address = new Uint8Array(16)
  address.set([192, 0, 2, 1])
  return {
    id: nextSource++,
    transport: 'udp',
    version: 10,
    address,
    isIPv6: false,
    port: 50_000,
    odid: 1,
    v5Sampling: -1,
    exporterId: '192.0.2.1',
    ...fields
  }
}

export interface EntryFields {
  readonly layout: Layout
  readonly source: Source
  /** Octets of each record. */
  readonly records: readonly Uint8Array[]
  readonly context?: ReadonlyMap<number, Layout>
  readonly exportTimeSec?: number
  readonly receivedAtMs?: number
  readonly bootTimeMs?: number
  readonly isState?: boolean
  readonly isSibling?: boolean
}

export interface TestBatch extends ReceivedBatch {
  isSettled: boolean
  isCreditReleased: boolean
  /** Resolves when it is settled. */
  readonly settled: Promise<void>
}

let nextBatch = 1

/** A batch as the link hands it over, made of whole entries. */
export function batchOf(entries: readonly EntryFields[], fields: { isRedelivered?: boolean } = {}): TestBatch {
  const places: { offset: number; length: number }[] = []
  let size = 0
  for (const { records } of entries) {
    const length = records.reduce((sum, record) => sum + record.length, 0)
    places.push({ offset: size, length })
    size += Math.ceil(length / 8) * 8
  }
  const octets = new Uint8Array(size)
  let total = 0
  for (const [index, { records, isState }] of entries.entries()) {
    let at = places[index]!.offset
    for (const record of records) {
      octets.set(record, at)
      at += record.length
    }
    if (isState !== true) total += records.length
  }
  let at = -1
  const cursor: BatchEntries = {
    reset: () => void (at = -1),
    next: () => ++at < entries.length,
    get layout() {
      return entries[at]!.layout
    },
    get source() {
      return entries[at]!.source
    },
    get context() {
      return entries[at]!.context
    },
    get exportTimeSec() {
      return entries[at]!.exportTimeSec ?? 1_700_000_000
    },
    get receivedAtMs() {
      return entries[at]!.receivedAtMs ?? 1_700_000_000_500
    },
    get bootTimeMs() {
      return entries[at]!.bootTimeMs ?? Number.NaN
    },
    get records() {
      return entries[at]!.records.length
    },
    get offset() {
      return places[at]!.offset
    },
    get lengthOctets() {
      return places[at]!.length
    },
    get isState() {
      return entries[at]!.isState ?? false
    },
    get isSibling() {
      return entries[at]!.isSibling ?? false
    }
  }
  let onSettled!: () => void
  const settled = new Promise<void>(resolve => (onSettled = resolve))
  const batch: TestBatch = {
    id: nextBatch++,
    senderEpoch: '00000000000000aa',
    octets,
    view: new DataView(octets.buffer),
    records: total,
    isRedelivered: fields.isRedelivered ?? false,
    entries: cursor,
    isSettled: false,
    isCreditReleased: false,
    settled,
    settle: () => {
      batch.isSettled = true
      onSettled()
    },
    releaseCredit: () => void (batch.isCreditReleased = true)
  }
  return batch
}

/** octetDeltaCount, a serial number in PEN 32473, IPv4 addresses: 24 octets. */
export const flowLayout = layoutOf('8:4 12:4 1:8 32473.1:8')

/** Records of {@link flowLayout} with serial numbers from `first` on. */
export function flows(count: number, first = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const record = new Uint8Array(24)
    const view = new DataView(record.buffer)
    view.setUint32(0, 0x0a000001)
    view.setUint32(4, 0x0a000002)
    view.setBigUint64(8, 1500n)
    view.setBigUint64(16, BigInt(first + index))
    return record
  })
}

/** The batch of one entry of {@link flows}. */
export const flowBatch = (source: Source, count: number, first = 0): TestBatch =>
  batchOf([{ layout: flowLayout, source, records: flows(count, first) }])

/** A serial number in PEN 32473 and 1,400 octets behind it: fills sockets with few records. */
export const wideLayout = layoutOf('32473.1:8 32473.2:1400')

/** Records of one batch of {@link wideBatch}: about 256 KiB. */
export const WIDE = 180

export function wideBatch(source: Source, first: number): TestBatch {
  const records = Array.from({ length: WIDE }, (_, index) => {
    const record = new Uint8Array(1_408)
    new DataView(record.buffer).setBigUint64(0, BigInt(first + index))
    return record
  })
  return batchOf([{ layout: wideLayout, source, records }])
}
