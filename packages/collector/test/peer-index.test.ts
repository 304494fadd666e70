import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePeerAddress } from '../src/peer-address.ts'
import { PeerIndex } from '../src/peer-index.ts'
import type { Session } from '../src/session.ts'

const session = {} as Session

test('finds a peer by each form of its address, and not by another', () => {
  const index = new PeerIndex()
  const four = index.add(parsePeerAddress('192.0.2.1'))
  const six = index.add(parsePeerAddress('2001:db8::1'))
  assert.equal(index.findText('192.0.2.1'), four)
  assert.equal(index.findText('::ffff:192.0.2.1'), four)
  assert.equal(index.findIPv4(0xc0000201), four)
  assert.equal(index.findIPv4(0xc0000202), undefined)
  const octets = Uint8Array.from([0, 0, ...parsePeerAddress('2001:db8::1').octets])
  assert.equal(index.findIPv6(octets, 2), six)
  octets[17] = 2
  assert.equal(index.findIPv6(octets, 2), undefined)
  assert.equal(index.findText('2001:db8::1%eth0'), six)
})

test('forgets a peer with its last session, whatever else has its hash', () => {
  const index = new PeerIndex()
  const addresses = Array.from({ length: 2000 }, (_, at) => parsePeerAddress(`2001:db8::${at.toString(16)}`))
  for (const address of addresses) index.add(address).sessions.set(1, session)
  for (const [at, address] of addresses.entries()) if (at % 2 === 0) index.remove(address, session)
  assert.equal(index.size, 1000)
  for (const [at, address] of addresses.entries()) {
    assert.equal(index.findIPv6(address.octets, 0) === undefined, at % 2 === 0)
  }
  const four = parsePeerAddress('192.0.2.1')
  const peer = index.add(four)
  peer.sessions.set(1, session).set(2, {} as Session)
  index.remove(four, session)
  assert.equal(index.findIPv4(0xc0000201), peer)
})
