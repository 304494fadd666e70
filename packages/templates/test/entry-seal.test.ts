import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EntrySeal } from '../src/entry-seal.ts'

const key = Buffer.alloc(32, 7)
const octets = Buffer.from('what an exporter said')

describe('opens', () => {
  for (const [what, seal] of [
    ['with a key', new EntrySeal(key)],
    ['without one', new EntrySeal(undefined)]
  ] as const) {
    test(`what was sealed for the same name, ${what}`, () => {
      assert.deepEqual(Buffer.from(seal.open('place', 't256', seal.seal('place', 't256', octets))!), octets)
      assert.deepEqual(seal.open('place', 't256', seal.seal('place', 't256', new Uint8Array(0)))!.length, 0)
    })
  }
})

describe('refuses', () => {
  const seal = new EntrySeal(key)
  const sealed = seal.seal('place', 't256', octets)

  test('each octet changed, and each cut', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice()
      changed[at]! ^= 1
      assert.equal(seal.open('place', 't256', changed), undefined)
      assert.equal(seal.open('place', 't256', sealed.subarray(0, at)), undefined)
    }
  })

  test('a value under another name', () => {
    assert.equal(seal.open('other', 't256', sealed), undefined)
    assert.equal(seal.open('place', 't257', sealed), undefined)
    assert.equal(seal.open('placet', '256', sealed), undefined)
  })

  test('a value under a name that looks alike when its characters are cut to an octet', () => {
    const alike = 't'.codePointAt(0)! + 0x100
    assert.equal(seal.open('place', `${String.fromCodePoint(alike)}256`, sealed), undefined)
  })

  test('the seal of another key, none where one is asked, and one that cannot be looked at', () => {
    assert.equal(new EntrySeal(Buffer.alloc(32, 8)).open('place', 't256', sealed), undefined)
    assert.equal(seal.open('place', 't256', new EntrySeal(undefined).seal('place', 't256', octets)), undefined)
    assert.equal(new EntrySeal(undefined).open('place', 't256', sealed), undefined)
    assert.equal(new EntrySeal(undefined).open('place', 't256', new Uint8Array(0)), undefined)
  })
})
