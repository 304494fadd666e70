import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CaptureDecoder, CaptureReader } from '@weir/ipfix'
import { batchOf, layoutOf, sourceOf } from './support/batches.ts'
import { Bench, fullPlan } from './support/encoding.ts'
import { numberOf } from './support/strict-reader.ts'
import type { DataSetView, MessageHeader } from '@weir/ipfix'
import type { EntryFields } from './support/batches.ts'

const octetsOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** samplingPacketInterval and samplingPacketSpace of each Data Record that came out. */
const ratesOf = ({ reader }: Bench): number[][] =>
  reader.records.filter(({ isOptions }) => !isOptions).map(record => [numberOf(record, '305'), numberOf(record, '306')])

/** The Data Sets of a capture of one source, one entry each. */
function entriesOf(capture: string): EntryFields[] {
  const url = new URL(`../../../test/fixtures/captures/${capture}.pcap`, import.meta.url)
  const entries: EntryFields[] = []
  const source = sourceOf({ version: 9, odid: 0 })
  const decoder = new CaptureDecoder()
  const reader = new CaptureReader()
  reader.begin('auto')
  for (const message of [...reader.push(readFileSync(url)), ...reader.end(), ...reader.finish()]) {
    let header: Pick<MessageHeader, 'exportTimeSec' | 'bootTimeMs'> = { exportTimeSec: 0, bootTimeMs: Number.NaN }
    decoder.decode(message, {
      onMessage: ({ exportTimeSec, bootTimeMs }: MessageHeader) => void (header = { exportTimeSec, bootTimeMs }),
      onDataSet: ({ layout, offset, records }: DataSetView) => {
        const octets = Array.from({ length: records }, (_, index) => {
          const at = offset + index * layout.recordLength
          return message.octets.slice(at, at + layout.recordLength)
        })
        entries.push({ layout, source, records: octets, ...header })
      }
    })
  }
  return entries
}

test('RFC 3954 §6.1: softflowd tells 1:2 of interface 0, which its records name: each has (1, 1)', () => {
  const entries = entriesOf('softflowd-v9-sampled')
  const [options] = entries
  assert.deepEqual(
    options?.layout.fields.map(({ id, length }) => [id, length]),
    [
      [10, 4],
      [34, 4],
      [35, 1],
      [82, 16]
    ]
  )
  assert.deepEqual([...options.records[0]!.subarray(0, 9)], [0, 0, 0, 0, 0, 0, 0, 2, 1])
  const bench = new Bench({}, fullPlan)
  bench.write(batchOf(entries))
  assert.deepEqual(
    ratesOf(bench),
    Array.from({ length: 67 }, () => [1, 1])
  )
})

const options = layoutOf('10:4 34:4', 1)
const flow = layoutOf('8:4 10:2 14:2')

test('records of one interface have its rate from when it is known on, under the same template; others have none', () => {
  const bench = new Bench({}, fullPlan)
  const source = sourceOf()
  const records = [octetsOf('0a000001 0003 0004'), octetsOf('0a000001 0004 0003')]
  const flows = { layout: flow, source, records }
  bench.write(batchOf([flows]))
  bench.write(batchOf([{ layout: options, source, records: [octetsOf('00000003 00000064')] }]))
  bench.write(batchOf([flows]))
  const unknown = [0, 0]
  assert.deepEqual(ratesOf(bench), [unknown, unknown, [1, 99], unknown])
  const templates = bench.reader.messages.flatMap(message => message.templates)
  assert.equal(templates.filter(({ scopeCount }) => scopeCount === 0).length, 1)
})

test('the rate of an interface comes back as options state', () => {
  const bench = new Bench({}, fullPlan)
  const source = sourceOf({ port: 2 })
  const told = {
    layout: options,
    source,
    records: [octetsOf('00000003 00000064')],
    isState: true
  }
  bench.write(batchOf([told]))
  bench.write(batchOf([{ layout: flow, source, records: [octetsOf('0a000001 0003 0004')] }]))
  assert.deepEqual(ratesOf(bench), [[1, 99]])
})
