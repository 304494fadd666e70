import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chunk } from '../../../src/destinations/chunk.ts'
import { ExportedTemplates } from '../../../src/destinations/ipfix/exported-template.ts'
import { MessageAssembler } from '../../../src/destinations/ipfix/message-assembler.ts'
import type { ExportDomain } from '../../../src/destinations/ipfix/message-assembler.ts'

const domainOf = (sequence: number): ExportDomain => ({
  odid: 5,
  sequence,
  templates: new ExportedTemplates(),
  pending: [],
  withdrawals: []
})

test('R7011-3.1-6 the sequence number wraps at 2^32', () => {
  const chunk = new Chunk(70_000)
  const domain = domainOf(0xfffffffe)
  const assembler = new MessageAssembler(() => 1_700_000_000)
  for (const records of [5, 1]) {
    assert.ok(assembler.open(chunk, domain, 1_000))
    assembler.openSet(256)
    assembler.addRecords(assembler.out + records, records, records)
    assembler.close()
  }
  assert.equal(chunk.view.getUint32(8), 0xfffffffe)
  assert.equal(chunk.view.getUint32(chunk.messageEnds[0]! + 8), 3)
})

test('a Set without records and a Message without Sets are taken back', () => {
  const chunk = new Chunk(70_000)
  const assembler = new MessageAssembler(() => 1_700_000_000)
  assembler.open(chunk, domainOf(0), 1_000)
  assembler.openSet(256)
  assembler.openSet(257)
  assembler.close()
  assert.equal(chunk.end, 0)
  assert.equal(chunk.messages, 0)
})

test('rejects a Message that the chunk has no room for', () => {
  const assembler = new MessageAssembler(() => 0)
  assert.equal(assembler.open(new Chunk(100), domainOf(0), 101), false)
  assert.equal(assembler.isOpen, false)
})
