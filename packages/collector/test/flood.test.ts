import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FakeClock } from '@weir/runtime'
import { buildMessage } from '@weir/ipfix/testing'
import { allEntries, createMemoryTemplateStore, type TemplateStore } from '@weir/templates'
import { dataMessage, templateMessage } from './support/messages.ts'
import { startRig, type Rig } from './support/rig.ts'

const GOOD = 0xc0000201
const GOOD_ID = '192.0.2.1'
const FLOODER = 0xc6336401
const STEPS = 1_000
const STEP_MS = 100
const MOST_GROWTH_OCTETS = 64 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is held: garbage is collected before it is looked at. */
function heldOctets(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** A ring as pods share it, in memory: what expires here is there until its own time. */
function createSharedRing(): TemplateStore {
  const ring = createMemoryTemplateStore()
  return { ...ring, remove: (keys, reason) => reason === 'withdrawn' && ring.remove(keys, reason) }
}

interface Stage {
  readonly rig: Rig
  readonly clock: FakeClock
  readonly shared: TemplateStore
  /** Give the collector a datagram from an address that may be forged. */
  give(address: number, port: number, octets: Uint8Array): void
}

async function setStage(t: TestContext, limits: Record<string, number> = {}): Promise<Stage> {
  const clock = new FakeClock()
  const shared = createSharedRing()
  const rig = await startRig(t, { clock, shared, limits })
  rig.link.keptExporter = GOOD_ID
  const { intake } = rig.collector.parts.udp[0]
  return {
    rig,
    clock,
    shared,
    give(address, port, octets) {
      const { buffer, byteOffset, length } = octets
      intake.begin()
      intake.fromIPv4(address, port, octets, new DataView(buffer, byteOffset, length), 0, length)
    }
  }
}

interface Outcome {
  /** The good exporter's entries on the link, to the octet. */
  readonly output: readonly string[]
  readonly growthOctets: number
}

/** An exporter as it should be, and in each of its steps what a flood does. */
async function run({ rig, clock, give }: Stage, flood: (step: number) => void): Promise<Outcome> {
  const before = heldOctets()
  for (let step = 0; step < STEPS; step++) {
    if (step % 10 === 0) give(GOOD, 4739, templateMessage())
    give(GOOD, 4739, dataMessage([step, step + 1], { sequence: step * 2 }))
    flood(step)
    clock.advance(STEP_MS)
    // Answers of the stores.
    await new Promise(resolve => setImmediate(resolve))
  }
  const growthOctets = heldOctets() - before
  const output = rig.link.entries.map(({ source, layout, exportTimeSec, receivedAtMs, records, hex, isState }) =>
    [source.port, source.odid, layout.key, exportTimeSec, receivedAtMs, records, hex, isState].join(' ')
  )
  return { output, growthOctets }
}

/** Messages of 100 templates of one field, all ids again and again, each time another definition, in 250 domains. */
class TemplateFlood {
  definitions = 0
  readonly #octets = new Uint8Array(20 + 100 * 8)
  readonly #view = new DataView(this.#octets.buffer)
  #messages = 0

  constructor() {
    this.#view.setUint16(0, 10)
    this.#view.setUint16(2, this.#octets.length)
    this.#view.setUint32(4, 1_700_000_000)
    this.#view.setUint16(16, 2)
    this.#view.setUint16(18, this.#octets.length - 16)
  }

  next(): Uint8Array {
    this.#view.setUint32(12, Math.trunc(this.#messages++ / 40) % 250)
    for (let at = 20; at < this.#octets.length; at += 8) {
      const serial = this.definitions++
      this.#view.setUint16(at, 256 + (serial % 65_280))
      this.#view.setUint16(at + 2, 1)
      this.#view.setUint16(at + 4, 1 + (serial % 400))
      this.#view.setUint16(at + 6, 1 + (Math.trunc(serial / 65_280) % 250))
    }
    return this.#octets
  }
}

describe('a good exporter goes on to the octet', () => {
  let undisturbed: readonly string[] = []

  test('when nobody disturbs', async t => {
    const { output } = await run(await setStage(t), () => {})
    assert.equal(output.length, STEPS)
    undisturbed = output
  })

  test('TH-09 L-10 L-11 L-12 L-18 through 10^6 definitions by one other; memory and stores stay within their bounds', async t => {
    const stage = await setStage(t)
    const { parts } = stage.rig.collector
    const { limits } = parts.settings.collector
    const flood = new TemplateFlood()
    for (let index = 0; index < 10; index++) stage.give(FLOODER, 4739, flood.next())
    const { output, growthOctets } = await run(stage, () => {
      for (let index = 0; index < 10; index++) stage.give(FLOODER, 4739, flood.next())
    })
    assert.ok(flood.definitions > 1_000_000)
    assert.deepEqual(output, undisturbed)
    assert.ok(growthOctets <= MOST_GROWTH_OCTETS, `${growthOctets} octets more are held`)
    assert.ok(parts.budget.templates <= limits.templatesPerExporter + 1)
    assert.ok(parts.events.changes.learned > 20_000, `${parts.events.changes.learned} were learned`)
    const most = (limits.templatesPerExporter + limits.optionsRecordsPerSession) * (2 + (STEPS * STEP_MS) / 60_000)
    // Beyond templates: sequence numbers, and the good exporter's own.
    const others = 2 * STEPS
    const { writes, removals, reads, readPlaces } = stage.shared.stats
    t.diagnostic(JSON.stringify({ growthOctets, writes, removals, reads, readPlaces }))
    assert.ok(writes <= most + others, `${writes} writes`)
    assert.ok(removals <= writes, `${removals} removals`)
    assert.ok(reads <= 260 && readPlaces <= 520, `${reads} reads of ${readPlaces} places`)
    assert.ok(parts.publisher.limited > 0)
  })

  test('TH-04 L-02 through 10^5 forged sources; memory and stores stay within their bounds', async t => {
    const stage = await setStage(t)
    const { parts } = stage.rig.collector
    const [template, data] = [templateMessage(), dataMessage([1])]
    let sources = 0
    const { output, growthOctets } = await run(stage, () => {
      for (let index = 0; index < 100; index++) {
        const address = 0x0a000000 + sources++ * 7
        const port = 1024 + (sources % 60_000)
        stage.give(address, port, template)
        stage.give(address, port, data)
      }
    })
    assert.equal(sources, 100_000)
    assert.deepEqual(output, undisturbed)
    assert.ok(growthOctets <= MOST_GROWTH_OCTETS, `${growthOctets} octets more are held`)
    assert.ok(parts.sessions.udpSessions <= parts.settings.collector.limits.udpUnverifiedSessions + 1)
    const { writes, removals, reads, readPlaces } = stage.shared.stats
    t.diagnostic(JSON.stringify({ growthOctets, writes, removals, reads, readPlaces }))
    // Nothing of them is written; what is read of them goes many in one.
    assert.ok(writes <= 2 * STEPS && removals === 0, `${writes} writes, ${removals} removals`)
    assert.ok(readPlaces <= 2 * sources && reads <= 5 * STEPS, `${reads} reads of ${readPlaces} places`)
  })
})

test('L-18 an older definition does not stay in a store when a newer one is not written, which it is when there is room again', async t => {
  const stage = await setStage(t, { templatesPerExporter: 2, optionsRecordsPerSession: 1 })
  const { parts } = stage.rig.collector
  const define = (lengthOctets: number): void =>
    stage.give(GOOD, 4739, buildMessage().template(256, `2:${lengthOctets}`).octets())
  const stored = async (): Promise<number[]> =>
    (await allEntries(stage.shared)).flatMap(entry => (entry.kind === 'template' ? [entry.fields[0].length] : []))
  // The first is written with the third Message; there is room for six.
  for (const lengthOctets of [1, 1, 1, 2, 3, 4, 5, 6]) define(lengthOctets)
  assert.equal(parts.publisher.limited, 0)
  assert.deepEqual(await stored(), [6])
  define(7)
  assert.equal(parts.publisher.limited, 1)
  assert.deepEqual(await stored(), [])
  stage.clock.advance(60_000)
  define(7)
  assert.deepEqual(await stored(), [7])
})
