import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LayoutTable, type Layout } from '@weir/ipfix'
import { OptionsState, type OptionsChange, type OptionsStateLimits } from '../src/index.ts'

const layouts = new LayoutTable()
/** samplerId, then samplingInterval. */
const sampler = layouts.intern(
  [
    { pen: 0, id: 48, length: 1 },
    { pen: 0, id: 50, length: 2 }
  ],
  1
)
/** interfaceName as scope, then ingressInterface. */
const names = layouts.intern(
  [
    { pen: 0, id: 82, length: 65535 },
    { pen: 0, id: 10, length: 2 }
  ],
  1
)

function fixture(limits: Partial<OptionsStateLimits> = {}) {
  const state = new OptionsState<string>(limits)
  const changes: [OptionsChange, string][] = []
  const update = (source: string, layout: Layout, hex: string, receivedAtMs = 1000): number => {
    const octets = Uint8Array.from(Buffer.from(`ffff${hex}ff`, 'hex'))
    return state.update(source, layout, octets, 2, octets.length - 3, 1, receivedAtMs, NaN, (change, record) =>
      changes.push([change, Buffer.from(record.octets).toString('hex')])
    )
  }
  const octetsOf = (source: string): string[] =>
    [...state.recordsOf(source)].map(record => Buffer.from(record.octets).toString('hex'))
  return { state, changes, update, octetsOf }
}

describe('keeps', () => {
  test('one record for each scope value, the last one sent', () => {
    const { update, octetsOf, changes } = fixture()
    assert.equal(update('a', sampler, '010064020032'), 2)
    assert.equal(update('a', sampler, '010065'), 1)
    assert.deepEqual(octetsOf('a'), ['020032', '010065'])
    assert.deepEqual(changes, [
      ['learned', '010064'],
      ['learned', '020032'],
      ['changed', '010065']
    ])
  })

  test('sources and Layouts apart', () => {
    const { update, octetsOf } = fixture()
    update('a', sampler, '010064')
    update('b', sampler, '010001')
    update('a', names, '0265300007')
    assert.deepEqual(octetsOf('a'), ['010064', '0265300007'])
    assert.deepEqual(octetsOf('b'), ['010001'])
  })

  test('scopes of variable length', () => {
    const { update, octetsOf } = fixture()
    update('a', names, '0265300007ff000265310008')
    update('a', names, '0265300009')
    assert.deepEqual(octetsOf('a'), ['ff000265310008', '0265300009'])
  })

  test('the times of a repetition, in silence', () => {
    const { state, update, changes } = fixture()
    update('a', sampler, '010064', 1000)
    update('a', sampler, '010064', 2000)
    assert.equal(changes.length, 1)
    assert.deepEqual(
      [...state.recordsOf('a')].map(record => record.receivedAtMs),
      [2000]
    )
  })

  test('what find gives back by scope value', () => {
    const { state, update } = fixture()
    update('a', sampler, '010064020032')
    assert.deepEqual(state.find('a', sampler, Uint8Array.of(2))?.octets, Uint8Array.of(2, 0, 0x32))
    assert.equal(state.find('a', sampler, Uint8Array.of(3)), undefined)
    assert.equal(state.find('b', sampler, Uint8Array.of(2)), undefined)
  })

  test('no reference to the octets it was given', () => {
    const state = new OptionsState<string>()
    const octets = Uint8Array.of(1, 0, 100)
    state.update('a', sampler, octets, 0, 3, 1, 1, NaN)
    octets.fill(9)
    assert.deepEqual([...state.recordsOf('a')][0].octets, Uint8Array.of(1, 0, 100))
  })

  test('no reference to a Buffer either, whose slice aliases', () => {
    const { state, octetsOf } = fixture()
    const buffer = Buffer.from('070064', 'hex')
    state.update('a', sampler, buffer, 0, 3, 1, 1, NaN)
    buffer.fill(0)
    assert.deepEqual(octetsOf('a'), ['070064'])
  })
})

describe('bounds', () => {
  test('retains the Layout of each record it keeps, and releases it with the record', () => {
    const released: number[] = []
    const table = new LayoutTable(layout => released.push(layout.id))
    const layout = table.intern(sampler.fields, 1)
    const state = new OptionsState<string>({ recordsPerSource: 1 }, table)
    state.update('a', layout, Uint8Array.of(1, 0, 1, 2, 0, 1), 0, 6, 1, 1, NaN)
    assert.deepEqual(released, [])
    state.forget('a')
    assert.deepEqual(released, [layout.id])
  })

  test('L-16 the records of one source: the least recently sent goes', () => {
    const { state, update, octetsOf, changes } = fixture({ recordsPerSource: 2 })
    update('a', sampler, '010001020002')
    update('a', sampler, '010001')
    update('a', sampler, '030003')
    assert.deepEqual(octetsOf('a'), ['010001', '030003'])
    assert.deepEqual(
      changes.filter(([change]) => change === 'evicted'),
      [['evicted', '020002']]
    )
    assert.equal(state.stats.evicted, 1)
    assert.equal(state.find('a', sampler, Uint8Array.of(2)), undefined)
  })

  test('the octets of all sources: what is known still changes', () => {
    const { state, update, octetsOf } = fixture({ totalOctets: 200 })
    update('a', sampler, '010001')
    update('b', sampler, '010001')
    update('a', sampler, '010002')
    assert.deepEqual(octetsOf('a'), ['010002'])
    assert.deepEqual(octetsOf('b'), [])
    assert.equal(state.stats.refused, 1)
  })

  test('the octets of all sources: a record that grows beyond them goes, because what it said is not true any more', () => {
    const { state, update, octetsOf, changes } = fixture({ totalOctets: 400 })
    const values = layouts.intern(
      [
        { pen: 0, id: 10, length: 1 },
        { pen: 0, id: 82, length: 65535 }
      ],
      1
    )
    update('a', values, '010161')
    update('a', values, '02c8' + '62'.repeat(200))
    assert.deepEqual(octetsOf('a'), ['010161'])
    update('a', values, '01c8' + '61'.repeat(200))
    assert.equal(octetsOf('a').length, 1)
    update('b', values, '010161')
    assert.deepEqual(octetsOf('b'), [])
    update('a', values, '01fa' + '61'.repeat(250))
    assert.deepEqual(octetsOf('a'), [])
    assert.deepEqual(changes.at(-1)?.[0], 'evicted')
    assert.deepEqual(state.stats, { records: 0, octets: 0, evicted: 0, refused: 3 })
    update('b', values, '010161')
    assert.deepEqual(octetsOf('b'), ['010161'])
  })

  test('10,000 scope values through 100 places, consistently', () => {
    const { state, octetsOf } = fixture({ recordsPerSource: 100 })
    const octets = new Uint8Array(3)
    const wide = layouts.intern(
      [
        { pen: 0, id: 10, length: 2 },
        { pen: 0, id: 50, length: 1 }
      ],
      1
    )
    for (let value = 0; value < 10_000; value++) {
      octets[0] = value >> 8
      octets[1] = value & 255
      state.update('a', wide, octets, 0, 3, 1, value, NaN)
    }
    assert.equal(octetsOf('a').length, 100)
    assert.equal(state.stats.records, 100)
    assert.deepEqual([...state.recordsOf('a')][0].octets, Uint8Array.of(9900 >> 8, 9900 & 255, 0))
    state.forget('a')
    assert.deepEqual(state.stats, { records: 0, octets: 0, evicted: 9900, refused: 0 })
    assert.deepEqual([...state.sources()], [])
  })
})
