import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { createLinkReceiver, createLinkSender, type LinkReceiver, type ReceivedBatch } from '@weir/link'
import { checkLedger } from '../src/index.ts'
import { dataMessage, recordHex, templateMessage } from './support/messages.ts'
import { dropsOf, startRig } from './support/rig.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-collector-link-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let endpoints = 0
const newEndpoint = (): string => `ipc://${folder}/${++endpoints}.data`

interface Arrived {
  readonly hex: string
  readonly exporterId: string
  readonly isState: boolean
}

/** A mediator that keeps what it gets, and settles it when it is told to. */
async function receive(endpoint: string, arrived: Arrived[]): Promise<LinkReceiver & { settle(): void }> {
  const receiver = createLinkReceiver({ endpoint })
  const unsettled: ReceivedBatch[] = []
  await receiver.start(batch => {
    const { entries } = batch
    entries.reset()
    while (entries.next()) {
      const octets = batch.octets.slice(entries.offset, entries.offset + entries.lengthOctets)
      const { source, isState } = entries
      arrived.push({ hex: Buffer.from(octets).toString('hex'), exporterId: source.exporterId, isState })
    }
    unsettled.push(batch)
  })
  return Object.assign(receiver, {
    settle: () => {
      for (const batch of unsettled.splice(0)) batch.settle()
    }
  })
}

const recordsOf = (arrived: readonly Arrived[]): string[] =>
  arrived.filter(({ isState }) => !isState).map(({ hex }) => hex)

test('records come to the mediator in order, and are settled', async t => {
  const endpoint = newEndpoint()
  const arrived: Arrived[] = []
  const receiver = await receive(endpoint, arrived)
  t.after(() => receiver.stop())
  const link = createLinkSender({ endpoint })
  const rig = await startRig(t, { shutdown: { drainMs: 5_000 } }, link)
  const source = await rig.tcpSource()
  await source.send(templateMessage())
  const count = 1_000
  for (let index = 0; index < count; index++) await source.send(dataMessage([index], { sequence: index }))
  await rig.until(() => arrived.length === count)
  assert.deepEqual(
    recordsOf(arrived),
    Array.from({ length: count }, (_, index) => recordHex(index))
  )
  assert.equal(arrived[0].exporterId, '127.0.0.1')
  receiver.settle()
  await rig.until(() => link.stats.records.settled === count)
  assert.equal(link.stats.records.inWindow, 0)
  assert.deepEqual(checkLedger(rig.collector.parts.ledger, link.stats.records), [])
})

test('F-10 a mediator that is gone and comes back gets everything that was not settled, and the options state first', async t => {
  const endpoint = newEndpoint()
  const before: Arrived[] = []
  const first = await receive(endpoint, before)
  const link = createLinkSender({ endpoint })
  const rig = await startRig(t, { shutdown: { drainMs: 5_000 } }, link)
  const source = await rig.tcpSource()
  const options = buildMessage().optionsTemplate(300, 1, '302:4 305:4').data(300, '0000000700000064').octets()
  await source.send(templateMessage(), options)
  await rig.until(() => before.length === 1)
  first.settle()
  await rig.until(() => link.stats.records.settled === 1)
  await source.send(dataMessage([1], { sequence: 1 }))
  await rig.until(() => before.length === 2)
  await first.stop()

  await source.send(dataMessage([2], { sequence: 2 }))
  const again: Arrived[] = []
  const second = await receive(endpoint, again)
  t.after(() => second.stop())
  await rig.until(() => recordsOf(again).length === 2)
  assert.deepEqual(
    again.map(({ hex, isState }) => [hex, isState]),
    [
      ['0000000700000064', true],
      [recordHex(1), false],
      [recordHex(2), false]
    ]
  )
  second.settle()
  await rig.until(() => link.stats.records.inWindow === 0)
  assert.deepEqual(dropsOf(rig.collector), {})
})

test('F-11 while the mediator is away UDP is kept up to the bound, then dropped and counted; TCP is not read', async t => {
  const endpoint = newEndpoint()
  const link = createLinkSender({ endpoint, bufferOctets: 300_000, batchOctets: 65_664 })
  const rig = await startRig(t, { limits: { udpNewSessionsPerSec: 1000 }, shutdown: { drainMs: 5_000 } }, link)
  const udp = await rig.udpSource()
  const octets = new Uint8Array(60_000)
  await udp.send(buildMessage().template(256, '210:1').octets())
  for (let index = 0; index < 10; index++) {
    await udp.send(
      buildMessage({ sequence: index * octets.length })
        .set(256, octets)
        .octets()
    )
    await rig.untilMessages(index + 2)
  }
  const { records } = rig.collector.parts.ledger
  assert.ok(records.dropped.overload_hard > 0)
  assert.equal(records.admitted + records.dropped.overload_hard, 10 * octets.length)
  const tcp = await rig.tcpSource()
  await tcp.send(templateMessage())
  for (let index = 0; index < 5; index++) await tcp.send(dataMessage([index], { sequence: index }))
  const arrived: Arrived[] = []
  const receiver = await receive(endpoint, arrived)
  t.after(() => receiver.stop())
  const settling = setInterval(() => receiver.settle(), 5)
  t.after(() => clearInterval(settling))
  await rig.until(() => arrived.filter(({ hex }) => hex.length === 16).length === 5)
  assert.deepEqual(
    recordsOf(arrived).filter(hex => hex.length === 16),
    [0, 1, 2, 3, 4].map(recordHex)
  )
  await rig.until(() => link.stats.records.inWindow === 0)
})
