import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzWebApi } from '../support/api-fuzz/web-api-fuzz.ts'

test('whatever is asked of the web API, by whomever: no 5xx, no secret, and every answer as its document says', async () => {
  const { failures, served, routes, statuses } = await fuzzWebApi(4_000, 1)
  assert.deepEqual(failures, [])
  assert.ok(served > routes * 0.7, `only ${served} of ${routes} routes were served: ${JSON.stringify([...statuses])}`)
})
