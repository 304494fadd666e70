import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { HmacSha256 } from '../src/hmac-sha256.ts'

test('is what createHmac makes, for keys and texts of any length', () => {
  for (const keyOctets of [1, 31, 32, 63, 64, 65, 200]) {
    const key = randomBytes(keyOctets)
    const hmac = new HmacSha256(key)
    for (const textOctets of [0, 1, 300, 4096, 70_000, 5]) {
      const text = randomBytes(textOctets)
      const expected = createHmac('sha256', key).update('a name').update(text).digest('hex')
      assert.equal(Buffer.from(hmac.macOf('a name', text)).toString('hex'), expected)
    }
  }
})
