import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AllowList } from '../src/allow-list.ts'

test('lets in what a block holds, in every form in which sockets say it', () => {
  const list = new AllowList(['192.0.2.0/24', '2001:db8::/32', '198.51.100.7'], false)
  for (const address of ['192.0.2.255', '::ffff:192.0.2.1', '2001:db8::1', '198.51.100.7', '2001:db8::1%eth0']) {
    assert.equal(list.allows(address), true, address)
    assert.equal(list.allows(address), true, `${address} again`)
  }
  for (const address of ['192.0.3.1', '::ffff:192.0.3.1', '2001:db9::1', '198.51.100.8', '::1', 'no address']) {
    assert.equal(list.allows(address), false, address)
    assert.equal(list.allows(address), false, `${address} again`)
  }
})

test('lets everybody in only when told so', () => {
  assert.equal(new AllowList([], true).allows('203.0.113.1'), true)
  assert.equal(new AllowList([], false).allows('203.0.113.1'), false)
})

test('takes other blocks while it is used: answers given before are not remembered', () => {
  const list = new AllowList(['192.0.2.0/24'], false)
  assert.deepEqual([list.allows('192.0.2.1'), list.allows('198.51.100.1')], [true, false])
  list.set(['198.51.100.0/24'], false)
  assert.deepEqual([list.allows('192.0.2.1'), list.allows('198.51.100.1')], [false, true])
  list.set([], true)
  assert.deepEqual([list.allows('192.0.2.1'), list.isAnyAllowed], [true, true])
})
