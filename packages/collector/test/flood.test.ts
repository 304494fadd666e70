import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FakeClock } from '@weir/runtime'
import { createMemoryTemplateStore } from '@weir/templates'
import { dataMessage, templateMessage } from './support/messages.ts'
import { startRig, type Rig } from './support/rig.ts'

const GOOD = 0xc0000201
const GOOD_ID = '192.0.2.1'
const FLOODER = 0xc6336401
const MOST_GROWTH_OCTETS = 64 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What the process has once garbage is gone. */
function memory(): { heap: number; rss: number } {
  collectGarbage()
  collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

interface Stage {
  readonly rig: Rig
  readonly clock: FakeClock
  /** Give the collector a datagram from an address that may be forged. */
  give(address: number, port: number, octets: Uint8Array): void
}

async function setStage(t: TestContext): Promise<Stage> {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock, store: createMemoryTemplateStore() })
  rig.link.keptExporter = GOOD_ID
  const { intake } = rig.collector.parts.udp[0]
  return {
    rig,
    clock,
    give(address, port, octets) {
      const { buffer, byteOffset, length } = octets
      intake.begin()
      intake.fromIPv4(address, port, octets, new DataView(buffer, byteOffset, length), 0, length)
    }
  }
}

/** An exporter as it should be: templates every ten Messages, data between them. */
class GoodExporter {
  readonly #stage: Stage
  #count = 0
  #sequence = 0

  constructor(stage: Stage) {
    this.#stage = stage
  }

  step(): void {
    if (this.#count % 10 === 0) this.#stage.give(GOOD, 4739, templateMessage())
    this.#stage.give(GOOD, 4739, dataMessage([this.#count, this.#count + 1], { sequence: this.#sequence }))
    this.#count++
    this.#sequence += 2
  }
}

/** What the good exporter's records are on the link, to the octet. */
const outputOf = ({ rig }: Stage): string[] =>
  rig.link.entries.map(({ source, layout, exportTimeSec, receivedAtMs, records, hex, isState }) =>
    [source.port, source.odid, layout.key, exportTimeSec, receivedAtMs, records, hex, isState].join(' ')
  )

const STEPS = 1_000

/** The same steps, with what a flood does in each. */
function run(stage: Stage, flood: (step: number) => void): string[] {
  const good = new GoodExporter(stage)
  for (let step = 0; step < STEPS; step++) {
    good.step()
    flood(step)
    stage.clock.advance(100)
  }
  return outputOf(stage)
}

/** 100 templates of one field, each another id; the definition differs by turn. */
class TemplateFlood {
  readonly octets = new Uint8Array(16 + 4 + 100 * 8)
  readonly #view = new DataView(this.octets.buffer)
  #id = 0
  definitions = 0

  constructor() {
    this.#view.setUint16(0, 10)
    this.#view.setUint16(2, this.octets.length)
    this.#view.setUint32(4, 1_700_000_000)
    this.#view.setUint16(16, 2)
    this.#view.setUint16(18, this.octets.length - 16)
  }

  next(): Uint8Array {
    for (let index = 0; index < 100; index++) {
      const at = 20 + index * 8
      const serial = this.#id++
      this.#view.setUint16(at, 256 + (serial % 65_280))
      this.#view.setUint16(at + 2, 1)
      this.#view.setUint16(at + 4, 1 + (serial % 400))
      this.#view.setUint16(at + 6, 1 + (Math.trunc(serial / 65_280) % 200))
      this.definitions++
    }
    // Every so often another domain.
    this.#view.setUint32(12, Math.trunc(this.#id / 5_000) % 250)
    return this.octets
  }
}

/** 10^5 sources, each with a template and a record of its own. */
const forgedAddress = (index: number): number => (0x0a000000 + index * 7) >>> 0

describe('a good exporter goes on to the octet', () => {
  let undisturbed: string[] = []

  test('when nobody disturbs', async t => {
    undisturbed = run(await setStage(t), () => {})
    assert.equal(undisturbed.length, STEPS)
  })

  test('TH-09 L-10 L-11 L-12 when one other defines 10^6 templates, and memory stays within its bound', async t => {
    const stage = await setStage(t)
    const { parts } = stage.rig.collector
    const flood = new TemplateFlood()
    for (let index = 0; index < 10; index++) stage.give(FLOODER, 4739, flood.next())
    const before = memory()
    const output = run(stage, () => {
      for (let index = 0; index < 10; index++) stage.give(FLOODER, 4739, flood.next())
    })
    const after = memory()
    assert.ok(flood.definitions > 1_000_000)
    assert.deepEqual(output, undisturbed)
    t.diagnostic(
      `heap +${after.heap - before.heap}, rss +${after.rss - before.rss}, ${JSON.stringify(parts.store.stats)} ${parts.budget.templates} ${parts.sessions.udpSessions}`
    )
    assert.ok(after.heap - before.heap <= MOST_GROWTH_OCTETS, `heap grew by ${after.heap - before.heap}`)
    assert.ok(after.rss - before.rss <= MOST_GROWTH_OCTETS, `rss grew by ${after.rss - before.rss}`)
    assert.ok(parts.budget.templates <= parts.settings.collector.limits.templatesPerExporter + 1)
  })

  test('TH-04 L-02 when there are 10^5 forged sources, and memory stays within its bound', async t => {
    const stage = await setStage(t)
    const { parts } = stage.rig.collector
    const forged = templateMessage()
    const data = dataMessage([1])
    const before = memory()
    let source = 0
    const output = run(stage, () => {
      for (let index = 0; index < 100; index++) {
        const address = forgedAddress(source++)
        stage.give(address, 1024 + (source % 60_000), forged)
        stage.give(address, 1024 + (source % 60_000), data)
      }
    })
    const after = memory()
    assert.equal(source, 100_000)
    assert.deepEqual(output, undisturbed)
    t.diagnostic(
      `heap +${after.heap - before.heap}, rss +${after.rss - before.rss}, ${JSON.stringify(parts.store.stats)} ${parts.sessions.udpSessions} ${JSON.stringify(parts.sessions.counters)} ${JSON.stringify(parts.ledger.messages)}`
    )
    assert.ok(after.heap - before.heap <= MOST_GROWTH_OCTETS, `heap grew by ${after.heap - before.heap}`)
    assert.ok(after.rss - before.rss <= MOST_GROWTH_OCTETS, `rss grew by ${after.rss - before.rss}`)
    assert.ok(parts.sessions.udpSessions <= parts.settings.collector.limits.udpUnverifiedSessions + 1)
  })
})
