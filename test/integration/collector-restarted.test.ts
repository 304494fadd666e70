import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { readLedger } from '../support/ledger.ts'
import { launchWeir, startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { udpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const template = () => buildMessage({ sequence: 0 }).template(256, '8:4 12:4 2:4')
const data = (sequence: number) => buildMessage({ sequence }).data(256, '0a0000010a00000200000007')

async function send(socket: Socket, octets: Uint8Array, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    socket.send(octets, port, '127.0.0.1', error => (error === null || error === undefined ? resolve() : reject(error)))
  )
}

const decoded = async (weir: RunningWeir): Promise<number> => (await readLedger(weir.api)).collector.records.decoded

test('UDP data whose template came before a restart of everything is decoded at once', async () => {
  const folder = tempFolder('collector-restarted')
  const sink = await udpSink()
  const socket = createSocket('udp4').bind(0, '127.0.0.1').unref()
  await once(socket, 'listening')
  const settings = { destinations: [{ id: 'out', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}` }] }
  const weir = await startWeir(folder, settings)
  await send(socket, template().octets(), weir.port)
  await send(socket, data(0).octets(), weir.port)
  await until('the first record is decoded', async () => (await decoded(weir)) === 1)
  await weir.checkLedger()
  const apiPort = Number(new URL(weir.api.origin).port)
  assert.equal((await weir.stop()).code, 0, weir.child.said)

  const again = await launchWeir(folder, weir.port, apiPort, settings)
  await again.waitUntilReady()
  await send(socket, data(1).octets(), again.port)
  await until('the second record is decoded', async () => (await decoded(again)) === 1)
  const ledger = await again.checkLedger()
  assert.equal(ledger.collector.dataSets.pending, 0)
  assert.equal(ledger.mediator.destinations.out!.sent, 1)

  await again.crash('collector')
  await again.waitUntilReady()
  await send(socket, data(2).octets(), again.port)
  await until('the third record is decoded after kill -9', async () => (await decoded(again)) === 1)
  await again.checkLedger({ isFresh: false })
  assert.equal((await again.stop()).code, 0, again.child.said)
  socket.close()
  sink.close()
})
