import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropReasons } from '@weir/ipfix'
import { checkLedger, destinationDropReasons } from '../src/ledger.ts'
import type { DestinationLedger, MediatorLedger } from '../src/ledger.ts'

const dropped = { queue_oldest: 1, queue_newest: 2, encode_too_big: 3, encode_error: 4, shutdown: 5, drained: 0 }
const destination: DestinationLedger = {
  matched: 110,
  filtered: 10,
  sent: 80,
  queued: 5,
  dropped,
  uncertain: 7,
  redelivered: 7
}
const ledger = (one: Partial<DestinationLedger>, settled = 9): MediatorLedger => ({
  records: { received: 100, redelivered: 0 },
  batches: { received: 10, settled, unsettled: 1 },
  destinations: { a: { ...destination, ...one } }
})

test('a ledger whose equations hold has nothing to say', () => {
  assert.deepEqual(checkLedger(ledger({})), [])
})

test('a difference of one is told, in whichever equation', () => {
  assert.equal(checkLedger(ledger({ sent: 81 })).length, 1)
  assert.equal(checkLedger(ledger({ filtered: 9 })).length, 1)
  assert.equal(checkLedger(ledger({ queued: 4 })).length, 1)
  assert.equal(checkLedger(ledger({ dropped: { ...dropped, shutdown: 6 } })).length, 1)
  assert.equal(checkLedger(ledger({}, 8)).length, 1)
})

test('every reason is of the closed list of the ledger', () => {
  for (const reason of destinationDropReasons) assert.ok(dropReasons.includes(reason))
})
