import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRestorable, tcpScope, udpScope } from '../src/index.ts'

test('a UDP scope names the port only where it is part of the session', () => {
  assert.equal(udpScope(10, 'ipfix-udp', '192.0.2.1', 49152), 'udp/10/ipfix-udp/192.0.2.1/49152')
  assert.equal(udpScope(9, 'netflow', '2001:db8::1', 0), 'udp/9/netflow/2001:db8::1')
})

test('D7 only UDP scopes may be decoded by again', () => {
  assert.equal(isRestorable(udpScope(10, 'ipfix-udp', '192.0.2.1', 49152)), true)
  assert.equal(isRestorable(tcpScope('ipfix-tcp', '192.0.2.1', 49152, 'run-1')), false)
})
