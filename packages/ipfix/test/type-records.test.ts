import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ElementRegistry } from '../src/registry.ts'
import { SessionElements, isTypeLayout } from '../src/type-records.ts'
import type { TypeRecordOutcome } from '../src/type-records.ts'
import { hex, layoutOf, toHex } from './support/octets.ts'

const registry = ElementRegistry.standard()

/** The Options Template of V35. */
const layout = layoutOf('346:4 303:2 339:1 344:1 345:2 341:v', 2)

interface Fields {
  pen?: number
  id?: number
  type?: number
  semantics?: number
  units?: number
  name?: string
}

const pairsOf = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, '0')

/** Octets of a type record: that of V35, but for what is given. */
function record(fields: Fields = {}): string {
  const { pen = 32473, id = 15, type = 3, semantics = 3, units = 2, name = 'acmeOcts' } = fields
  const text = new TextEncoder().encode(name)
  const head = `${pairsOf(pen, 4)}${pairsOf(id, 2)}${pairsOf(type, 1)}${pairsOf(semantics, 1)}${pairsOf(units, 2)}`
  return `${head}ff${pairsOf(text.length, 2)}${toHex(text)}`
}

function learn(session: SessionElements, pairs: string, shape = layout): TypeRecordOutcome {
  const { octets, view, length } = hex(pairs)
  return session.learn(shape, octets, view, 0, length)
}

const v35 = '00007ed9000f030300020861636d654f637473'
const v36 = '000000000008 0d 00 0000 095f5f70726f746f5f5f'

describe('a type record', () => {
  test('R5610-3.9-1 is one whose Layout has id and enterprise number as scope, and a type', () => {
    assert.ok(isTypeLayout(layout))
    assert.ok(isTypeLayout(layoutOf('303:2 346:4 339:1', 2)))
    assert.ok(!isTypeLayout(layoutOf('303:2 346:4 339:1', 1)))
    assert.ok(!isTypeLayout(layoutOf('303:2 346:4 341:v', 2)))
    assert.ok(!isTypeLayout(layoutOf('303:2 346:4 339:1', 3)))
    assert.ok(!isTypeLayout(layoutOf('346:4 303:2 339:1')))
    assert.ok(!isTypeLayout(layoutOf('5.303:2 346:4 339:1', 2)))
  })

  test('R5610-3.9-1 V35 gives an element its type and name, in its session alone', () => {
    const session = new SessionElements(registry)
    assert.equal(learn(session, v35), 'learned')
    assert.deepEqual(session.get(32473, 15), {
      pen: 32473,
      id: 15,
      name: 'acmeOcts',
      type: 'unsigned32',
      semantics: 'deltaCounter',
      units: 'octets',
      range: undefined,
      status: 'current'
    })
    assert.equal(registry.get(32473, 15), undefined)
    assert.equal(new SessionElements(registry).get(32473, 15), undefined)
    assert.equal(session.get(0, 8), registry.get(0, 8))
  })

  test('R5610-3.9-1 has a range, where both ends are exact numbers', () => {
    const shape = layoutOf('346:4 303:2 339:1 342:8 343:8', 2)
    const session = new SessionElements(registry)
    assert.equal(learn(session, '00007ed9000f0400000000000000050000000000000064', shape), 'learned')
    assert.deepEqual(session.get(32473, 15)?.range, [5, 100])
    assert.equal(learn(session, '00007ed90010040000000000000005ffffffffffffffff', shape), 'learned')
    assert.equal(session.get(32473, 16)?.range, undefined)
  })

  test('R5610-3.9-1 has an enterprise bit in its id that does not count', () => {
    const session = new SessionElements(registry)
    assert.equal(learn(session, record({ id: 0x800f })), 'learned')
    assert.equal(session.get(32473, 15)?.name, 'acmeOcts')
  })

  test('R5610-3.9-1 may be repeated', () => {
    const session = new SessionElements(registry)
    assert.equal(learn(session, record()), 'learned')
    assert.equal(learn(session, record()), 'repeated')
    assert.equal(session.size, 1)
  })
})

describe('a type record is ignored', () => {
  test('R5610-3.9-2 V36 when it redefines an element of IANA or of the registry', () => {
    const session = new SessionElements(registry)
    assert.equal(learn(session, v36), 'type_redefine')
    assert.equal(learn(session, record({ pen: 6871, id: 14 })), 'type_redefine')
    assert.equal(learn(session, record({ pen: 29305, id: 85 })), 'type_redefine')
    assert.equal(learn(session, record({ pen: 0, id: 20_000 })), 'type_redefine')
    assert.equal(session.size, 0)
    assert.equal(session.get(0, 8)?.type, 'ipv4Address')
    assert.equal(({} as { polluted?: string }).polluted, undefined)
    assert.deepEqual(Object.keys(Object.prototype), [])
  })

  test('R5610-3.9-3 with all others of its element, when they contradict each other', () => {
    for (const change of [{ type: 4 }, { semantics: 2 }, { units: 3 }, { name: 'otherName' }]) {
      const session = new SessionElements(registry)
      assert.equal(learn(session, record()), 'learned')
      assert.equal(learn(session, record(change)), 'type_conflict')
      assert.equal(session.get(32473, 15), undefined)
      assert.equal(learn(session, record()), 'type_conflict')
      assert.equal(session.get(32473, 15), undefined)
    }
  })

  test('R5610-3.10-1 when type and semantics do not go together', () => {
    const session = new SessionElements(registry)
    const valid = (type: number): number[] => {
      return Array.from({ length: 10 }, (_, semantics) => semantics).filter(
        semantics => learn(new SessionElements(registry), record({ type, semantics })) === 'learned'
      )
    }
    assert.equal(learn(session, record({ type: 13, semantics: 3 })), 'type_invalid')
    assert.deepEqual(valid(13), [0])
    for (const type of [1, 2, 3, 4, 23]) assert.deepEqual(valid(type), [0, 1, 2, 3, 4, 5, 7, 8])
    for (const type of [5, 8]) assert.deepEqual(valid(type), [0, 1, 2, 3, 4, 7, 8])
    for (const type of [9, 10]) assert.deepEqual(valid(type), [0, 1, 2, 3, 7, 8])
    for (const type of [20, 21, 22]) assert.deepEqual(valid(type), [0, 6])
    for (const type of [0, 11, 12, 14, 17, 18, 19]) assert.deepEqual(valid(type), [0])
    assert.deepEqual(valid(24), [])
  })

  test('R5610-3.9-1 when it is cut off', () => {
    const session = new SessionElements(registry)
    assert.equal(learn(session, '00007ed9000f03'), 'type_invalid')
    assert.equal(learn(session, ''), 'type_invalid')
    assert.equal(session.size, 0)
  })
})

describe('names of type records', () => {
  test('R5610-4-1 TH-43 are replaced unless they are plain and safe', () => {
    for (const name of ['\0x', '__proto__', 'constructor', 'prototype', 'a b', 'x\u001b[31m', '', 'a'.repeat(65_000)]) {
      const session = new SessionElements(registry)
      assert.equal(learn(session, record({ name })), 'learned')
      assert.equal(session.get(32473, 15)?.name, 'ie_32473_15')
    }
  })

  test('R5610-4-1 are replaced if another element has them', () => {
    const session = new SessionElements(registry)
    assert.equal(learn(session, record({ name: 'octetDeltaCount' })), 'learned')
    assert.equal(session.get(32473, 15)?.name, 'ie_32473_15')
    assert.equal(learn(session, record({ id: 16, name: 'acmeName' })), 'learned')
    assert.equal(learn(session, record({ id: 17, name: 'acmeName' })), 'learned')
    assert.equal(session.get(32473, 16)?.name, 'acmeName')
    assert.equal(session.get(32473, 17)?.name, 'ie_32473_17')
    assert.equal(learn(session, record({ id: 17, name: 'acmeName' })), 'repeated')
  })
})

describe('the limit', () => {
  test('L-16 forgets the element announced least recently, and counts it', () => {
    const session = new SessionElements(registry, 3)
    for (const id of [1, 2, 3]) learn(session, record({ id, name: `acme${id}` }))
    assert.equal(learn(session, record({ id: 1, name: 'acme1' })), 'repeated')
    assert.equal(learn(session, record({ id: 4, name: 'acme4' })), 'learned')
    assert.deepEqual(
      [1, 2, 3, 4].map(id => session.get(32473, id)?.name),
      ['acme1', undefined, 'acme3', 'acme4']
    )
    assert.equal(session.evicted, 1)
    assert.equal(session.size, 3)
    assert.equal(learn(session, record({ id: 5, name: 'acme2' })), 'learned')
    assert.equal(session.get(32473, 5)?.name, 'acme2')
  })

  test('L-16 is 1,024 elements', () => {
    const session = new SessionElements(registry)
    for (let id = 1; id <= 2000; id++) learn(session, record({ id, name: `acme${id}` }))
    assert.equal(session.size, 1024)
    assert.equal(session.evicted, 976)
  })
})
