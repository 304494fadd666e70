import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseIpv4, parseIpv6 } from '@weir/ipfix'
import { addressKeys, nameKeys, prefixKeys } from '../../src/graph/node-keys.ts'
import type { NodeKeys } from '../../src/graph/node-keys.ts'

function wordsOf(addresses: readonly string[]): Uint32Array {
  const octets = addresses.flatMap(address => {
    const ipv4 = parseIpv4(address)
    return ipv4 === undefined ? parseIpv6(address)! : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...ipv4]
  })
  return new Uint32Array(Uint8Array.from(octets).buffer)
}

function namesOf(nodes: NodeKeys, addresses: readonly string[]): string[] {
  const keys = new Uint32Array(4 * addresses.length)
  nodes.map(wordsOf(addresses), addresses.length, keys)
  return addresses.map((_, n) => nodes.nameOf(keys.subarray(4 * n, 4 * n + 4)))
}

describe('keys of nodes', () => {
  test('are the addresses themselves', () => {
    const addresses = ['10.1.2.3', '2001:db8::1', '0.0.0.0', '::']
    assert.deepEqual(namesOf(addressKeys, addresses), addresses)
  })

  test('are prefixes of the length that is asked for', () => {
    const addresses = ['10.1.2.3', '255.255.255.255', '2001:db8:1:2::3', '::1']
    assert.deepEqual(namesOf(prefixKeys(20, 33), addresses), [
      '10.1.0.0/20',
      '255.255.240.0/20',
      '2001:db8::/33',
      '::/33'
    ])
    assert.deepEqual(namesOf(prefixKeys(0, 0), addresses), ['0.0.0.0/0', '0.0.0.0/0', '::/0', '::/0'])
    assert.deepEqual(namesOf(prefixKeys(32, 128), addresses), [
      '10.1.2.3/32',
      '255.255.255.255/32',
      '2001:db8:1:2::3/128',
      '::1/128'
    ])
  })

  test('are the names of the longest prefixes that hold the addresses', () => {
    const nodes = nameKeys([
      { prefix: '10.0.0.0/8', name: 'office' },
      { prefix: '10.1.0.0/16', name: 'lab' },
      { prefix: '10.1.2.3', name: 'server' },
      { prefix: '2001:db8::/32', name: 'lab' },
      { prefix: '255.255.255.255/32', name: 'all' },
      { prefix: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', name: 'last' }
    ])
    const addresses = ['10.0.0.0', '10.1.2.2', '10.1.2.3', '10.1.2.4', '10.255.255.255', '11.0.0.0', '9.255.255.255']
    assert.deepEqual(namesOf(nodes, addresses), ['office', 'lab', 'server', 'lab', 'office', 'other', 'other'])
    assert.deepEqual(
      namesOf(nodes, [
        '2001:db8:ffff::',
        '2001:db9::',
        '255.255.255.255',
        'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
        '::'
      ]),
      ['lab', 'other', 'all', 'last', 'other']
    )
  })

  test('agree with looking at every prefix, for any prefixes and addresses', () => {
    const address = fc
      .array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 4, maxLength: 4 })
      .map(each => each.join('.'))
    const prefixes = fc.array(fc.record({ address, length: fc.integer({ min: 0, max: 32 }) }), { maxLength: 40 })
    const numberOf = (text: string): number => parseIpv4(text)!.reduce((sum, octet) => sum * 256 + octet, 0)
    fc.assert(
      fc.property(prefixes, fc.array(address, { minLength: 1, maxLength: 20 }), (all, addresses) => {
        const entries = all.map(({ address: of, length }) => {
          const size = 2 ** (32 - length)
          const first = Math.floor(numberOf(of) / size) * size
          return { first, size, length, prefix: `${of}/${length}`, name: `${first}/${length}` }
        })
        const expected = addresses.map(text => {
          const number = numberOf(text)
          const holding = entries.filter(({ first, size }) => number >= first && number < first + size)
          return holding.toSorted((left, right) => right.length - left.length)[0]?.name ?? 'other'
        })
        assert.deepEqual(namesOf(nameKeys(entries), addresses), expected)
      })
    )
  })

  for (const prefix of ['', '10.0.0.0/33', '10.0.0/8', '::/129', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/1e1', 'a']) {
    test(`refuses ${JSON.stringify(prefix)} as a prefix`, () => {
      assert.throws(() => nameKeys([{ prefix, name: 'x' }]), { code: 'TASK_PARAMS' })
    })
  }
})
