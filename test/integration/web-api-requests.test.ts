import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzWebApi } from '../support/api-fuzz/web-api-fuzz.ts'

test('whatever is asked of the web API, by whomever: no 5xx, no secret, and every answer as its document says', async () => {
  const { failures, unserved, routes } = await fuzzWebApi(4_000, 1)
  assert.deepEqual(failures, [])
  assert.ok(
    unserved.length <= routes * 0.2,
    `${unserved.length} of ${routes} were never served: ${unserved.join(', ')}`
  )
})
