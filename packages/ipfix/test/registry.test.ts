import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dataTypes } from '../src/data-type.ts'
import { isReversible } from '../src/element-reverse.ts'
import { enterpriseName } from '../src/element-forms.ts'
import { isInRange, isSafeName } from '../src/element.ts'
import type { InformationElement } from '../src/element.ts'
import { ElementRegistry } from '../src/registry.ts'

const registry = ElementRegistry.standard()

const element = (pen: number, id: number, name: string): InformationElement => {
  return { pen, id, name, type: 'unsigned32', status: 'current' }
}

describe('the standard registry', () => {
  test('R7012-reg-1 has the elements of IANA and the date of their registry', () => {
    assert.match(registry.version, /^\d{4}-\d{2}-\d{2}$/)
    const iana = [...registry.values()].filter(({ pen }) => pen === 0)
    assert.equal(iana.length, 502)
    assert.equal(Math.max(...iana.map(({ id }) => id)), 533)
    assert.deepEqual(registry.get(0, 8), {
      pen: 0,
      id: 8,
      name: 'sourceIPv4Address',
      type: 'ipv4Address',
      semantics: 'default',
      units: undefined,
      range: undefined,
      status: 'current'
    })
    assert.equal(registry.get(0, 515)?.type, 'unsigned256')
    assert.equal(registry.get(0, 85)?.units, 'octets')
  })

  test('deprecated elements keep their names and types', () => {
    for (const [id, name] of [
      [34, 'samplingInterval'],
      [64, 'ipv6ExtensionHeaders'],
      [209, 'tcpOptions']
    ] as const) {
      assert.equal(registry.get(0, id)?.name, name)
      assert.equal(registry.get(0, id)?.status, 'deprecated')
    }
  })

  test('R7012-2.1-1 elements have their ranges, and a value beyond is told', () => {
    for (const [id, least, greatest] of [
      [9, 0, 32],
      [13, 0, 32],
      [29, 0, 128],
      [30, 0, 128],
      [91, 0, 128],
      [98, 0, 63],
      [195, 0, 63],
      [31, 0, 0xfffff],
      [267, 0, 0]
    ] as const) {
      const known = registry.get(0, id)
      assert.deepEqual(known?.range, [least, greatest], String(id))
      assert.ok(isInRange(known, greatest) && !isInRange(known, greatest + 1))
    }
    const counter = registry.get(0, 1)
    assert.ok(counter !== undefined && isInRange(counter, 2n ** 64n - 1n))
  })

  test('R7012-4-1 ids below 128 mean what they mean in NetFlow v9', () => {
    assert.equal(registry.get(0, 10, 9)?.name, 'ingressInterface')
    assert.equal(registry.get(0, 1, 9), registry.get(0, 1))
  })

  test('R7012-4-2 one id of three enterprises is three elements', () => {
    assert.equal(registry.get(0, 85)?.name, 'octetTotalCount')
    assert.equal(registry.get(29305, 85)?.name, 'reverseOctetTotalCount')
    assert.equal(registry.get(32473, 85), undefined)
  })

  test('names are safe and unique, and find their element', () => {
    const names = new Set<string>()
    for (const known of registry.values()) {
      assert.ok(isSafeName(known.name), known.name)
      assert.ok(!names.has(known.name), known.name)
      assert.ok(dataTypes.includes(known.type), known.type)
      names.add(known.name)
      assert.equal(registry.byName(known.name), known)
    }
    assert.ok(names.size > 1_800)
  })

  test('has the vendors that it says it has, with their names', () => {
    const pens = new Set([...registry.values()].map(({ pen }) => pen))
    pens.delete(0)
    for (const pen of pens) assert.notEqual(enterpriseName(pen), undefined, String(pen))
    assert.equal(registry.get(6871, 14)?.name, 'initialTCPFlags')
    assert.equal(registry.get(56506, 101)?.name, 'sourcePodName')
  })

  test('NetFlow v9 types of vendors have names in NetFlow v9 alone', () => {
    const v9 = registry.get(9, 40_000 - 32_768, 9)
    assert.equal(v9?.type, 'string')
    assert.equal(registry.get(9, 40_000 - 32_768, 10), undefined)
    assert.notEqual(registry.get(9, 33_000 - 32_768, 9), undefined)
    assert.notEqual(registry.get(9, 56_701 - 32_768, 9), undefined)
    assert.equal(registry.get(9, 12_235, 9), registry.get(9, 12_235))
  })
})

describe('reverse elements', () => {
  test('R5103-6.1-1 have the type, semantics and units of their IANA element', () => {
    const forward = registry.get(0, 150)
    const reverse = registry.get(29305, 150)
    assert.equal(reverse?.name, 'reverseFlowStartSeconds')
    assert.equal(reverse?.type, forward?.type)
    assert.equal(reverse?.semantics, forward?.semantics)
    assert.equal(registry.byName('reverseFlowStartSeconds'), reverse)
    assert.equal(registry.get(29305, 150), reverse)
  })

  test('R5103-6.1-2 are not there for what belongs to a Biflow as a whole or to the protocol', () => {
    for (const id of [148, 145, 149, 137, 40, 41, 42, 130, 163, 164, 165, 166, 167, 168, 173, 210, 217, 239]) {
      assert.ok(!isReversible(id), String(id))
      assert.equal(registry.get(29305, id), undefined)
    }
    assert.equal(registry.byName('reversePaddingOctets'), undefined)
    for (const id of [1, 8, 12, 85, 86, 150, 152]) assert.ok(isReversible(id), String(id))
  })

  test('are not there for ids that IANA has not assigned', () => {
    assert.equal(registry.get(29305, 105), undefined)
    assert.equal(registry.byName('reverse'), undefined)
    assert.equal(registry.byName('reverseacmeOcts'), undefined)
  })
})

describe('elements added by the operator', () => {
  test('R7012-reg-1 get their names, and replace what a vendor table says', () => {
    const own = ElementRegistry.standard()
    assert.deepEqual(own.add([element(32473, 15, 'acmeOcts'), element(6871, 14, 'acmeFlags')]), [])
    assert.equal(own.get(32473, 15)?.name, 'acmeOcts')
    assert.equal(own.byName('acmeOcts')?.id, 15)
    assert.equal(own.get(6871, 14)?.name, 'acmeFlags')
    assert.equal(own.byName('initialTCPFlags'), undefined)
    assert.equal(registry.get(32473, 15), undefined)
  })

  test('R7012-reg-1 cannot redefine IANA, nor take a name', () => {
    const own = ElementRegistry.standard()
    const refused = [element(0, 8, 'acmeAddress'), element(29305, 8, 'acmeReverse'), element(1, 1, 'octetDeltaCount')]
    assert.deepEqual(own.add(refused), refused)
    assert.deepEqual(own.add([element(1, 2, 'reverseOctetDeltaCount')]).length, 1)
    assert.equal(own.get(0, 8)?.name, 'sourceIPv4Address')
    assert.equal(own.get(1, 1), undefined)
  })

  test('TH-43 names that objects inherit are not safe', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '', '1a']) {
      assert.ok(!isSafeName(name), name)
    }
    for (const name of ['a b', 'a-b', 'ä', 'a\0', 'a'.repeat(65)]) assert.ok(!isSafeName(name), name)
    assert.ok(isSafeName('acme_Octs1') && isSafeName('a'.repeat(64)))
  })
})
