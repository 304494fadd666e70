import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindAddress } from '../src/bind-address.ts'

const failing = (code: string, tried: string[]) => async (address: string) => {
  tried.push(address)
  if (address !== '0.0.0.0') throw Object.assign(new Error(code), { code })
}

test('takes 0.0.0.0 for :: on a machine without IPv6', async () => {
  const tried: string[] = []
  let fallbacks = 0
  await bindAddress('::', failing('EAFNOSUPPORT', tried), () => fallbacks++)
  assert.deepEqual([tried, fallbacks], [['::', '0.0.0.0'], 1])
})

test('takes no other address for one that was named, nor for a port in use', async () => {
  const tried: string[] = []
  await assert.rejects(
    bindAddress('::1', failing('EAFNOSUPPORT', tried), () => {}),
    { code: 'EAFNOSUPPORT' }
  )
  await assert.rejects(
    bindAddress('::', failing('EADDRINUSE', tried), () => {}),
    { code: 'EADDRINUSE' }
  )
  assert.deepEqual(tried, ['::1', '::'])
})
