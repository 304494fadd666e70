import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { openFlows } from '../../src/index.ts'
import { convertTask } from '../../src/convert/convert-task.ts'
import { inputOf } from '../support/captures.ts'
import { fileOf } from '../support/folder.ts'
import { runTask } from '../support/done-task.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
/** A field of variable length. */
const variable = (text: string): string => Buffer.from(text).length.toString(16).padStart(2, '0') + hex(text)

const two = buildMessage({ odid: 9, exportTimeSec: 1_700_000_000 })
  .template(256, '8:4 7:2 4:1 1:4 152:8 82:v')
  .data(256, `c0000201${'01bb'}${'06'}${'00000400'}${'0000018bcfe56800'}${variable('eth0')}`)
  .data(256, `c0000202${'0035'}${'11'}${'ffffffff'}${'0000018bcfe56801'}${variable('eth1')}`)
  .template(257, '27:16 346:4 1:8')
  .data(257, `20010db8000000000000000000000001${'00000009'}${'ffffffffffffffff'}`)
  .octets()

const header =
  'flowStartMilliseconds,sourceIPv4Address,sourceIPv6Address,sourceTransportPort,protocolIdentifier,octetDeltaCount,interfaceName,privateEnterpriseNumber,samplingRate,exporter,odid,receivedAt'

describe('convert', () => {
  test('writes CSV with a column for every element, in canonical order', async context => {
    const done = await runTask(context, convertTask, { to: 'csv' }, [fileOf(context, 'a.ipfix', two)])
    const lines = done.text('flows.csv').trimEnd().split('\n')
    assert.equal(lines[0], header)
    const tail = '0.0.0.0,9,2023-11-14T22:13:20.000Z'
    assert.deepEqual(lines.slice(1), [
      `2023-11-14T22:13:20.000Z,192.0.2.1,,443,6,1024,eth0,,,${tail}`,
      `2023-11-14T22:13:20.001Z,192.0.2.2,,53,17,4294967295,eth1,,,${tail}`,
      `,,2001:db8::1,,,18446744073709551615,,9,,${tail}`
    ])
    assert.deepEqual(done.files, [
      { name: 'flows.csv', mediaType: 'text/csv; charset=utf-8; header=present', octets: done.text('flows.csv').length }
    ])
    assert.equal(done.summary.records, 3)
  })

  test('writes the fields that are asked for, in that order, of the records that match', async context => {
    const inputs = [fileOf(context, 'a.ipfix', two)]
    const params = {
      fields: ['octetDeltaCount', 'sourceIPv4Address', 'en9:id7'],
      filter: 'port = 53',
      lineage: false,
      sampling: false
    }
    const csv = await runTask(context, convertTask, { to: 'csv', ...params }, inputs)
    assert.equal(csv.text('flows.csv'), 'octetDeltaCount,sourceIPv4Address,en9:id7\n4294967295,192.0.2.2,\n')
    assert.equal(csv.summary.records, 1)
    assert.equal(csv.summary.filteredRecords, 2)
    const ndjson = await runTask(context, convertTask, { to: 'ndjson', ...params }, inputs)
    assert.equal(ndjson.text('flows.ndjson'), '{"sourceIPv4Address":"192.0.2.2","octetDeltaCount":4294967295}\n')
    const ipfix = await runTask(context, convertTask, { to: 'ipfix', ...params }, inputs)
    const seen: string[] = []
    await openFlows([inputOf(ipfix.path('flows.ipfix'))], { limits: { expansion: 1, memoryOctets: 2 ** 20 } }).read({
      onRun: run =>
        seen.push(run.layout.key, Buffer.from(run.octets.subarray(run.offset, run.endOffset)).toString('hex'))
    })
    assert.deepEqual(seen, ['0|8:4,1:8,', 'c000020200000000ffffffff'])
  })

  test('writes JSON as a JSON destination does', async context => {
    const done = await runTask(context, convertTask, { to: 'ndjson', numbers64: 'string' }, [
      fileOf(context, 'a.ipfix', two)
    ])
    const [first] = done.text('flows.ndjson').split('\n')
    assert.deepEqual(JSON.parse(first), {
      flowStartMilliseconds: '2023-11-14T22:13:20.000Z',
      sourceIPv4Address: '192.0.2.1',
      sourceTransportPort: 443,
      protocolIdentifier: 6,
      octetDeltaCount: '1024',
      interfaceName: 'eth0',
      samplingRate: null,
      samplingOrigin: 'unknown',
      exporter: '0.0.0.0',
      odid: 9,
      receivedAt: '2023-11-14T22:13:20.000Z'
    })
  })

  test('writes an IPFIX File with templates before data, sequence numbers that go on, and options', async context => {
    const octets = Buffer.concat([
      two,
      buildMessage({ odid: 9, exportTimeSec: 1_700_000_001, sequence: 3 })
        .optionsTemplate(300, 1, '10:4 82:v')
        .data(300, `00000007${variable('uplink')}`)
        .octets(),
      buildMessage({ odid: 9, exportTimeSec: 1_700_000_002, sequence: 4 })
        .data(257, `20010db8000000000000000000000002${'00000009'}${'0000000000000001'}`)
        .octets()
    ])
    const done = await runTask(context, convertTask, { to: 'ipfix' }, [fileOf(context, 'a.ipfix', octets)])
    const flows = openFlows([inputOf(done.path('flows.ipfix'))], { limits: { expansion: 1, memoryOctets: 2 ** 20 } })
    const times: number[] = []
    await flows.read({ onRun: run => times.push(run.context.exportTimeSec) })
    assert.deepEqual(flows.counts.decoded.faults, {})
    assert.equal(flows.counts.records, 4)
    assert.equal(flows.counts.optionsRecords, 1)
    assert.equal(flows.counts.setsDelivered + flows.counts.setsWithoutTemplate, 0)
    const [domain] = flows.domains()
    assert.deepEqual([domain?.odid, domain?.sequence.lost, domain?.sequence.suspect], [9, 0, 0])
    assert.deepEqual(times, [1_700_000_000, 1_700_000_000, 1_700_000_002])
  })

  test('TH-41: hostile text is one field of CSV, never a formula, and JSON stays JSON', async context => {
    const hostile = [
      '=cmd|calc!A1',
      '+1+1',
      '-2',
      '@SUM(A1)',
      '\t=1',
      '＝1+1',
      'a,b"c"\r\nd',
      '\u001b[2J\u202eevil<script>alert(1)</script>',
      'nul\u0000in',
      ' spaced ',
      '__proto__',
      'Zürich'
    ]
    const message = buildMessage().template(256, '82:v')
    for (const text of hostile) message.data(256, variable(text))
    // What is no UTF-8.
    message.data(256, '03ff41fe')
    const inputs = [fileOf(context, 'a.ipfix', message.octets())]
    const params = { fields: ['interfaceName'], lineage: false, sampling: false }
    const csv = await runTask(context, convertTask, { to: 'csv', ...params }, inputs)
    const cells = fieldsOfCsv(csv.text('flows.csv'))
    assert.deepEqual(cells, [
      ['interfaceName'],
      ...["'=cmd|calc!A1", "'+1+1", "'-2", "'@SUM(A1)", "'\t=1", "'＝1+1"].map(text => [text]),
      ...hostile.slice(6).map(text => [text.replace('\0', '\ufffd')]),
      ['\ufffdA\ufffd']
    ])
    const bare = await runTask(context, convertTask, { to: 'csv', formulaPrefix: false, ...params }, inputs)
    assert.equal(fieldsOfCsv(bare.text('flows.csv'))[1][0], '=cmd|calc!A1')
    const ndjson = await runTask(context, convertTask, { to: 'ndjson', ...params }, inputs)
    const lines = ndjson.text('flows.ndjson').trimEnd().split('\n')
    assert.deepEqual(
      lines.slice(0, -1).map(line => (JSON.parse(line) as { interfaceName: string }).interfaceName),
      hostile
    )
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(ndjson.text('flows.ndjson'), /[\u0000-\u0009\u000b-\u001f\u0080-\u009f\u202a-\u202e]/)
  })

  test('ends at the bound of its output, and says what to do', async context => {
    const done = runTask(context, convertTask, { to: 'csv' }, [fileOf(context, 'a.ipfix', two)], {
      limits: { outputOctets: 100 }
    })
    await assert.rejects(done, { code: 'TASK_LIMIT', message: /filter/ })
  })

  test('refuses a field that nothing has, and a filter that cannot be read', async context => {
    const inputs = [fileOf(context, 'a.ipfix', two)]
    const fields = runTask(context, convertTask, { to: 'csv', fields: ['constructor'] }, inputs)
    await assert.rejects(fields, { code: 'TASK_PARAMS', message: /"constructor"/ })
    const filter = runTask(context, convertTask, { to: 'csv', filter: 'port ==' }, inputs)
    await assert.rejects(filter, { code: 'TASK_PARAMS', message: /character 7/ })
  })

  test('stops when nobody wants the result any more', async context => {
    const message = buildMessage().template(256, '4:1').data(256, '06').octets()
    const input = fileOf(context, 'a.ipfix', Buffer.concat(Array.from({ length: 100_000 }, () => message)))
    const stop = new AbortController()
    const done = runTask(context, convertTask, { to: 'ndjson' }, [input], {
      signal: stop.signal,
      progress: () => stop.abort(new Error('cancelled'))
    })
    await assert.rejects(done, /cancelled/)
  })

  test('does not write over a file that is there', async context => {
    const input = fileOf(context, 'flows.csv', two)
    const context2 = {
      inputs: [input],
      outputFolder: input.path.replace(/\/flows.csv$/, ''),
      limits: { outputOctets: 1e6, expansion: 1, memoryOctets: 1e6 },
      signal: new AbortController().signal,
      progress() {}
    }
    assert.ok(existsSync(input.path))
    await assert.rejects(convertTask.run({ to: 'csv' }, context2), { code: 'OUTPUT_FAILED' })
  })
})

/** A reader of RFC 4180, for what is written here. */
function fieldsOfCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  let cell = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (isQuoted) {
      if (char === '"' && text[at + 1] === '"') cell += text[++at]
      else if (char === '"') isQuoted = false
      else cell += char
    } else if (char === '"' && cell === '') isQuoted = true
    else if (char === ',' || char === '\n') {
      rows.at(-1)!.push(cell)
      cell = ''
      if (char === '\n') rows.push([])
    } else cell += char
  }
  return rows.slice(0, -1)
}
