import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { feed, settle } from './support/feed.ts'
import { MemoryShelf } from './support/memory-shelf.ts'
import { FIELDS, recordHex } from './support/messages.ts'
import { dropsOf, startRig, type Rig } from './support/rig.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-quarantine-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The same octets by another layout. */
const OTHER = '2:4 8:4'
const TIME = 1_700_000_000

const at = (sequence: number, exportTimeSec: number) => buildMessage({ sequence, exportTimeSec })
const v9 = (sequence: number, exportTimeSec: number, bootSec: number) =>
  buildV9({ sequence, exportTimeSec, sysUpTimeMs: (exportTimeSec - bootSec) * 1000 })
const domainOf = (rig: Rig) => [...rig.collector.parts.sessions.values()][0].domains.get(1)!
const layoutsOf = (rig: Rig): string[] => rig.link.entries.map(({ layout, hex }) => `${layout.fields[0].id} ${hex}`)
const namesOf = (rig: Rig): string[] =>
  rig.events.map(({ event }) => event).filter(name => name.startsWith('quarantine'))

/** IPFIX: template 256 and 2000 records in order, so that the numbers mean something. */
function begin(rig: Rig): void {
  feed(rig, at(0, TIME).template(256, FIELDS).octets())
  for (let index = 0; index < 20; index++) {
    const records = Array.from({ length: 100 }, (_, at) => recordHex(index * 100 + at))
    feed(
      rig,
      at(index * 100, TIME + index)
        .data(256, ...records)
        .octets()
    )
  }
  assert.equal(rig.link.records, 2000)
  rig.link.entries.length = 0
}

describe('F-54 an exporter that restarts', () => {
  test('and gives its id another definition: not one record by the old one, every record by the new one', async t => {
    const rig = await startRig(t)
    begin(rig)
    for (let index = 0; index < 5; index++)
      feed(
        rig,
        at(index, TIME + 100 + index)
          .data(256, recordHex(index))
          .octets()
      )
    const { dataSets } = rig.collector.parts.ledger
    assert.deepEqual([rig.link.entries.length, dataSets.pending], [0, 5])
    assert.deepEqual(rig.collector.parts.quarantine.began, { restart: 1, misfit: 0 })
    feed(
      rig,
      at(5, TIME + 105)
        .template(256, OTHER)
        .data(256, recordHex(5))
        .octets()
    )
    assert.deepEqual(
      layoutsOf(rig),
      [0, 1, 2, 3, 4, 5].map(value => `2 ${recordHex(value)}`)
    )
    assert.deepEqual([dataSets.pending, dropsOf(rig.collector)], [0, {}])
    assert.deepEqual(namesOf(rig), ['quarantine_began', 'quarantine_ended'])
    assert.equal(domainOf(rig).sequence.counts.restarts, 1)
  })

  test('and announces the same: everything goes on by it', async t => {
    const rig = await startRig(t)
    begin(rig)
    for (let index = 0; index < 3; index++)
      feed(
        rig,
        at(index, TIME + 100)
          .data(256, recordHex(index))
          .octets()
      )
    feed(
      rig,
      at(3, TIME + 101)
        .template(256, FIELDS)
        .octets()
    )
    assert.deepEqual(
      layoutsOf(rig),
      [0, 1, 2].map(value => `8 ${recordHex(value)}`)
    )
  })

  test('has what comes late from before decoded by what it was then, or dropped, and is not set back by it', async t => {
    const rig = await startRig(t)
    begin(rig)
    feed(
      rig,
      at(0, TIME + 100)
        .template(256, OTHER)
        .template(257, FIELDS)
        .octets()
    )
    feed(
      rig,
      at(1900, TIME + 19)
        .template(256, FIELDS)
        .data(257, recordHex(7))
        .octets()
    )
    feed(
      rig,
      at(1900, TIME + 19)
        .data(256, recordHex(8))
        .octets()
    )
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 2 } })
    feed(
      rig,
      at(0, TIME + 100)
        .data(256, recordHex(9))
        .octets()
    )
    assert.deepEqual(layoutsOf(rig), [`2 ${recordHex(9)}`])
  })

  test('of NetFlow v9 by its boot time, whatever its numbers are', async t => {
    const rig = await startRig(t)
    for (let index = 0; index < 4; index++) {
      feed(
        rig,
        v9(index, TIME, TIME - 500)
          .template(256, FIELDS)
          .data(256, recordHex(index))
          .octets()
      )
    }
    rig.link.entries.length = 0
    feed(
      rig,
      v9(4, TIME + 100, TIME + 90)
        .data(256, recordHex(4))
        .octets()
    )
    assert.deepEqual([layoutsOf(rig), rig.collector.parts.ledger.dataSets.pending], [[], 1])
    feed(
      rig,
      v9(5, TIME + 100, TIME + 90)
        .template(256, OTHER)
        .octets()
    )
    assert.deepEqual(layoutsOf(rig), [`2 ${recordHex(4)}`])
  })

  test('is not one of NetFlow v9 that has its clock set: its numbers go on', async t => {
    const rig = await startRig(t)
    const from = 100_000
    feed(
      rig,
      v9(from, TIME, TIME - 500)
        .template(256, FIELDS)
        .octets()
    )
    for (let index = 1; index < 10; index++) {
      const bootSec = index < 5 ? TIME - 500 : TIME + 3_100
      const exportTimeSec = index < 5 ? TIME : TIME + 3_600
      feed(
        rig,
        v9(from + index, exportTimeSec, bootSec)
          .data(256, recordHex(index))
          .octets()
      )
    }
    assert.deepEqual([rig.link.records, rig.collector.parts.ledger.dataSets.pending], [9, 0])
  })

  test('has what waited from before it began anew dropped, because no template of then can come', async t => {
    const rig = await startRig(t)
    begin(rig)
    feed(
      rig,
      at(2000, TIME + 20)
        .data(300, recordHex(1))
        .octets()
    )
    feed(
      rig,
      at(0, TIME + 100)
        .data(300, recordHex(2))
        .octets()
    )
    feed(
      rig,
      at(1, TIME + 100)
        .template(300, FIELDS)
        .octets()
    )
    assert.deepEqual(layoutsOf(rig), [`8 ${recordHex(2)}`])
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 1 } })
  })

  test('is not believed to when its Message was malformed', async t => {
    const rig = await startRig(t)
    begin(rig)
    feed(
      rig,
      at(0, TIME + 100)
        .data(256, recordHex(1))
        .lie({ setLength: 400 })
        .octets()
    )
    assert.equal(domainOf(rig).suspicion, undefined)
    feed(
      rig,
      at(2000, TIME + 21)
        .data(256, recordHex(2))
        .octets()
    )
    assert.deepEqual(layoutsOf(rig), [`8 ${recordHex(2)}`])
  })

  test('TH-03 but has not, because the former numbers go on: everything goes on as before', async t => {
    const rig = await startRig(t)
    begin(rig)
    feed(
      rig,
      at(0, TIME + 20)
        .data(256, recordHex(1))
        .octets()
    )
    assert.deepEqual(layoutsOf(rig), [])
    feed(
      rig,
      at(2000, TIME + 21)
        .data(256, recordHex(2))
        .octets()
    )
    assert.deepEqual(
      layoutsOf(rig),
      [1, 2].map(value => `8 ${recordHex(value)}`)
    )
    assert.deepEqual(rig.collector.parts.quarantine.ended, { announced: 0, no_restart: 1, template_ended: 0 })
  })

  test('is not seen in loss, in late Messages, in copies, nor in numbers that mean nothing', async t => {
    const rig = await startRig(t)
    begin(rig)
    const numbers = [2000, 2010, 2003, 2003, 90_000, 89_999, 89_999]
    for (const sequence of numbers)
      feed(
        rig,
        at(sequence, TIME + 30)
          .data(256, recordHex(1))
          .octets()
      )
    assert.equal(rig.link.records, numbers.length)
    const other = await startRig(t)
    feed(other, at(0, TIME).template(256, FIELDS).octets())
    for (const sequence of [7, 7, 7, 3, 900, 12, 0, 55]) {
      feed(
        other,
        at(sequence, TIME + 30)
          .data(256, recordHex(1), recordHex(2))
          .octets()
      )
    }
    assert.equal(other.link.records, 16)
  })
})

describe('a Data Set that does not fit its template', () => {
  test('waits with later ones of its id, until the template is announced, and is believed then', async t => {
    const rig = await startRig(t)
    begin(rig)
    const odd = at(2000, TIME + 20)
      .data(256, `${recordHex(1)}01`)
      .octets()
    feed(rig, odd)
    feed(
      rig,
      at(2001, TIME + 20)
        .data(256, recordHex(2))
        .octets()
    )
    assert.deepEqual([layoutsOf(rig), rig.collector.parts.pending.heldSets], [[], 2])
    feed(
      rig,
      at(2002, TIME + 20)
        .template(256, FIELDS)
        .octets()
    )
    assert.deepEqual(
      layoutsOf(rig),
      [1, 2].map(value => `8 ${recordHex(value)}`)
    )
    feed(rig, odd)
    assert.equal(rig.link.records, 3)
    assert.deepEqual(rig.collector.parts.quarantine.counts, { sets: 2, octets: 17 })
  })

  test('of a hint waits, though it waited for a template before', async t => {
    const rig = await startRig(t)
    feed(rig, at(0, TIME).data(300, 'c000020101').octets())
    feed(rig, at(1, TIME).data(300, 'c0000202').octets())
    const { layouts, intake, pending } = rig.collector.parts
    const domain = domainOf(rig)
    domain.table.restore(300, layouts.intern([{ pen: 0, id: 8, length: 4 }], 0), 0, 0)
    intake.release(domain, 300)
    assert.deepEqual([rig.link.entries.length, pending.heldSets], [0, 2])
    feed(rig, at(2, TIME).template(300, '8:4').octets())
    assert.deepEqual(layoutsOf(rig), ['8 c0000201', '8 c0000202'])
  })

  test('R7011-7-3 past its end discards its Message, and the next data of the id waits', async t => {
    const rig = await startRig(t)
    feed(rig, at(0, TIME).template(256, '82:v').data(256, '0161').octets())
    feed(rig, at(1, TIME).data(256, 'c861').octets())
    assert.deepEqual(dropsOf(rig.collector), { messages: { data_malformed: 1 } })
    feed(rig, at(1, TIME).data(256, '0162').octets())
    assert.deepEqual(rig.link.hex, ['0161'])
    feed(rig, at(2, TIME).template(256, '82:v').octets())
    assert.deepEqual(rig.link.hex, ['0161', '0162'])
    feed(rig, at(2, TIME).data(256, 'c861').octets())
    feed(rig, at(2, TIME).data(256, '0163').octets())
    assert.deepEqual(rig.link.hex, ['0161', '0162', '0163'])
  })
})

describe('Data Sets in quarantine', () => {
  test('wait on disk, through a restart of ours, and go on only by the word of the exporter', async t => {
    const pendingSpoolPath = join(folder, 'pending.db')
    const clock = new FakeClock()
    const first = await startRig(t, { pendingSpoolPath, clock })
    begin(first)
    for (let index = 0; index < 3; index++)
      feed(
        first,
        at(index, TIME + 100)
          .data(256, recordHex(index))
          .octets()
      )
    await clock.advanceAsync(2000, 1000)
    assert.equal(first.collector.parts.spool.stats.heldSets, 3)
    await first.stop()
    const second = await startRig(t, { pendingSpoolPath, clock })
    feed(
      second,
      at(3, TIME + 110)
        .data(300, '00')
        .octets()
    )
    const { layouts, intake } = second.collector.parts
    const domain = domainOf(second)
    const fields = [2, 8].map(id => ({ pen: 0, id, length: 4 }))
    domain.table.restore(256, layouts.intern(fields, 0), 0, 0)
    for (let index = 0; index < 3; index++)
      feed(
        second,
        at(4 + index, TIME + 110)
          .template(299, FIELDS)
          .octets()
      )
    intake.releaseAll(domain)
    await settle()
    assert.deepEqual(layoutsOf(second), [])
    feed(
      second,
      at(7, TIME + 111)
        .template(256, OTHER)
        .octets()
    )
    await settle()
    assert.deepEqual(
      layoutsOf(second),
      [0, 1, 2].map(value => `2 ${recordHex(value)}`)
    )
  })

  test('are not put on a shelf, where a pod that does not know of the restart would decode them', async t => {
    const shelf = new MemoryShelf()
    const clock = new FakeClock()
    const rig = await startRig(t, { store: shelf.ring(), clock })
    begin(rig)
    feed(
      rig,
      at(0, TIME + 100)
        .data(256, recordHex(1))
        .newSet()
        .data(300, '00')
        .octets()
    )
    await clock.advanceAsync(3000, 1000)
    assert.deepEqual([shelf.sets, rig.collector.parts.spool.stats.heldSets], [1, 1])
  })

  test('are bounded and dropped as others that wait', async t => {
    const clock = new FakeClock()
    const rig = await startRig(t, { clock, limits: { pendingSetsPerSession: 2 } })
    begin(rig)
    for (let index = 0; index < 3; index++)
      feed(
        rig,
        at(index, TIME + 100)
          .data(256, recordHex(1))
          .octets()
      )
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { pending_evicted: 1 } })
    clock.advance(31_000)
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { pending_evicted: 1, pending_expired: 2 } })
    assert.deepEqual([rig.collector.parts.pending.heldSets, rig.collector.parts.pending.heldOctets], [0, 0])
  })
})
