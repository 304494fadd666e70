import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir } from '../support/weir-command.ts'

const A = '0a000001'
const B = '0a000002'
const nowSec = Math.floor(Date.now() / 1000)
const message = (sequence: number) => buildMessage({ exportTimeSec: nowSec, sequence })
const record = (value: number, owner: string): string => value.toString(16).padStart(8, '0') + owner

interface JsonRecord {
  readonly exporter: string
  readonly originalExporterIPv4Address?: string
  readonly packetDeltaCount?: number
  readonly samplingRate?: number | null
}

test('R7119-5-2 what a mediator relays goes on in the name of its exporters: once, each with its own sampling rate', async () => {
  const folder = tempFolder('relayed-exporters')
  const file = join(folder, 'records.json')
  const pod = await startWeir(folder, {
    destinations: [
      { id: 'json', type: 'json', target: `file:${file}` },
      { id: 'files', type: 'ipfix-file', path: `${join(folder, 'files')}/` }
    ],
    config: { collector: { exporters: [{ match: '127.0.0.1', scope: 'element:403' }] } }
  })
  const socket = connect(pod.port, '127.0.0.1')
  socket.unref()
  await once(socket, 'connect')
  socket.write(message(0).template(256, '2:4 403:4').optionsTemplate(300, 1, '403:4 34:4').octets())
  socket.write(message(0).data(300, `${A}00000064`, `${B}0000000a`).octets())
  socket.write(message(2).data(256, record(1, A), record(2, B), record(3, A), record(4, '00000000')).octets())
  await until('the records are out', async () => (await readLedger(pod.api)).collector.records.decoded === 6)
  const { items } = await pod.api.get<{ items: { id: string; via: string[] }[] }>('/v1/exporters')
  assert.deepEqual(Object.fromEntries(items.map(({ id, via }) => [id, via])), {
    '127.0.0.1': [],
    '10.0.0.1': ['127.0.0.1'],
    '10.0.0.2': ['127.0.0.1']
  })
  socket.end()
  const ledger = await pod.checkLedger()
  assert.equal(ledger.mediator.records.received, 6)
  assert.equal((await pod.stop()).code, 0, pod.child.said)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const records = lines.map(line => JSON.parse(line) as JsonRecord)
  assert.deepEqual(
    records
      .filter(({ packetDeltaCount }) => packetDeltaCount !== undefined)
      .map(({ exporter, packetDeltaCount, samplingRate }) => [packetDeltaCount, exporter, samplingRate]),
    [
      [1, '10.0.0.1', 100],
      [2, '10.0.0.2', 10],
      [3, '10.0.0.1', 100],
      [4, '127.0.0.1', null]
    ]
  )
  const files = readdirSync(join(folder, 'files')).map(name => join(folder, 'files', name))
  const decode = await runWeir(['decode', '--format', 'json', '--json', ...files])
  const exported = decode.stdout
    .trimEnd()
    .split('\n')
    .filter(line => line.includes('"packetDeltaCount"'))
  assert.deepEqual(
    exported.map(line => line.match(/"originalExporterIPv4Address":"[^"]*"/g)),
    ['10.0.0.1', '10.0.0.2', '10.0.0.1', '0.0.0.0'].map(address => [`"originalExporterIPv4Address":"${address}"`])
  )
})
