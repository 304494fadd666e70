import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import duckdb from '@duckdb/node-api'
import { buildMessage } from '@weir/ipfix/testing'
import { convertTask } from '../../src/convert/convert-task.ts'
import { queryTask } from '../../src/query/query-task.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { fileOf } from '../support/folder.ts'
import { runTask } from '../support/done-task.ts'
import type { TestContext } from 'node:test'
import type { CodedError } from '@weir/runtime'
import type { TaskInput } from '../../src/index.ts'
import type { QueryParams } from '../../src/query/query-params.ts'

const { DuckDBInstance } = duckdb
const variable = (text: string): string =>
  Buffer.from(text).length.toString(16).padStart(2, '0') + Buffer.from(text).toString('hex')

const flows = buildMessage({ odid: 7, exportTimeSec: 1_700_000_000 })
  .template(256, '8:4 11:2 4:1 1:4 2:4 152:8 82:v 56:6')
  // 22:13:20, 22:13:21, 22:14:20
  .data(256, `0a000001${'01bb'}06${'000003e8'}${'0000000a'}${'0000018bcfe56800'}${variable('up')}001122334455`)
  .data(256, `0a000002${'0035'}11${'00000064'}${'00000001'}${'0000018bcfe56be8'}${variable('=up')}001122334456`)
  .data(256, `0a000001${'01bb'}06${'000007d0'}${'00000014'}${'0000018bcfe65260'}${variable('up')}001122334455`)
  .template(257, '27:16 11:2 4:1 1:8 2:8 305:4 306:4')
  .data(257, `20010db8000000000000000000000001${'01bb'}06${'0000000000000005'}${'0000000000000001'}0000000100000063`)
  .octets()

interface Answer {
  readonly columns: readonly { readonly name: string; readonly role: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

async function ask(context: TestContext, params: QueryParams, inputs: readonly TaskInput[]): Promise<Answer> {
  const done = await runTask(context, queryTask, params, inputs)
  assert.deepEqual(readdirSync(done.folder).toSorted(), ['query.csv', 'query.json'])
  const answer = JSON.parse(done.text('query.json')) as Answer
  assert.equal(done.text('query.csv').trimEnd().split('\n').length, answer.rows.length + 1)
  return answer
}

/** The same flows as a capture and as Parquet. */
async function bothForms(context: TestContext): Promise<readonly TaskInput[]> {
  const captured = fileOf(context, 'a.ipfix', flows)
  const done = await runTask(context, convertTask, { to: 'parquet' }, [captured])
  return [captured, inputOf(done.path('flows.parquet'))]
}

describe('query', () => {
  test('a record with times that nobody can have meant does not take the others their answer', async context => {
    const rows = ['0000018bcfe56800', 'ffffffffffffffff', '8000000000000000', '7fffffffffffffff']
    const octets = buildMessage({ odid: 7, exportTimeSec: 1_700_000_000 })
      .template(256, '8:4 1:4 152:8')
      .data(256, ...rows.map(time => `0a000001${'000003e8'}${time}`))
      .octets()
    const captured = fileOf(context, 'odd.ipfix', octets)
    const done = await runTask(context, convertTask, { to: 'parquet' }, [captured])
    for (const input of [captured, inputOf(done.path('flows.parquet'))]) {
      const metrics = [{ of: 'min', field: 'flowStartMilliseconds' }, { of: 'flows' }] as const
      const whole = await ask(context, { metrics: [...metrics] }, [input])
      assert.equal(whole.rows[0]![1], 4)
      assert.match(String(whole.rows[0]![0]), /^2023-11-14/)
      const series = await ask(context, { timeBucketSec: 60, metrics: [{ of: 'flows' }] }, [input])
      assert.deepEqual(series.rows, [['2023-11-14T22:13:00.000Z', 4]])
    }
  })

  test('groups, sums and orders, of captures and of Parquet alike', async context => {
    for (const input of await bothForms(context)) {
      const { columns, rows } = await ask(context, { groupBy: ['src'] }, [input])
      assert.deepEqual(
        columns.map(({ name, role }) => `${role} ${name}`),
        ['group src', 'metric sum_octets', 'metric sum_packets', 'metric flows']
      )
      assert.deepEqual(rows, [
        ['10.0.0.1', 3000, 30, 2],
        ['10.0.0.2', 100, 1, 1],
        ['2001:db8::1', 5, 1, 1]
      ])
    }
  })

  test('counts once what is asked of a capture and of Parquet together', async context => {
    const { rows } = await ask(context, { groupBy: ['odid'] }, await bothForms(context))
    assert.deepEqual(rows, [[7, 6210, 64, 8]])
  })

  test('makes a time series of the groups that are first over the whole time', async context => {
    const [input] = await bothForms(context)
    const { rows } = await ask(context, { groupBy: ['src'], timeBucketSec: 60, topN: 1 }, [input])
    assert.deepEqual(rows, [
      ['2023-11-14T22:13:00.000Z', '10.0.0.1', 1000, 10, 1],
      ['2023-11-14T22:14:00.000Z', '10.0.0.1', 2000, 20, 1]
    ])
    // The record without a start counts by when it was received.
    const all = await ask(context, { timeBucketSec: 60, metrics: [{ of: 'flows' }] }, [input])
    assert.deepEqual(all.rows, [
      ['2023-11-14T22:13:00.000Z', 3],
      ['2023-11-14T22:14:00.000Z', 1]
    ])
  })

  test('has metrics of every kind, scaled by the sampling rate where it is known', async context => {
    for (const input of await bothForms(context)) {
      const { rows } = await ask(
        context,
        {
          groupBy: ['proto'],
          metrics: [
            { of: 'sum', field: 'octets', isScaled: true },
            { of: 'flows', isScaled: true },
            { of: 'min', field: 'octetDeltaCount' },
            { of: 'max', field: 'octetDeltaCount' },
            { of: 'average', field: 'packets' },
            { of: 'distinct', field: 'src' }
          ],
          order: { metric: 1, direction: 'ascending' }
        },
        [input]
      )
      assert.deepEqual(rows, [
        [17, 100, 1, 100, 100, 1, 1],
        [6, 3500, 102, 5, 2000, 31 / 3, 2]
      ])
    }
  })

  test('matches by SQL what the compiled filter matches', async context => {
    const [captured, stored] = await bothForms(context)
    const filters = [
      'src in 10.0.0.0/31',
      'src in (10.0.0.2..10.0.0.9, 2001:db8::/32)',
      'host = 2001:db8::1',
      'src != 10.0.0.1',
      'not src = 10.0.0.1',
      'not interfaceName = "up"',
      'interfaceName != "up"',
      'interfaceName contains "p" and interfaceName startswith "="',
      'has interfaceName or dstport in 1..100',
      'port = 443 and proto = tcp',
      'proto in (udp, 1, 2..5)',
      'octetDeltaCount > 1k',
      'octetDeltaCount >= 100 and octetDeltaCount < 1000',
      'flowStartMilliseconds >= 2023-11-14T22:13:21Z',
      'flowStartSeconds < 2023-11-14T22:14:00Z',
      'sourceMacAddress = 00:11:22:33:44:55',
      'sourceMacAddress in 00:11:22:33:44:56..00:11:22:33:44:ff',
      'samplingPacketSpace = 99',
      'samplingPacketInterval != 1',
      'odid = 7 and not odid = 8',
      'exporter = 0.0.0.0',
      'exporter = 192.0.2.1',
      'field:9/5 = 3',
      'not field:9/5 = 3',
      'has egressInterface',
      'not (src = 10.0.0.1 or (dstport = 53 and not has sourceIPv6Address))'
    ]
    for (const filter of filters) {
      const params: QueryParams = { filter, groupBy: ['src', 'octets'], metrics: [{ of: 'flows' }] }
      const [byProgram, bySql] = [await ask(context, params, [captured]), await ask(context, params, [stored])]
      assert.deepEqual(bySql.rows, byProgram.rows, filter)
    }
  })

  test('TH-38: nothing of a filter or a name is text of the statement', async context => {
    const inputs = await bothForms(context)
    const filter = `interfaceName = "x' OR 1=1; DROP TABLE flows; --"`
    for (const input of inputs) assert.deepEqual((await ask(context, { filter, groupBy: ['src'] }, [input])).rows, [])
    for (const name of ['src" FROM flows; --', "x'", 'constructor', 'g0', 'read_csv']) {
      await assert.rejects(ask(context, { groupBy: [name] }, inputs), { code: 'TASK_PARAMS' })
      await assert.rejects(ask(context, { metrics: [{ of: 'sum', field: name }] }, inputs), { code: 'TASK_PARAMS' })
    }
  })

  test('says what is wrong with its parameters', async context => {
    const [input, stored] = await bothForms(context)
    const wrong: QueryParams[] = [
      { metrics: [{ of: 'sum' }] },
      { topN: 3 },
      { groupBy: ['src', 'src'] },
      { order: { metric: 5 } },
      { metrics: [{ of: 'flows' }, { of: 'flows' }] },
      { filter: 'src = ' },
      { metrics: [{ of: 'sum', field: 'interfaceName' }] }
    ]
    for (const params of wrong) await assert.rejects(ask(context, params, [input]), { code: 'TASK_PARAMS' })
    const text = await runTask(context, convertTask, { to: 'parquet', addresses: 'text' }, [input])
    const mixed = ask(context, { groupBy: ['src'] }, [inputOf(text.path('flows.parquet')), stored])
    await assert.rejects(mixed, { code: 'TASK_PARAMS', message: /same addresses/ })
  })

  test('refuses Parquet that was cut, leaves nothing behind, and stops when it is told to', async context => {
    const done = await runTask(context, convertTask, { to: 'parquet' }, [fileOf(context, 'a.ipfix', flows)])
    const whole = readFileSync(done.path('flows.parquet'))
    const cut = fileOf(context, 'cut.parquet', whole.subarray(0, whole.length - 20))
    await assert.rejects(ask(context, {}, [cut]), { code: 'INPUT_PARQUET' })
    let random = 1
    for (let n = 0; n < 20; n++) {
      const octets = Uint8Array.from(whole)
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
      octets[4 + ((random >>> 4) % (octets.length - 8))] = random >>> 24
      const changed = fileOf(context, 'changed.parquet', octets)
      const failure = await ask(context, { groupBy: ['src'] }, [changed]).catch((error: unknown) => error)
      if (failure instanceof Error) assert.match(String((failure as CodedError).code), /^(INPUT_PARQUET|TASK_)/)
    }
    const stop = new AbortController()
    stop.abort(new Error('cancelled'))
    const stopped = runTask(context, queryTask, {}, [inputOf(done.path('flows.parquet'))], { signal: stop.signal })
    await assert.rejects(stopped, /cancelled/)
  })

  test('of real captures is what DuckDB itself says of the same Parquet', { skip: skipCaptures }, async context => {
    const { files } = captureCases.find(({ name }) => name === 'ipfixcol/01-odid0')!
    const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
    const stored = await runTask(context, convertTask, { to: 'parquet', addresses: 'text' }, inputs)
    const path = stored.path('flows.parquet')
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const sql = `SELECT sourceIPv4Address, protocolIdentifier, sum(octetDeltaCount)::DOUBLE, sum(packetDeltaCount)::DOUBLE,
      count(*)::INTEGER, count(DISTINCT destinationIPv4Address)::INTEGER FROM read_parquet($1)
      WHERE destinationTransportPort < 1024 AND sourceIPv4Address IS NOT NULL GROUP BY 1, 2`
    const wanted = (await connection.runAndReadAll(sql, [path])).getRowsJson()
    connection.closeSync()
    instance.closeSync()
    const params: QueryParams = {
      filter: 'destinationTransportPort < 1024 and has sourceIPv4Address',
      groupBy: ['sourceIPv4Address', 'protocolIdentifier'],
      metrics: [
        { of: 'sum', field: 'octets' },
        { of: 'sum', field: 'packets' },
        { of: 'flows' },
        { of: 'distinct', field: 'dst' }
      ],
      limit: 100_000
    }
    assert.ok(wanted.length > 5)
    for (const input of [inputs, [inputOf(path)]]) {
      const { rows } = await ask(context, params, input)
      assert.deepEqual(rows.map(row => row.join()).toSorted(), wanted.map(row => row.join()).toSorted())
      // First the largest, and of equal ones those that come first.
      assert.ok(rows.every((row, at) => at === 0 || Number(rows[at - 1][2]) >= Number(row[2])))
    }
  })
})
