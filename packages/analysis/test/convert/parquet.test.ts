import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import duckdb from '@duckdb/node-api'
import { buildMessage } from '@weir/ipfix/testing'
import { convertTask } from '../../src/convert/convert-task.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { fileOf } from '../support/folder.ts'
import { runTask } from '../support/done-task.ts'

const { DuckDBInstance } = duckdb
const variable = (text: string): string =>
  Buffer.from(text).length.toString(16).padStart(2, '0') + Buffer.from(text).toString('hex')

/** Rows of a statement that reads `$1`. */
async function rowsOf(sql: string, path: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(sql, [path])
  const rows = reader.getRowsJson()
  connection.closeSync()
  instance.closeSync()
  return rows
}

describe('Parquet', () => {
  test('has columns whose types DuckDB knows, and values that are as they came', async context => {
    const message = buildMessage({ odid: 3, exportTimeSec: 1_700_000_000 })
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
          'e8fe6f8080000000' +
          'e8fe6f8080000000' +
          '6553f101' +
          variable('Zürich') +
          '01' +
          '3fe0000000000000' +
          'fffffffb' +
          '020d01'
      )
      .template(257, '4:1 276:1')
      .data(257, '1102')
      .octets()
    const inputs = [fileOf(context, 'a.ipfix', message)]
    const params = { timestamps: 'preserve', lineage: true } as const
    const done = await runTask(context, convertTask, { to: 'parquet', ...params }, inputs)
    const path = done.path('flows.parquet')
    const types = await rowsOf('SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet($1))', path)
    assert.deepEqual(Object.fromEntries(types as [string, string][]), {
      sourceIPv4Address: 'BLOB',
      sourceIPv6Address: 'BLOB',
      sourceMacAddress: 'BLOB',
      protocolIdentifier: 'UTINYINT',
      sourceTransportPort: 'USMALLINT',
      ingressInterface: 'UINTEGER',
      octetDeltaCount: 'UBIGINT',
      flowStartMilliseconds: 'TIMESTAMP',
      flowStartMicroseconds: 'TIMESTAMP',
      flowStartNanoseconds: 'TIMESTAMP_NS',
      flowStartSeconds: 'TIMESTAMP',
      interfaceName: 'VARCHAR',
      dataRecordsReliability: 'BOOLEAN',
      samplingProbability: 'DOUBLE',
      mibObjectValueInteger: 'INTEGER',
      applicationId: 'BLOB',
      samplingRate: 'DOUBLE',
      exporter: 'BLOB',
      odid: 'UINTEGER',
      receivedAt: 'TIMESTAMP'
    })
    const sql = `SELECT hex(sourceIPv4Address), hex(sourceIPv6Address), hex(sourceMacAddress), protocolIdentifier,
      sourceTransportPort, ingressInterface, octetDeltaCount::VARCHAR, flowStartMilliseconds::VARCHAR,
      flowStartMicroseconds::VARCHAR, flowStartNanoseconds::VARCHAR, flowStartSeconds::VARCHAR, interfaceName,
      dataRecordsReliability, samplingProbability, mibObjectValueInteger, hex(applicationId), samplingRate, odid,
      receivedAt::VARCHAR FROM read_parquet($1)`
    assert.deepEqual(await rowsOf(sql, path), [
      [
        'C0000201',
        '20010DB8000000000000000000000001',
        '001122AABBCC',
        6,
        443,
        4_294_967_294,
        '18446744073709551615',
        '2023-11-14 22:13:20.001',
        '2023-11-14 22:13:20.5',
        '2023-11-14 22:13:20.5',
        '2023-11-14 22:13:21',
        'Zürich',
        true,
        0.5,
        -5,
        '0D01',
        null,
        3,
        '2023-11-14 22:13:20'
      ],
      [null, null, null, 17, ...Array(8).fill(null), false, null, null, null, null, 3, '2023-11-14 22:13:20']
    ])
    const text = await runTask(context, convertTask, { to: 'parquet', addresses: 'text', ...params }, inputs)
    const addresses = 'SELECT sourceIPv4Address, sourceIPv6Address, sourceMacAddress, exporter FROM read_parquet($1)'
    assert.deepEqual(await rowsOf(addresses, text.path('flows.parquet')), [
      ['192.0.2.1', '2001:db8::1', '00:11:22:aa:bb:cc', '0.0.0.0'],
      [null, null, null, '0.0.0.0']
    ])
  })

  test('answers the statements of its reference page', async context => {
    const message = buildMessage().template(256, '8:4 1:4').data(256, '0a0b0c0d00000005').data(256, 'c000020100000007')
    const done = await runTask(context, convertTask, { to: 'parquet' }, [fileOf(context, 'a.ipfix', message.octets())])
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/reference/parquet.md'), 'utf8')
    const sql = /```sql\n([^`]*)```/.exec(page)![1].replaceAll("'flows.parquet'", `'${done.path('flows.parquet')}'`)
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const answers: unknown[] = []
    for (const statement of sql.split(';').filter(each => each.trim() !== '')) {
      answers.push((await connection.runAndReadAll(statement)).getRowsJson())
    }
    connection.closeSync()
    instance.closeSync()
    assert.deepEqual(answers[0], [
      ['C0000201', 7],
      ['0A0B0C0D', 5]
    ])
    assert.deepEqual((answers[2] as unknown[]).toSorted(), [
      ['10.11.12.13', '1'],
      ['192.0.2.1', '1']
    ])
    assert.deepEqual(answers[3], [['1']])
  })

  test('has row groups that make up the whole, with values that are absent here and there', async context => {
    const messages: Uint8Array[] = []
    for (let n = 0; n < 4000; n++) {
      const message = buildMessage({ sequence: n * 50 })
      if (n === 0) message.template(256, '4:1 1:4').template(257, '4:1 2:4')
      for (let r = 0; r < 50; r++) message.data(n % 3 === 0 ? 257 : 256, '0600000001')
      messages.push(message.octets())
    }
    const done = await runTask(context, convertTask, { to: 'parquet', lineage: false, sampling: false }, [
      fileOf(context, 'a.ipfix', Buffer.concat(messages))
    ])
    const path = done.path('flows.parquet')
    const sql = `SELECT count(*), count(octetDeltaCount), sum(octetDeltaCount)::INTEGER, sum(packetDeltaCount)::INTEGER,
      (SELECT count(DISTINCT row_group_id) FROM parquet_metadata($1)) FROM read_parquet($1)`
    assert.deepEqual(await rowsOf(sql, path), [['200000', '133300', 133_300, 66_700, '4']])
  })

  test('of real captures has the sums that CSV has', { skip: skipCaptures }, async context => {
    for (const name of [
      'ipfixcol/01-odid0',
      'graylog/nprobe-netflow9-3',
      'pmacct/401-IPFIXv10-BMP-IPv6-CISCO-MPLS-multiple-sources-01'
    ]) {
      const { files, nfcapd } = captureCases.find(each => each.name === name)!
      const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
      const done = await runTask(context, convertTask, { to: 'parquet' }, inputs)
      const sql = 'SELECT count(*), sum(packetDeltaCount)::VARCHAR, sum(octetDeltaCount)::VARCHAR FROM read_parquet($1)'
      const wanted = [String(nfcapd!.flows), String(nfcapd!.packets), String(nfcapd!.bytes)]
      assert.deepEqual(await rowsOf(sql, done.path('flows.parquet')), [wanted], name)
    }
  })
})
