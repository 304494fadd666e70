import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ledgerTable, pipelineTable, statusTable } from '../../src/ctl/document-tables.ts'

const rowsOf = (table: string): string[] => table.split('\n').map(line => line.trim().replaceAll(/ +/g, ' '))

const ledger = {
  collector: {
    messages: { received: 9, decodedOk: 7, decodedPartial: 1, dropped: { malformed: 1, tooLong: 0 } },
    dataSets: { received: 8, takenOver: 0, decoded: 6, pending: 2, handedOver: 0, dropped: {} },
    records: { decoded: 60, filtered: 10, admitted: 50, held: 0, dropped: {} }
  },
  mediator: { destinations: { out: { matched: 50, filtered: 5, sent: 40, queued: 2, dropped: { full: 3 } } } },
  equations: [{ name: 'a = b', left: 1, right: 1, holds: true }]
}

test('a ledger has rows of what came and what became of it', () => {
  assert.deepEqual(rowsOf(ledgerTable(ledger)), [
    'WHERE WHAT RECEIVED FILTERED PASSED ON WAITING DROPPED',
    'collector messages 9 - 8 - malformed=1',
    'collector data sets 8 - 6 2 0',
    'collector records 60 10 50 0 0',
    'destination out records 50 5 40 2 full=3',
    'It is closed: every equation holds.',
    ''
  ])
})

test('the ledger of a fleet has the rows of every pod that answers, and names the equation that does not hold', () => {
  const equations = [{ name: 'a = b', left: 1, right: 2, holds: false }]
  const items = [
    { pod: 'one', ledger: { ...ledger, collector: null, mediator: null, equations } },
    { pod: 'two', ledger: null }
  ]
  assert.deepEqual(rowsOf(ledgerTable({ items })).slice(1), [
    'one collector away',
    'one mediator away',
    'one: a = b: 1 is not 2',
    ''
  ])
  assert.equal(ledgerTable({ items: [{ pod: 'two', ledger: null }] }), 'No pod answers.\n')
})

test('a pipeline has a row for each hop', () => {
  const node = { kind: 'destination', name: 'out', state: 'ready' }
  const nodes = [
    {
      ...node,
      counters: [{ name: 'sent', unit: 'records', total: 40, perSec: 2.25 }],
      queue: { records: 2, dataSets: null, batches: 1, octets: 0, limitOctets: 99 },
      drops: [{ reason: 'full', unit: 'records', total: 3, perSec: null }]
    },
    { ...node, name: 'none', counters: [], queue: null, drops: [] }
  ]
  const [heading, ...rows] = rowsOf(pipelineTable({ items: [{ pod: 'one', pipeline: { nodes } }] }))
  assert.equal(heading, 'POD KIND NAME STATE WAITING DROPPED COUNTED (PER SECOND)')
  assert.deepEqual(rows, [
    'one destination out ready 2 records, 1 batches full 3 records sent 40 records (2.3)',
    'one destination none ready - 0',
    ''
  ])
})

test('how each pod stands to the configuration is one row', () => {
  const status = { revision: { number: 3 }, newest: { number: 4 }, store: 'up', isConverged: false, reason: 'taken' }
  assert.deepEqual(rowsOf(statusTable({ document: {}, items: [{ pod: 'one', status }] })), [
    'POD REVISION NEWEST STORE CONVERGED REASON',
    'one 3 4 up no taken',
    ''
  ])
})
