import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Rig, SERIAL_OCTETS, SerialSource, serialsOf, temporaryFolder } from './support/rig.ts'

type Step =
  | { do: 'append'; source: number; records: number }
  | { do: 'advance'; byMs: number }
  | { do: 'up' | 'down' | 'settle'; count: number }
  | { do: 'lose' | 'corrupt'; at: number }
  | { do: 'break' | 'kill' | 'connect' | 'turn' | 'exchange' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      source: fc.nat(2),
      records: fc.integer({ min: 1, max: 8000 })
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('advance' as const), byMs: fc.constantFrom(5, 25, 1000, 4000) })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('up' as const, 'down' as const, 'settle' as const),
      count: fc.integer({ min: 1, max: 6 })
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'corrupt' as const), at: fc.nat(200_000) })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('connect' as const, 'turn' as const, 'exchange' as const, 'exchange' as const)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('break' as const, 'kill' as const) }) }
)

const keyOf = (odid: number, serial: number): number => odid * 2 ** 32 + serial

/** What must hold, kept in the simplest way. */
class Model {
  readonly delivered = new Set<number>()
  readonly settled = new Set<number>()
  redelivered = 0
  #lastSerial = new Map<number, number>()

  /** A new receiver begins wherever the sender's oldest unsettled batch is. */
  restart(): void {
    this.#lastSerial = new Map()
  }

  deliver(serials: { odid: number; serial: number }[], isRedelivered: boolean): void {
    if (isRedelivered) this.redelivered += serials.length
    for (const { odid, serial } of serials) {
      const key = keyOf(odid, serial)
      assert.ok(!this.delivered.has(key) || isRedelivered, `${key} came twice without the flag`)
      this.delivered.add(key)
      const last = this.#lastSerial.get(odid)
      // What was settled out of order before a restart is left out, so there may be gaps.
      assert.ok(last === undefined || serial > last, `${key} follows ${last}`)
      this.#lastSerial.set(odid, serial)
    }
  }
}

test('loses nothing, keeps the order of a source, and repeats only with the flag, whatever breaks', async t => {
  const folder = temporaryFolder(t)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }), async steps => {
      const rig = new Rig(folder, { batchOctets: 65_664, windowBatches: 4, bufferOctets: 10 * 65_664 })
      const model = new Model()
      rig.onBatch = batch => model.deliver(serialsOf(batch), batch.isRedelivered)
      await rig.start()
      rig.deliver()
      const sources = [1, 2, 3].map(odid => new SerialSource(rig.sender, rig.layout, odid))
      let admitted = 0
      for (const action of steps) {
        switch (action.do) {
          case 'append':
            if (sources[action.source].append(action.records)) admitted += action.records
            break
          case 'advance':
            rig.clock.advance(action.byMs)
            break
          case 'up':
            for (let count = 0; count < action.count; count++) rig.network.deliverUp()
            break
          case 'down':
            for (let count = 0; count < action.count; count++) rig.network.deliverDown()
            break
          case 'settle': {
            // From the young end too: acknowledgements need not come in order.
            const batch = action.count % 2 === 0 ? rig.held.shift() : rig.held.pop()
            if (batch === undefined) break
            for (const { odid, serial } of serialsOf(batch)) model.settled.add(keyOf(odid, serial))
            batch.settle()
            break
          }
          case 'lose':
            rig.network.deliverUp(() => undefined)
            break
          case 'corrupt':
            rig.network.deliverUp(frame => {
              frame[action.at % frame.length] ^= 0x10
              return frame
            })
            break
          case 'break':
            rig.network.breakAll()
            break
          case 'kill':
            model.restart()
            await rig.restartReceiver()
            break
          case 'exchange':
            rig.clock.advance(25)
            rig.deliver()
            break
          case 'connect':
            rig.network.connectAll()
            break
          default:
            rig.turn()
        }
        const { records, inWindowOctets } = rig.sender.stats
        assert.equal(records.admitted, admitted)
        assert.equal(records.admitted, records.settled + records.inWindow)
        assert.ok(inWindowOctets <= 10 * 65_664)
      }
      for (let round = 0; round < 100 && rig.sender.stats.records.inWindow > 0; round++) {
        rig.clock.advance(1100)
        rig.deliver()
        for (const batch of rig.held.splice(0)) {
          for (const { odid, serial } of serialsOf(batch)) model.settled.add(keyOf(odid, serial))
          batch.settle()
        }
        rig.deliver()
      }
      assert.equal(rig.sender.stats.records.inWindow, 0, JSON.stringify(rig.sender.stats))
      assert.equal(model.settled.size, admitted)
      assert.ok(rig.sender.stats.records.redelivered >= model.redelivered)
      for (const source of sources)
        if (source.next > 0) assert.ok(model.settled.has(keyOf(source.odid, source.next - 1)))
    }),
    { numRuns: 60 }
  )
})

test('records of the model fit an entry', () => {
  assert.ok(8000 * SERIAL_OCTETS <= 65_535)
})
