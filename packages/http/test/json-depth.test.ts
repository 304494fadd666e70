import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeeperThan } from '../src/json-depth.ts'

test('tells how deep objects and lists stand in each other, whatever stands in texts', () => {
  assert.equal(isDeeperThan('{"a":[{"b":1}],"c":{}}', 3), false)
  assert.equal(isDeeperThan('{"a":[{"b":1}],"c":{}}', 2), true)
  assert.equal(isDeeperThan('{"[[[[":"{{{{","\\\\":"\\"[[[["}', 1), false)
  assert.equal(isDeeperThan(`${'[1],'.repeat(1_000)}`, 1), false)
  assert.equal(isDeeperThan('['.repeat(1_000_000), 64), true)
  assert.equal(isDeeperThan('"\\', 0), false)
})
