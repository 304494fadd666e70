import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { Child } from '../support/child.ts'
import { collectableEnvironment, collectGarbageOf } from '../support/collect-garbage.ts'
import { readLedger } from '../support/ledger.ts'
import { residentOctets } from '../support/process-tree.ts'
import { startWeir, type RunningWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { projectFolder } from '../support/weir-command.ts'

const GOOD = '127.0.0.2'
const GOOD_PORT = 41_739
const MESSAGES = 200
const RECORDS = 5
const PERIOD_MS = 5
const MOST_GROWTH_OCTETS = 64 * 1024 * 1024

/** An exporter that sends the same octets in every run, from an address of its own. */
async function exportWell(port: number, isOver: () => boolean): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(GOOD_PORT, GOOD, resolve))
  let index = 0
  for (; index < MESSAGES || !isOver(); index++) {
    const message = buildMessage({ sequence: index * RECORDS })
    if (index % 10 === 0) message.template(256, '8:4 148:8')
    const records = Array.from({ length: RECORDS }, (_, at) => {
      const serial = (index * RECORDS + at).toString(16).padStart(16, '0')
      return `7f000002${serial}`
    })
    const octets = message.data(256, ...records).octets()
    await new Promise<void>(resolve => socket.send(octets, port, '127.0.0.1', () => resolve()))
    await pause(PERIOD_MS)
  }
  socket.close()
  return index
}

interface Outcome {
  /** What the JSON destination has of the good exporter, without the time of collection. */
  readonly lines: readonly string[]
  readonly messages: number
  readonly growthOctets: Readonly<Record<'collector' | 'mediator', number>>
}

/** Run Weir with the good exporter; begin a flood once it is decoded, and end when the flood is over. */
async function run(name: string, flood: readonly string[] | undefined): Promise<Outcome> {
  const folder = tempFolder(name)
  const file = join(folder, 'records.json')
  const weir = await startWeir(folder, {
    destinations: [{ id: 'all', type: 'json', target: `file:${file}` }],
    env: collectableEnvironment
  })
  let isOver = flood === undefined
  const exporting = exportWell(weir.port, () => isOver)
  await until('the good exporter is decoded', async () => {
    return (await readLedger(weir.api)).collector.records.decoded >= 50 * RECORDS
  })
  const before = await heldBy(weir)
  if (flood !== undefined) {
    const sender = new Child('flood', process.execPath, ['test/support/flood-sender.ts', ...flood, String(weir.port)], {
      cwd: projectFolder
    })
    const ended = await sender.waitForEnd(120_000).finally(() => (isOver = true))
    assert.equal(ended.code, 0, sender.said)
  }
  const messages = await exporting
  const ledger = await weir.checkLedger()
  const after = await heldBy(weir)
  assert.deepEqual(ledger.collector.kernel, { udp: 0 }, 'the kernel had room for everything')
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line.includes(`"exporter":"${GOOD}"`))
    .map(line => line.replace(/"receivedAt":"[^"]*"/, ''))
  const growthOctets = {
    collector: after.collector - before.collector,
    mediator: after.mediator - before.mediator
  }
  return { lines, messages, growthOctets }
}

/** Memory of the processes; that of the collector once its garbage is gone. */
async function heldBy(weir: RunningWeir) {
  const collector = weir.pidOf('collector')!
  await collectGarbageOf(weir.child, collector)
  return { collector: residentOctets(collector), mediator: residentOctets(weir.pidOf('mediator')!) }
}

describe('a good exporter goes on to the octet', () => {
  let undisturbed: Outcome

  test('when nobody disturbs', async () => {
    undisturbed = await run('no-flood', undefined)
    assert.equal(undisturbed.lines.length, MESSAGES * RECORDS)
  })

  for (const [name, flood] of [
    ['TH-09 T33 10^6 definitions of templates by one exporter', ['templates', '1000000']],
    ['TH-04 10^5 spoofed sources', ['sources', '100000']]
  ] as const) {
    test(`through ${name}; memory stays within its bound`, async t => {
      const { lines, messages, growthOctets } = await run(flood[0], flood)
      t.diagnostic(`resident memory grew by ${JSON.stringify(growthOctets)}, ${messages} messages`)
      assert.equal(lines.length, messages * RECORDS)
      assert.deepEqual(lines.slice(0, undisturbed.lines.length), undisturbed.lines)
      // And what it sent beyond that, because the flood took longer.
      assert.deepEqual(
        lines,
        lines.map((_, serial) => undisturbed.lines[0].replace('"flowId":0,', `"flowId":${serial},`))
      )
      for (const [each, octets] of Object.entries(growthOctets)) {
        assert.ok(octets <= MOST_GROWTH_OCTETS, `the ${each} grew by ${octets} octets`)
      }
    })
  }
})
