import type { FieldSpecifier, Layout, LayoutTable } from '@weir/ipfix'
import type { EntryContext } from '../../src/index.ts'

/** The corpus of the measurements: 20 fields, 74 octets, 18 records a Message. */
const base: readonly (readonly [id: number, length: number])[] = [
  [8, 4],
  [12, 4],
  [15, 4],
  [10, 4],
  [14, 4],
  [2, 8],
  [1, 8],
  [152, 8],
  [153, 8],
  [7, 2],
  [11, 2],
  [4, 1],
  [6, 1],
  [5, 1],
  [9, 1],
  [13, 1],
  [136, 1],
  [16, 4],
  [17, 4],
  [34, 4]
]

export const MESSAGES = 2048
export const RECORDS_PER_MESSAGE = 18
export const RECORD_OCTETS = 74
const MESSAGE_STRIDE = 20 + RECORD_OCTETS * RECORDS_PER_MESSAGE

export interface Entry {
  readonly layout: Layout
  readonly offset: number
  readonly end: number
}

export interface Corpus {
  readonly octets: Uint8Array
  readonly view: DataView
  readonly entries: readonly Entry[]
  readonly records: number
}

/** @param templates - how many orders of the fields; Messages take them in turn. */
export function makeCorpus(layouts: LayoutTable, templates: number): Corpus {
  const random = makeRandom()
  const octets = new Uint8Array(MESSAGES * MESSAGE_STRIDE)
  const view = new DataView(octets.buffer)
  const orders = Array.from({ length: templates }, (_, k) => base.map((_, i) => base[(i + k * 3) % base.length]))
  const shapes = orders.map(order =>
    layouts.intern(
      order.map(([id, length]): FieldSpecifier => ({ pen: 0, id, length })),
      0
    )
  )
  const entries: Entry[] = []
  for (let message = 0; message < MESSAGES; message++) {
    const offset = message * MESSAGE_STRIDE + 20
    let at = offset
    for (let record = 0; record < RECORDS_PER_MESSAGE; record++) {
      const start = 1767225600000 + message * 10 + (random() % 5000)
      const values = new Map<number, number>([
        [152, start],
        [153, start + (random() % 60000)]
      ])
      for (const [id, length] of orders[message % templates]) {
        writeValue(view, at, id, length, random, values)
        at += length
      }
    }
    entries.push({ layout: shapes[message % templates], offset, end: at })
  }
  return { octets, view, entries, records: MESSAGES * RECORDS_PER_MESSAGE }
}

const ports = [80, 443, 53, 22, 123, 25, 8080, 3389]

function writeValue(
  view: DataView,
  at: number,
  id: number,
  length: number,
  random: () => number,
  values: ReadonlyMap<number, number>
): void {
  const set = values.get(id)
  if (set !== undefined) return view.setBigUint64(at, BigInt(set))
  if (id === 8) return view.setUint32(at, 0x0a000000 | (random() & 0xffffff))
  if (id === 12) return view.setUint32(at, 0xac100000 | (random() & 0xfffff))
  if (id === 15) return view.setUint32(at, 0xc0a80000 | (random() % 16))
  if (id === 34) return view.setUint32(at, 1000)
  if (id === 11) return view.setUint16(at, ports[random() % 8])
  if (id === 7) return view.setUint16(at, 1024 + (random() % 60000))
  if (id === 4) return view.setUint8(at, random() % 3 ? 6 : 17)
  if (length === 8) return view.setBigUint64(at, BigInt(1 + (random() % (id === 1 ? 280000 : 200))))
  if (length === 4) return view.setUint32(at, 1 + (random() % 64000))
  view.setUint8(at, 8 + (random() % 25))
}

function makeRandom(): () => number {
  let state = 88172645
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** Contexts of as many exporters. */
export function makeContexts(exporters: number): EntryContext[] {
  return Array.from({ length: exporters }, (_, n) => ({
    exporterAddress: new Uint8Array([192, 0, 2, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    exporterIsIPv6: false,
    odid: n,
    version: 10,
    exportTimeSec: 1767225600,
    receivedAtMs: 1767225601234,
    bootTimeMs: NaN,
    samplingRate: 100,
    samplingOrigin: 2,
    samplingRateOf: () => 0,
    hasInterfaceRates: false,
    samplingRateOfInterface: () => 0,
    templateIds: { exportedId: (id: number) => id }
  }))
}
