import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkLedger, Ledger } from '../src/index.ts'

const balanced = (): Ledger => {
  const ledger = new Ledger()
  Object.assign(ledger.messages, { received: 6, decodedOk: 3, decodedPartial: 1 })
  ledger.messages.dropped.bad_version = 2
  Object.assign(ledger.dataSets, { received: 5, decoded: 3, pending: 1 })
  ledger.dataSets.dropped.pending_evicted = 1
  Object.assign(ledger.records, { decoded: 30, admitted: 20, held: 4 })
  ledger.records.dropped.overload_hard = 6
  return ledger
}
const window = { admitted: 20, settled: 15, inWindow: 5 }

test('closes to the unit', () => {
  assert.deepEqual(checkLedger(balanced(), window), [])
})

describe('tells of', () => {
  const cases: readonly [string, (ledger: Ledger) => void, RegExp][] = [
    ['a Message that is nowhere', ledger => ledger.messages.received++, /messages received.*7 is not 6/],
    ['a Data Set that is nowhere', ledger => ledger.dataSets.received++, /data sets.*6 is not 5/],
    ['a record that is nowhere', ledger => ledger.records.decoded++, /records decoded.*31 is not 30/],
    ['a record counted twice', ledger => ledger.records.dropped.shutdown++, /records decoded.*30 is not 31/]
  ]
  for (const [what, change, sentence] of cases) {
    test(what, () => {
      const ledger = balanced()
      change(ledger)
      assert.match(checkLedger(ledger, window).join(), sentence)
    })
  }

  test('a link that counts otherwise', () => {
    assert.equal(checkLedger(balanced(), { admitted: 19, settled: 15, inWindow: 5 }).length, 2)
  })
})
