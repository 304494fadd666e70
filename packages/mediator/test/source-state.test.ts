import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Intake } from '../src/intake.ts'
import { samplingOrigins } from '@weir/mediation'
import { SourceState } from '../src/source-state.ts'
import { batchOf, flowBatch, layoutOf, sourceOf } from './support/batches.ts'
import type { HeldBatch } from '../src/held-batch.ts'
import type { Layout } from '@weir/ipfix'

/** A record of unsigned numbers, one for each field. */
function recordOf(layout: Layout, ...values: number[]): Uint8Array {
  const record = new Uint8Array(layout.recordLength)
  const view = new DataView(record.buffer)
  let at = 0
  for (const [index, { length }] of layout.fields.entries()) {
    let value = values[index] ?? 0
    for (let place = at + length - 1; place >= at; place--) {
      view.setUint8(place, value % 256)
      value = Math.floor(value / 256)
    }
    at += length
  }
  return record
}

function learned(text: string, scopeCount: number, ...values: number[]): SourceState {
  const state = new SourceState(sourceOf())
  teach(state, text, scopeCount, ...values)
  return state
}

/** One options record for a state. */
function teach(state: SourceState, text: string, scopeCount: number, ...values: number[]): void {
  const layout = layoutOf(text, scopeCount)
  const record = recordOf(layout, ...values)
  state.learn(layout, record, new DataView(record.buffer), 0, record.length)
}

describe('reads', () => {
  test('samplingInterval (34) of the exporter', () => {
    const state = learned('130:4 34:4 35:1', 1, 1, 100, 2)
    assert.deepEqual([state.effectiveRate, state.effectiveOrigin], [100, samplingOrigins.options])
  })

  test('samplerRandomInterval (50) by samplerId (48)', () => {
    const state = learned('144:4 48:1 49:1 50:4', 1, 1, 5, 2, 1_000)
    assert.equal(state.rateOfSampler(5), 1_000)
    assert.equal(state.rateOfSampler(6), 0)
    assert.equal(state.effectiveRate, 1_000)
  })

  test('samplingPacketInterval and -Space (305, 306) by selectorId (302)', () => {
    const state = learned('302:8 304:2 305:4 306:4', 1, 9, 1, 1, 511)
    assert.equal(state.rateOfSampler(9), 512)
  })

  test('samplingSize and -Population (309, 310)', () => {
    assert.equal(learned('302:4 309:4 310:4', 1, 1, 10, 2_000).rateOfSampler(1), 200)
  })

  test('RFC 3954 §6.1: the rate of one interface, whatever tells it', () => {
    for (const [text, ...values] of [
      ['10:4 34:4 35:1 82:16', 3, 100, 1],
      ['10:2 50:4', 3, 100],
      ['10:4 305:4 306:4', 3, 1, 99],
      ['14:4 34:4', 3, 100],
      ['252:4 34:4', 3, 100],
      ['253:1 34:4', 3, 100]
    ] as const) {
      const state = learned(text, 1, ...values)
      assert.deepEqual(
        [state.hasInterfaceRates, state.rateOfInterface(3), state.rateOfInterface(4)],
        [true, 100, 0],
        text
      )
      assert.equal(state.effectiveRate, 0, text)
    }
    assert.equal(learned('144:4 10:4 34:4', 2, 1, 3, 100).rateOfInterface(3), 100)
  })

  test('the rate of what enters by an interface before that of what leaves', () => {
    const state = new SourceState(sourceOf())
    teach(state, '10:4 34:4', 1, 3, 100)
    teach(state, '14:4 34:4', 1, 3, 200)
    assert.equal(state.rateOfInterface(3), 100)
    teach(state, '10:4 34:4', 1, 3, 50)
    assert.equal(state.rateOfInterface(3), 50)
  })

  test('systemInitTimeMilliseconds (160)', () => {
    assert.equal(learned('144:4 160:8', 1, 1, 1_699_990_000_000).effectiveBootTimeMs, 1_699_990_000_000)
  })

  test('the v5 header: fourteen bits of the sampling field, 0 = every packet', () => {
    assert.equal(new SourceState(sourceOf({ version: 5, v5Sampling: 0x4064 })).effectiveRate, 100)
    const unsampled = new SourceState(sourceOf({ version: 5, v5Sampling: 0 }))
    assert.deepEqual([unsampled.effectiveRate, unsampled.effectiveOrigin], [1, samplingOrigins.header])
  })
})

describe('rejects', () => {
  test('the rate of one interface as that of the exporter', () => {
    assert.equal(learned('10:4 34:4', 1, 3, 100).effectiveRate, 0)
  })

  test('the rate of a part of what passes an interface as that of the interface', () => {
    for (const [text, scopeCount] of [
      ['10:4 61:1 34:4', 2],
      ['10:4 14:4 34:4', 2],
      ['10:8 34:4', 1],
      ['10:0 34:4', 1],
      ['9.10:4 34:4', 1],
      ['141:4 34:4', 1],
      ['130:4 10:4 34:4', 1]
    ] as const) {
      const state = learned(text, scopeCount, 1, 1, 100)
      assert.deepEqual(
        [state.hasInterfaceRates, state.rateOfInterface(0), state.rateOfInterface(1)],
        [false, 0, 0],
        text
      )
    }
  })

  test('rates of interfaces for a source whose Messages tell the rate of their records', () => {
    const state = new SourceState(sourceOf({ version: 5, v5Sampling: 10 }))
    teach(state, '10:4 34:4', 1, 3, 100)
    assert.deepEqual([state.hasInterfaceRates, state.effectiveRate], [false, 10])
  })

  test('more than 4,096 interfaces: those known keep their rates, and may change them', () => {
    const state = new SourceState(sourceOf())
    for (let ifIndex = 0; ifIndex < 5_000; ifIndex++) teach(state, '10:4 34:4', 1, ifIndex, 100)
    assert.deepEqual(
      [4_095, 4_096].map(ifIndex => state.rateOfInterface(ifIndex)),
      [100, 0]
    )
    teach(state, '10:4 34:4', 1, 7, 50)
    assert.equal(state.rateOfInterface(7), 50)
  })

  test('two samplers as one: without a name there is no rate then', () => {
    const state = learned('302:4 305:4 306:4', 1, 1, 1, 99)
    const layout = layoutOf('302:4 305:4 306:4', 1)
    const record = recordOf(layout, 2, 1, 9)
    state.learn(layout, record, new DataView(record.buffer), 0, record.length)
    assert.deepEqual([state.effectiveRate, state.rateOfSampler(1), state.rateOfSampler(2)], [0, 100, 10])
  })

  test('rates that make no sense', () => {
    assert.equal(learned('302:4 305:4 306:4', 1, 1, 0, 99).rateOfSampler(1), 0)
    assert.equal(learned('302:4 309:4 310:4', 1, 1, 10, 5).rateOfSampler(1), 0)
    assert.equal(learned('302:4 34:4', 1, 1, 0).rateOfSampler(1), 0)
  })

  test('any octets without a throw or a hang', () => {
    const texts = ['302:8 305:4 306:4', '130:4 82:v 34:4', '48:v 50:4', '302:2 311:8', '144:4 160:8 160:3', '10:4 34:4']
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.uint8Array({ maxLength: 200 }), (text, octets) => {
        const layout = layoutOf(text, 1)
        const state = new SourceState(sourceOf())
        const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
        state.learn(layout, octets, view, 0, octets.length)
        assert.ok(state.effectiveRate >= 0)
      }),
      { numRuns: 1_000 }
    )
  })
})

describe('across sources', () => {
  const options = layoutOf('130:4 34:4', 1)
  const withState = (): { intake: Intake; seen: HeldBatch[]; rates: number[] } => {
    const rates: number[] = []
    const seen: HeldBatch[] = []
    const intake = new Intake(held => {
      seen.push(held)
      for (let entry = 0; entry < held.entries; entry++) rates.push(held.states[entry]!.effectiveRate)
    })
    return { intake, seen, rates }
  }

  test('options of another session or another domain of the same address do not count', () => {
    const { intake, rates } = withState()
    intake.onBatch(batchOf([{ layout: options, source: sourceOf({ port: 1 }), records: [recordOf(options, 1, 50)] }]))
    intake.onBatch(flowBatch(sourceOf({ port: 2 }), 1))
    intake.onBatch(flowBatch(sourceOf({ port: 2, odid: 9 }), 1))
    assert.deepEqual(rates.slice(1), [0, 0])
  })

  test('state entries are learned from and not exported', () => {
    const { intake, seen, rates } = withState()
    const source = sourceOf()
    const batch = batchOf([{ layout: options, source, records: [recordOf(options, 1, 50)], isState: true }])
    intake.onBatch(batch)
    assert.equal(seen.length, 0)
    assert.equal(batch.isSettled, true)
    assert.equal(intake.receivedRecords, 0)
    intake.onBatch(flowBatch(source, 1))
    assert.deepEqual(rates, [50])
  })

  test('options of another source that hold for one too are learned from, and repeated as those of their own source alone', () => {
    const { intake, rates } = withState()
    const [source, own] = [sourceOf({ port: 1 }), sourceOf({ port: 2 })]
    intake.onBatch(batchOf([{ layout: options, source: own, records: [recordOf(options, 1, 50)] }]))
    const told = { layout: options, source, records: [recordOf(options, 1, 50)], isState: true, isSibling: true }
    intake.onBatch(batchOf([told]))
    intake.onBatch(flowBatch(source, 1))
    assert.deepEqual(rates.slice(1), [50])
    assert.equal(intake.options.stats.records, 1)
    assert.equal(intake.stateEntries, 0)
  })

  test('a source that ended leaves nothing behind', () => {
    const { intake, rates } = withState()
    const source = sourceOf()
    intake.onBatch(batchOf([{ layout: options, source, records: [recordOf(options, 1, 50)] }]))
    intake.forgetSource(source)
    assert.equal(intake.sources, 0)
    assert.equal(intake.options.stats.records, 0)
    assert.equal(intake.optionsSnapshot(), undefined)
    intake.onBatch(flowBatch(sourceOf(), 1))
    assert.deepEqual(rates.slice(1), [0])
  })
})
