import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { entryField, supersedes } from '../src/index.ts'
import { storedDecision, storedOptions, storedSequence, storedTemplate } from './support/entries.ts'

const at = (exportTimeSec: number, lastSeenMs: number) => storedTemplate({ exportTimeSec, lastSeenMs })

describe('TH-23 between two writers of one entry', () => {
  const known = at(1_000, 1_000_000)
  const cases: readonly [what: string, entry: ReturnType<typeof at>, wins: boolean][] = [
    ['the later Export Time wins', at(1_001, 1_000_000), true],
    ['the later Export Time wins, though received a little earlier', at(1_001, 999_000), true],
    ['the earlier Export Time loses, though received a little later', at(999, 1_030_000), false],
    ['of equal Export Times the last received wins', at(1_000, 1_000_001), true],
    ['of equal Export Times the first received loses', at(1_000, 999_999), false],
    ['the same again wins: it is the same', at(1_000, 1_000_000), true],
    ['an exporter whose clock was set back wins a minute later', at(10, 1_060_000), true],
    ['what was received a minute before loses, whatever its Export Time', at(9_999, 940_000), false]
  ]
  for (const [what, entry, wins] of cases) test(what, () => assert.equal(supersedes(entry, known), wins))
})

test('fields of a place tell kinds, template ids, options Layouts and scope values apart, and are short', () => {
  const long = storedOptions({ octets: new Uint8Array(6), fields: [{ pen: 1, id: 2, length: 6 }], scopeOctets: 6 })
  const entries = [
    storedTemplate(),
    storedTemplate({ templateId: 300 }),
    storedOptions(),
    storedOptions({ octets: Uint8Array.of(0, 0, 0, 2, 0x13, 0x45) }),
    long,
    storedSequence(),
    storedDecision()
  ]
  const fields = entries.map(entryField)
  assert.equal(new Set(fields).size, entries.length)
  assert.ok(fields.every(field => field.length <= 23))
  assert.equal(entryField(storedOptions({ octets: Uint8Array.of(0, 0, 0, 1, 9, 9) })), fields[2])
})
