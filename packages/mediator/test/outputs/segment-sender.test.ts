import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chunk } from '../../src/destinations/chunk.ts'
import { groupEnd } from '../../src/outputs/segment-sender.ts'

function chunkOf(...lengths: number[]): Chunk {
  const chunk = new Chunk(262_144)
  for (const length of lengths) chunk.closeMessage(chunk.end + length, 1)
  return chunk
}

test('equal Messages go together, the last of a group may be shorter', () => {
  const chunk = chunkOf(480, 480, 480, 100, 480, 480)
  assert.equal(groupEnd(chunk, 0), 4)
  assert.equal(groupEnd(chunk, 4), 6)
})

test('a longer Message begins a group', () => {
  assert.equal(groupEnd(chunkOf(100, 480, 480), 0), 1)
})

test('a group has 64 segments and 65,507 octets at most', () => {
  assert.equal(groupEnd(chunkOf(...Array.from({ length: 100 }, () => 100)), 0), 64)
  assert.equal(groupEnd(chunkOf(...Array.from({ length: 60 }, () => 1_472)), 0), 44)
})
