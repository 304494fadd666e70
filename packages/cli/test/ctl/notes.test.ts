import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listNotes, standingNotes } from '../../src/ctl/notes.ts'

const status = (store: string, number: number, newest: number | null, reason: string | null = null) => ({
  store,
  isConverged: reason === null,
  reason,
  revision: { number },
  newest: newest === null ? null : { number: newest }
})
const report = (pod: string, detail: string | null = null) => ({ pod, isAnswered: detail === null, detail })

test('of a fleet that has one document in force everywhere nothing is said', () => {
  const items = ['a', 'b'].map(pod => ({ pod, status: status('up', 5, 5) }))
  assert.deepEqual(standingNotes({ pod: 'a', items, pods: [report('a'), report('b')], isPartial: false }), [])
})

test('the only pod of a fleet may have revisions of its own', () => {
  const items = [{ pod: 'a', status: status('own', 3, null) }]
  assert.deepEqual(standingNotes({ pod: 'a', items, pods: [report('a')], isPartial: false }), [])
})

test('pods that have not the newest revision are named with the reason, and those that are away', () => {
  const items = [
    { pod: 'a', status: status('up', 5, 5) },
    { pod: 'b', status: status('up', 4, 5, 'its port is taken') }
  ]
  const pods = [report('a'), report('b'), report('c', 'it refuses')]
  assert.deepEqual(standingNotes({ pod: 'a', items, pods, isPartial: true }), [
    'revision 5 is not in force everywhere: b (revision 4: its port is taken)',
    'this is not all: c (it refuses)'
  ])
})

test('a list that is cut says so; one without totals does not', () => {
  assert.deepEqual(listNotes({ items: [1], total: 2 }), ['1 of 2 are shown; --all shows all'])
  assert.deepEqual(listNotes({ items: [1] }), [])
})
