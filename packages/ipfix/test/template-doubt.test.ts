import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildMessage, TestSession } from '@weir/ipfix/testing'

const A = '8:4 2:4'
const B = '2:4 8:4'
const record = 'c000020100000001'
const guarded = (): TestSession => new TestSession({ isGuarded: true })
const at = (sequence: number, exportTimeSec = 100) => buildMessage({ sequence, exportTimeSec })
const tableOf = (session: TestSession) => session.tables.get(1)!

/** A session that has announced A for 256 and 257, with a Message of data after it. */
function known(): TestSession {
  const session = guarded()
  session.decode(at(0).template(256, A).template(257, A).data(256, record))
  return session
}

describe('a guarded table: D15 a Set that does not fit its template', () => {
  const misfits: Record<string, string> = {
    'is shorter than a record': '0000',
    'has a rest that is not zero': `${record}000001`
  }
  for (const [what, body] of Object.entries(misfits)) {
    test(`${what}: it waits, and later ones of the id, and no other`, () => {
      const session = known()
      assert.deepEqual(session.decode(at(1).data(256, body)).log, [
        'message 10',
        'DATA_MISFIT 256',
        'unknown 256 misfit'
      ])
      const next = session.decode(at(2).data(256, record).newSet().data(257, record))
      assert.deepEqual(next.log, ['message 10', 'unknown 256 misfit', 'data 257 x1'])
    })
  }

  test('takes what came before it in its Message with it, whole', () => {
    const session = known()
    const seen = session.decode(at(1).data(256, record).pad(3).newSet().data(257, record).newSet().data(256, '0001'))
    assert.deepEqual(seen.log, [
      'message 10',
      'unknown 256 misfit',
      'data 257 x1',
      'DATA_MISFIT 256',
      'unknown 256 misfit'
    ])
    assert.deepEqual(
      seen.unknownSets.map(({ lengthOctets }) => lengthOctets),
      [11, 2]
    )
  })

  test('is believed once the same template was announced again', () => {
    const session = known()
    session.decode(at(1).data(256, `${record}01`))
    assert.deepEqual(session.decode(at(2).template(256, A).data(256, `${record}01`)).log, [
      'message 10',
      'refreshed 256',
      'NONZERO_PADDING 256',
      'data 256 x1'
    ])
    assert.deepEqual(session.decode(at(3).data(256, `${record}01`)).codes, ['NONZERO_PADDING'])
    session.decode(at(4).template(256, B))
    assert.deepEqual(session.decode(at(4).data(256, `${record}01`)).codes, ['DATA_MISFIT'], 'not of another definition')
  })

  test('is ended by another definition, and not by an announcement of before', () => {
    const session = known()
    session.decode(at(5).data(256, `${record}01`))
    assert.deepEqual(session.decode(at(4).template(256, A)).log, ['message 10', 'TEMPLATE_LATE 256'])
    assert.deepEqual(session.decode(at(5).data(256, record)).log, ['message 10', 'unknown 256 misfit'])
    assert.deepEqual(session.decode(at(6).template(256, B).data(256, record)).log, [
      'message 10',
      'redefined 256',
      'data 256 x1'
    ])
  })

  test('R7011-3.3.1 zeros below a record are padding, any number behind what was announced, seven behind a hint', () => {
    const session = guarded()
    const wide = '82:20'
    const wideRecord = '61'.repeat(20)
    session.decode(at(0).template(256, wide).data(256, wideRecord).pad(19))
    const layout = session.layouts.intern([{ pen: 0, id: 82, length: 20 }], 0)
    tableOf(session).restore(300, layout, 0, 0)
    assert.deepEqual(session.decode(at(1).data(256, wideRecord).pad(19)).log, ['message 10', 'data 256 x1'])
    assert.deepEqual(session.decode(at(2).data(300, wideRecord).pad(7)).log, ['message 10', 'data 300 x1'])
    assert.deepEqual(session.decode(at(3).data(300, wideRecord).pad(8)).log, [
      'message 10',
      'DATA_MISFIT 300',
      'unknown 300 misfit'
    ])
  })

  test('of variable length: a hint that is overrun waits, what was announced discards the Message', () => {
    const session = guarded()
    session.decode(at(0).template(256, '82:v'))
    const layout = session.layouts.intern([{ pen: 0, id: 82, length: 65535 }], 0)
    tableOf(session).restore(300, layout, 0, 0)
    assert.equal(session.decode(at(0).data(256, 'c86162')).discarded, 'VARLEN_OVERRUN')
    assert.deepEqual(session.decode(at(0).data(300, 'c86162')).log, [
      'message 10',
      'DATA_MISFIT 300',
      'unknown 300 misfit'
    ])
    assert.equal(tableOf(session).entry(300)?.isHint, true)
  })

  test('does nothing if its Message is malformed further on', () => {
    const session = known()
    session.decode(at(1).data(256, '0001').newSet().data(257, record).lie({ setLength: 900 }))
    assert.deepEqual(session.decode(at(1).data(256, record)).log, ['message 10', 'data 256 x1'])
  })

  test('is what it is in a table that is not guarded', () => {
    const session = new TestSession()
    session.decode(at(0).template(256, A))
    assert.deepEqual(session.decode(at(0).data(256, `${record}01`)).log, [
      'message 10',
      'NONZERO_PADDING 256',
      'data 256 x1'
    ])
  })
})

describe('a guarded table: an exporter that has begun anew', () => {
  test('has nothing decoded by what it announced before, until it announces it', () => {
    const session = known()
    tableOf(session).beginEpoch(0)
    const seen = session.decode(at(0, 110).data(256, record).newSet().template(257, A).newSet().data(257, record))
    assert.deepEqual(seen.log, ['message 10', 'unknown 256 restart', 'refreshed 257', 'data 257 x1'])
    assert.deepEqual(session.decode(at(3, 110).template(256, B).data(256, record)).log, [
      'message 10',
      'redefined 256',
      'data 256 x1'
    ])
  })

  test('has Messages of before decoded by what was not announced since, and nothing defined by them', () => {
    const session = known()
    const table = tableOf(session)
    table.beginEpoch(0)
    session.decode(at(0, 110).template(256, B))
    table.isOutdated = true
    const late = at(1, 100).template(256, A).newSet().data(257, record).newSet().data(256, record)
    assert.deepEqual(session.decode(late).log, ['message 10', 'TEMPLATE_LATE 256', 'data 257 x1', 'data 256 x1'])
    assert.deepEqual(session.decode(at(1, 100).data(256, record)).log, ['message 10', 'unknown 256 outdated'])
    table.isOutdated = false
    assert.equal(session.templates()[256], B)
  })

  test('that has not after all has everything decoded as before', () => {
    const session = known()
    tableOf(session).beginEpoch(0)
    session.decode(at(0, 110).template(257, A))
    tableOf(session).undoEpoch()
    assert.deepEqual(session.decode(at(1).data(256, record).newSet().data(257, record)).log, [
      'message 10',
      'data 256 x1',
      'data 257 x1'
    ])
  })

  test('takes a hint of a store from before for doubtful, and another one not', () => {
    const session = known()
    const table = tableOf(session)
    table.beginEpoch(1000)
    const layout = session.layouts.intern([{ pen: 0, id: 8, length: 4 }], 0)
    assert.equal(table.restore(300, layout, 5500, 9000), true)
    assert.equal(table.restore(301, layout, 6500, 9000), true)
    const seen = session.decode(at(0, 110).data(300, 'c0000201').newSet().data(301, 'c0000201'))
    assert.deepEqual(seen.log, ['message 10', 'unknown 300 restart', 'data 301 x1'])
  })

  test('keeps what it announced since when it is marked stale', () => {
    const session = known()
    tableOf(session).beginEpoch(0)
    session.decode(at(0, 110).template(257, A))
    tableOf(session).markStale(0, true)
    assert.deepEqual(
      [256, 257].map(id => tableOf(session).entry(id)?.isHint),
      [true, false]
    )
  })
})

describe('a guarded table: a definition that replaces another', () => {
  test('does not decode what was sent before it, and nothing older replaces it', () => {
    const session = known()
    session.decode(at(10).template(256, B).data(256, record))
    assert.deepEqual(session.decode(at(9).data(256, record)).log, ['message 10', 'unknown 256 outdated'])
    assert.deepEqual(session.decode(at(9).template(256, A)).log, ['message 10', 'TEMPLATE_LATE 256'])
    assert.deepEqual(session.decode(at(11).data(256, record)).log, ['message 10', 'data 256 x1'])
    assert.deepEqual(
      session.decode(at(2 ** 31 + 20, 200).data(256, record)).log,
      ['message 10', 'data 256 x1'],
      'numbers wrap'
    )
    session.nowMs = 61_000
    tableOf(session).expire(61_000)
    assert.equal(tableOf(session).isDoubtful, false)
  })

  test('of a hint decodes what came before it too, and the other hints wait', () => {
    const session = guarded()
    const layout = session.layouts.intern([{ pen: 0, id: 8, length: 4 }], 0)
    session.decode(at(0).template(299, A))
    for (const id of [300, 301]) tableOf(session).restore(id, layout, 0, 0)
    session.decode(at(10).template(300, A))
    assert.deepEqual(session.decode(at(9).data(300, record)).log, ['message 10', 'data 300 x1'])
    assert.deepEqual(session.decode(at(11).data(301, 'c0000201')).log, ['message 10', 'unknown 301 restart'])
    assert.deepEqual(session.decode(at(12).template(301, '8:4').data(301, 'c0000201')).log, [
      'message 10',
      'refreshed 301',
      'data 301 x1'
    ])
  })
})
