import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { parquetMetadata } from 'hyparquet'
import { ByteWriter, parquetWrite } from 'hyparquet-writer'
import { CodedError } from '@weir/runtime'
import { buildMessage } from '@weir/ipfix/testing'
import { openFlows } from '../../src/index.ts'
import { convertTask } from '../../src/convert/convert-task.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { fileOf } from '../support/folder.ts'
import { runTask } from '../support/done-task.ts'
import type { TestContext } from 'node:test'
import type { TaskInput } from '../../src/index.ts'

type Line = Record<string, unknown>
const limits = { expansion: 100, memoryOctets: 64 * 2 ** 20 }

/** The Data Records of an input as JSON, without what Parquet does not have. */
async function linesOf(context: TestContext, inputs: readonly TaskInput[]): Promise<Line[]> {
  const done = await runTask(context, convertTask, { to: 'ndjson', optionsRecords: false }, inputs)
  const text = done.text('flows.ndjson').trimEnd()
  return text === '' ? [] : text.split('\n').map(line => withoutLists(JSON.parse(line) as Line))
}

const leftOut = new Set(['samplingOrigin', 'samplingPacketInterval', 'samplingPacketSpace'])

/** Lists, repeated elements, where a rate was learned, and its elements: the rate itself is there. */
function withoutLists(line: Line): Line {
  const values = Object.entries(line).filter(([, value]) => typeof value !== 'object' || value === null)
  return Object.fromEntries(values.filter(([key]) => !leftOut.has(key)))
}

const variable = (text: string): string =>
  Buffer.from(text).length.toString(16).padStart(2, '0') + Buffer.from(text).toString('hex')

const everyType = buildMessage({ odid: 3, exportTimeSec: 1_700_000_000 })
  .template(256, '8:4 27:16 56:6 4:1 7:2 10:4 1:8 152:8 154:8 156:8 150:4 82:v 276:1 311:8 434:4 95:v')
  .data(
    256,
    'c0000201' +
      '20010db8000000000000000000000001' +
      '001122aabbcc' +
      '06' +
      '01bb' +
      'fffffffe' +
      'ffffffffffffffff' +
      '0000018bcfe56801' +
      'e8fe7f8080000000' +
      'e8fe7f8080000000' +
      '6553f101' +
      variable('Zürich') +
      '01' +
      '3fe0000000000000' +
      'fffffffb' +
      '020d01'
  )
  .template(257, '4:1 276:1 305:4 306:4')
  .data(257, '11020000000100000063')
  .data(257, '11010000000100000063')
  .data(256, `c0000202${'00'.repeat(65)}${variable('x'.repeat(200))}02${'00'.repeat(12)}00`)
  .octets()

describe('Parquet as input', () => {
  test('hears that nobody wants the rest within a row group', async context => {
    const records = buildMessage().template(256, '4:1 7:2').data(256, '0601bb'.repeat(10_000)).octets()
    const done = await runTask(context, convertTask, { to: 'parquet' }, [fileOf(context, 'a.ipfix', records)])
    const stop = new AbortController()
    const flows = openFlows([inputOf(done.path('flows.parquet'))], { limits, signal: stop.signal })
    // As a worker thread hears of it: by an event.
    const read = flows.read({ onRun: () => void setImmediate(() => stop.abort(new Error('cancelled'))) })
    await assert.rejects(read, /cancelled/)
    assert.equal(flows.counts.records, 4_096)
  })

  test('gives every kind of value as it was, in the order of the rows', async context => {
    const input = fileOf(context, 'a.ipfix', everyType)
    const direct = await linesOf(context, [input])
    for (const addresses of ['binary', 'text'] as const) {
      const params = { to: 'parquet', addresses, timestamps: 'preserve' } as const
      const done = await runTask(context, convertTask, params, [input])
      const flows = openFlows([inputOf(done.path('flows.parquet'))], { limits })
      const records: number[] = []
      await flows.read({ onRun: run => records.push(run.records, run.context.odid, run.context.samplingRate) })
      assert.deepEqual(records, [1, 3, 0, 2, 3, 100, 1, 3, 0])
      assert.deepEqual(await linesOf(context, [inputOf(done.path('flows.parquet'))]), direct)
    }
  })

  test('of real captures gives what the capture gives', { skip: skipCaptures }, async context => {
    const names = ['ipfixcol/02-odid0', 'live/pmacct-v9-sampled', 'live/softflowd-v10-bidir', 'live/fprobe-v5']
    for (const name of names) {
      const { files } = captureCases.find(each => each.name === name)!
      const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
      const done = await runTask(context, convertTask, { to: 'parquet' }, inputs)
      const again = await linesOf(context, [inputOf(done.path('flows.parquet'))])
      const direct = await linesOf(context, inputs)
      assert.ok(direct.length > 0)
      assert.deepEqual(again, direct, name)
    }
  })

  test('is read among captures, and filtered by who exported it', async context => {
    const input = fileOf(context, 'a.ipfix', everyType)
    const done = await runTask(context, convertTask, { to: 'parquet' }, [input])
    const both = [input, inputOf(done.path('flows.parquet'))]
    const all = await runTask(context, convertTask, { to: 'csv', fields: ['protocolIdentifier'] }, both)
    assert.equal(all.summary.records, 8)
    const some = await runTask(context, convertTask, { to: 'csv', filter: 'odid = 3 and proto = 17' }, both)
    assert.equal(some.summary.records, 4)
    const none = await runTask(context, convertTask, { to: 'csv', filter: 'odid = 4' }, both)
    assert.equal(none.summary.records, 0)
  })

  test('that convert did not write is refused, and so is what was cut or changed; nothing else is thrown', async context => {
    const input = fileOf(context, 'a.ipfix', everyType)
    const done = await runTask(context, convertTask, { to: 'parquet' }, [input])
    const whole = readFileSync(done.path('flows.parquet'))
    const read = async (octets: Uint8Array): Promise<string> => {
      const flows = openFlows([fileOf(context, 'x.parquet', octets)], { limits })
      try {
        await flows.read({ onRun: run => assert.ok(run.endOffset <= run.octets.length) })
        return 'read'
      } catch (error) {
        assert.ok(error instanceof CodedError, String(error))
        return error.code
      }
    }
    assert.equal(await read(whole), 'read')
    assert.equal(await read(whole.subarray(0, whole.length - 9)), 'INPUT_PARQUET')
    const foreign = Buffer.from(whole.toString('latin1').replaceAll('weir.columns', 'else.columns'), 'latin1')
    assert.equal(await read(foreign), 'INPUT_PARQUET')
    const seen = new Set<string>()
    let random = 1
    for (let n = 0; n < 400; n++) {
      const octets = Uint8Array.from(whole)
      for (let change = 0; change < 1 + (n % 3); change++) {
        random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
        octets[4 + ((random >>> 4) % (octets.length - 4))] = random >>> 24
      }
      seen.add(await read(octets))
    }
    assert.ok(
      [...seen].every(code => ['read', 'INPUT_PARQUET', 'TASK_LIMIT'].includes(code)),
      [...seen].join()
    )
  })

  test('TH-36: a few octets that promise much are refused before anything is made by them', async context => {
    const records = buildMessage().template(256, '4:1').data(256, '06'.repeat(10_000)).octets()
    const params = { to: 'parquet', lineage: false, sampling: false } as const
    const done = await runTask(context, convertTask, params, [fileOf(context, 'a.ipfix', records)])
    const whole = readFileSync(done.path('flows.parquet'))
    const changed = (from: number[], to: number[]): Buffer => {
      const octets = Buffer.from(whole)
      const at = octets.indexOf(Buffer.from(from))
      assert.ok(at > 0)
      Buffer.from(to).copy(octets, at)
      return octets
    }
    const run = [0xa0, 0x9c, 0x01]
    const length = whole.readUInt32LE(whole.length - 8)
    const endless = Buffer.concat([whole.subarray(0, -8 - length), Buffer.alloc(500_000, 0xff), Buffer.alloc(8)])
    endless.writeUInt32LE(500_000, endless.length - 8)
    endless.write('PAR1', endless.length - 4)
    const large = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(9_000_000), Buffer.alloc(8)])
    large.writeUInt32LE(9_000_000, large.length - 8)
    large.write('PAR1', large.length - 4)
    for (const [octets, why] of [
      // The definition levels: one run of 10,000 rows, of more, and of groups of eight.
      [changed([...run, 1], [0xfe, 0xff, 0x7f, 1]), /a page has no levels/],
      [changed([...run, 1], [0xff, 0xff, 0x7f, 1]), /a page has no levels/],
      // Values of the page: 10,000 as zigzag, and more.
      [changed([0x15, ...run], [0x15, 0xfe, 0xff, 0x7f]), /a page does not fit/],
      [endless, /a number that is too large/],
      [large, /does not fit into the memory/]
    ] as const) {
      const read = openFlows([fileOf(context, 'x.parquet', octets)], { limits }).read({ onRun() {} })
      await assert.rejects(read, why)
    }
  })

  test('of another writer is refused, whatever its metadata say', async context => {
    const done = await runTask(context, convertTask, { to: 'parquet' }, [fileOf(context, 'a.ipfix', everyType)])
    const path = done.path('flows.parquet')
    const { schema, key_value_metadata: kvMetadata } = parquetMetadata(readFileSync(path))
    const rows = 3000
    const write = (options: { codec: 'SNAPPY' | 'ZSTD'; encoding?: 'PLAIN' }): Buffer => {
      const writer = new ByteWriter()
      const columnData = schema.slice(1).map(({ name, type }) => {
        const value = type === 'INT64' ? 1n : type === 'BOOLEAN' ? true : type!.endsWith('ARRAY') ? undefined : 1
        return { name, data: Array(rows).fill(value), encoding: options.encoding }
      })
      const compressors = { ZSTD: zstdCompressSync }
      parquetWrite({ writer, columnData, schema, kvMetadata, compressors, rowGroupSize: rows, codec: options.codec })
      return Buffer.from(writer.getBytes())
    }
    const read = (octets: Buffer): Promise<void> =>
      openFlows([fileOf(context, 'x.parquet', octets)], { limits }).read({ onRun() {} })
    await read(write({ codec: 'ZSTD', encoding: 'PLAIN' }))
    await assert.rejects(read(write({ codec: 'SNAPPY', encoding: 'PLAIN' })), /a compression that convert does not/)
    await assert.rejects(read(write({ codec: 'ZSTD' })), /an encoding that convert does not write/)
  })
})
