import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandPath, matcherOf, numbered } from '../../src/outputs/file-names.ts'

const timeMs = Date.UTC(2026, 10, 5, 7, 8, 9)

test('a path holds the parts of a time, UTC', () => {
  assert.equal(expandPath('/a/%Y/%m-%d/%H%M%S.ipfix', timeMs), '/a/2026/11-05/070809.ipfix')
  assert.equal(expandPath('100%%-%q', timeMs), '100%-%q')
})

test('a number goes before the extension', () => {
  assert.equal(numbered('/a.b/x.ipfix', 2), '/a.b/x-2.ipfix')
  assert.equal(numbered('/a.b/x', 2), '/a.b/x-2')
  assert.equal(numbered('/a.b/x.ipfix', 0), '/a.b/x.ipfix')
})

test('the matcher knows what the pattern makes, and nothing else', () => {
  const matcher = matcherOf('/flows/w(1)-%Y%m%d.ipfix')
  assert.ok(matcher.test('w(1)-20261105.ipfix'))
  assert.ok(matcher.test('w(1)-20261105-12.ipfix'))
  assert.ok(!matcher.test('w1-20261105.ipfix'))
  assert.ok(!matcher.test('w(1)-20261105.ipfix.part'))
  assert.ok(!matcher.test('xw(1)-20261105.ipfix'))
})
