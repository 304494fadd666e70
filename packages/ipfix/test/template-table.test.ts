import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaultLimits, LayoutTable, TemplateBudget, templateHeapOctets, TemplateTable } from '@weir/ipfix'
import { fieldsOf } from '@weir/ipfix/testing'
import type { ProtocolLimits, TemplateEvent, Transport } from '@weir/ipfix'

const layouts = new LayoutTable()
const a = layouts.intern(fieldsOf('8:4 12:4'), 0)
const b = layouts.intern(fieldsOf('8:4 12:4 1:8'), 0)
const options = layouts.intern(fieldsOf('149:4 41:8'), 1)
for (const layout of [a, b, options]) layouts.retain(layout)

interface TableOptions {
  readonly transport?: Transport
  readonly limits?: Partial<ProtocolLimits>
  readonly budget?: TemplateBudget
  readonly onEvicted?: (event: TemplateEvent) => void
}

function tableOf({ transport = 'udp', limits, budget, onEvicted }: TableOptions = {}): TemplateTable {
  return new TemplateTable({ odid: 1, transport, layouts, limits: { ...defaultLimits, ...limits }, budget, onEvicted })
}

const ids = (table: TemplateTable): number[] => Array.from(table.entries(), ({ templateId }) => templateId)

describe('TemplateTable', () => {
  test('learns, refreshes, redefines and withdraws, and counts its generation with each change', () => {
    const table = tableOf({ transport: 'tcp' })
    assert.equal(table.define(256, a, 1), 'learned')
    assert.equal(table.generation, 1)
    assert.equal(table.define(256, a, 2), 'refreshed')
    assert.equal(table.generation, 1)
    assert.equal(table.define(256, b, 3), 'redefined')
    assert.equal(table.generation, 2)
    assert.equal(table.get(256), b)
    assert.equal(table.octets, b.templateOctets)
    assert.equal(table.withdraw(256)?.layout, b)
    assert.equal(table.withdraw(256), undefined)
    assert.deepEqual([table.size, table.octets, table.generation], [0, 0, 3])
  })

  test('withdraws all Templates or all Options Templates', () => {
    const table = tableOf({ transport: 'tcp' })
    table.define(256, a, 0)
    table.define(257, options, 0)
    assert.equal(table.withdrawAll(false), 1)
    assert.deepEqual(ids(table), [257])
    assert.equal(table.withdrawAll(true), 1)
    assert.deepEqual(ids(table), [])
  })

  test('withdraws by what a template is now, not by what it was', () => {
    const table = tableOf({ transport: 'tcp' })
    table.define(256, options, 0)
    table.define(256, a, 0)
    assert.deepEqual([table.withdrawAll(true), table.withdrawAll(false)], [0, 1])
    table.define(256, a, 0)
    table.define(256, options, 0)
    assert.deepEqual([table.withdrawAll(false), table.withdrawAll(true)], [0, 1])
  })

  test('holds a UDP template for an hour, then for three of its longest intervals, within bounds (D8)', () => {
    const table = tableOf()
    const entry = () => table.entry(256)?.expiresAtMs ?? 0
    table.define(256, a, 0)
    assert.equal(entry(), 3_600_000)
    table.define(256, a, 900_000)
    assert.equal(entry(), 900_000 + 3_600_000, 'one refresh says little yet')
    table.define(256, a, 1_000_000)
    assert.equal(entry(), 1_000_000 + 2_700_000, 'three times 900 s')
    const quick = tableOf()
    for (const nowMs of [0, 1000, 2000]) quick.define(256, a, nowMs)
    assert.equal(quick.entry(256)?.expiresAtMs, 2000 + 1_800_000)
    const fixed = tableOf({ limits: { templateLifetimeFixedMs: 5 } })
    fixed.define(256, a, 1)
    assert.equal(fixed.entry(256)?.expiresAtMs, 6)
  })

  test('ends what has expired, once, and never a template of a connection', () => {
    const table = tableOf()
    table.define(256, a, 0)
    table.define(257, b, 1)
    const ended: string[] = []
    assert.equal(
      table.expire(3_600_000, (change, entry) => ended.push(`${change} ${entry.templateId}`)),
      1
    )
    assert.deepEqual(ended, ['expired 256'])
    assert.deepEqual(ids(table), [257])
    const connection = tableOf({ transport: 'tcp' })
    connection.define(256, a, 0)
    assert.equal(connection.expire(Number.MAX_SAFE_INTEGER), 0)
  })

  test('takes a stored template only where the wire has said nothing, and gives way to it', () => {
    const table = tableOf()
    assert.equal(table.restore(256, a, 0, 10), true)
    assert.equal(table.entry(256)?.source, 'store')
    assert.equal(table.entry(256)?.expiresAtMs, 3_600_000, 'by when the exporter announced it')
    assert.equal(table.define(256, a, 20), 'refreshed')
    assert.deepEqual([table.entry(256)?.source, table.entry(256)?.isHint], ['wire', false])
    assert.equal(table.restore(256, b, 30, 30), false)
    assert.equal(table.get(256), a)
    assert.equal(table.restore(257, b, 0, 3_600_000), false, 'expired meanwhile')
  })

  test('D8 keeps a template from a store as long as who stored it said, and longer when it was seen again', () => {
    const table = tableOf()
    const lifetimeMs = 7_200_000
    assert.equal(table.restore(256, a, 0, 3_600_000, 'store', lifetimeMs), true)
    const entry = table.entry(256)!
    assert.equal(entry.expiresAtMs, lifetimeMs)
    table.renew(entry, 1_000_000, lifetimeMs)
    assert.deepEqual([entry.lastSeenMs, entry.expiresAtMs], [1_000_000, 1_000_000 + lifetimeMs])
    table.renew(entry, 500_000, lifetimeMs)
    assert.equal(entry.expiresAtMs, 1_000_000 + lifetimeMs, 'older news change nothing')
    assert.equal(entry.isHint, true)
    table.define(256, a, 4_000_000)
    table.renew(entry, 5_000_000, lifetimeMs)
    assert.deepEqual([entry.source, entry.isHint, entry.expiresAtMs], ['wire', false, 5_000_000 + lifetimeMs])
    const restored = tableOf()
    restored.restore(256, a, 0, 0, 'store', 10 ** 12)
    assert.equal(restored.entry(256)!.expiresAtMs, 259_200_000, 'within the limits')
  })

  test('drops all hints at the first definition that contradicts one (D15)', () => {
    const table = tableOf()
    for (const templateId of [256, 257, 258]) table.define(templateId, a, 0)
    table.markStale(1000)
    assert.equal(table.entry(256)?.expiresAtMs, 1000 + 1_800_000)
    table.define(258, a, 2000)
    const ended: number[] = []
    assert.equal(
      table.define(256, b, 3000, (_change, entry) => ended.push(entry.templateId)),
      'redefined'
    )
    assert.deepEqual(ended, [257])
    assert.deepEqual(ids(table), [256, 258])
  })

  test('TH-10 remembers a rejected id until it is defined, but not over a live definition', () => {
    const table = tableOf()
    table.reject(256)
    assert.equal(table.isRejected(256), true)
    table.define(256, a, 0)
    assert.equal(table.isRejected(256), false)
    table.reject(256)
    assert.equal(table.isRejected(256), false)
  })

  test('TH-09 evicts the template that was idle for longest when it is full (L-10)', () => {
    const table = tableOf({ limits: { templatesPerDomain: 3 } })
    for (const templateId of [257, 258, 256]) {
      table.define(templateId, a, 0)
      const entry = table.entry(templateId)
      if (entry !== undefined) table.use(entry, 1, templateId === 256 ? 50_000 : 0)
    }
    const ended: string[] = []
    const note = (change: string, entry: { templateId: number }) => ended.push(`${change} ${entry.templateId}`)
    assert.equal(table.define(259, a, 70_000, note), 'learned')
    assert.equal(table.define(260, a, 70_000, note), 'learned')
    assert.equal(table.define(261, a, 70_000, note), 'learned')
    assert.deepEqual(ended, ['evicted 257', 'evicted 258', 'evicted 259'], 'those in use stay')
    assert.deepEqual(ids(table), [256, 260, 261])
    assert.equal(table.evicted, 3)
  })

  test('refuses a template when all that it has are in use', () => {
    const table = tableOf({ limits: { templatesPerDomain: 1 } })
    table.define(256, a, 0)
    const entry = table.entry(256)
    if (entry !== undefined) table.use(entry, 1, 100)
    assert.equal(table.define(257, a, 200), undefined)
    assert.deepEqual(ids(table), [256])
    assert.equal(table.define(257, a, 60_100), 'learned')
  })

  test('keeps to its octets, also when a template grows (L-13)', () => {
    const table = tableOf({ limits: { templateOctetsPerDomain: a.templateOctets + 2 } })
    table.define(256, a, 0)
    assert.equal(table.define(256, b, 0), undefined)
    assert.equal(table.get(256), a, 'the former one stays (TH-10)')
  })

  test('gives every Layout back when it is closed', () => {
    const own = new LayoutTable()
    const released: number[] = []
    const watched = new LayoutTable(layout => released.push(layout.id))
    const budget = new TemplateBudget()
    const table = new TemplateTable({ odid: 1, transport: 'udp', layouts: watched, budget })
    table.define(256, watched.intern(fieldsOf('8:4'), 0), 0)
    table.define(257, watched.intern(fieldsOf('8:4'), 0), 0)
    table.close()
    assert.deepEqual([table.size, watched.size, budget.templates, budget.octets], [0, 0, 0, 0])
    assert.deepEqual(released, [1])
    assert.equal(own.size, 0)
  })

  test('is unharmed by the use of an entry that has ended', () => {
    const table = tableOf({ transport: 'tcp' })
    table.define(256, a, 0)
    const entry = table.entry(256)
    table.withdraw(256)
    if (entry !== undefined) table.use(entry, 1, 0)
    assert.equal(table.evictIdle(1e9, true), false)
  })
})

describe('TemplateBudget', () => {
  test('bounds the tables that share it, and each parent above (L-11, L-12)', () => {
    const all = new TemplateBudget({ templates: 3 })
    const one = new TemplateBudget({ templates: 2, parent: all })
    const other = new TemplateBudget({ templates: 2, parent: all })
    const first = tableOf({ budget: one })
    const second = tableOf({ budget: other })
    for (const templateId of [256, 257]) assert.equal(first.define(templateId, a, 0), 'learned')
    assert.equal(first.define(258, a, 0), 'learned', 'its own oldest makes room')
    assert.deepEqual(ids(first), [257, 258])
    assert.equal(second.define(256, a, 0), 'learned')
    assert.equal(all.templates, 3)
    assert.equal(second.define(257, a, 0), 'learned')
    assert.deepEqual([ids(first), ids(second)], [[257, 258], [257]], 'another exporter loses nothing that is fresh')
  })

  test('takes idle templates of unverified sessions before those of others, and says so', () => {
    const budget = new TemplateBudget({ templates: 3 })
    const evicted: string[] = []
    const verified = tableOf({ budget, onEvicted: event => evicted.push(`verified ${event.templateId}`) })
    verified.isVerified = true
    const unverified = tableOf({ budget, onEvicted: event => evicted.push(`unverified ${event.templateId}`) })
    verified.define(256, a, 0)
    unverified.define(257, a, 0)
    const asking = tableOf({ budget })
    asking.define(258, a, 0)
    const entry = asking.entry(258)
    if (entry !== undefined) asking.use(entry, 1, 100_000)
    assert.equal(asking.define(259, a, 100_000), 'learned')
    const next = asking.entry(259)
    if (next !== undefined) asking.use(next, 1, 100_000)
    assert.equal(asking.define(260, a, 100_000), 'learned')
    const last = asking.entry(260)
    if (last !== undefined) asking.use(last, 1, 100_000)
    assert.deepEqual(evicted, ['unverified 257', 'verified 256'])
    assert.equal(asking.define(261, a, 100_000), undefined)
    assert.equal(budget.refused, 1)
  })

  test('follows the size of a template that is redefined', () => {
    const budget = new TemplateBudget()
    const table = tableOf({ budget })
    for (const layout of [a, b, options, b]) {
      table.define(256, layout, 0)
      assert.deepEqual([budget.templates, budget.octets], [1, templateHeapOctets(layout)])
    }
  })

  test('bounds the heap octets, also when a template grows', () => {
    const budget = new TemplateBudget({ octets: templateHeapOctets(a) })
    const table = tableOf({ budget })
    assert.equal(table.define(256, a, 0), 'learned')
    assert.equal(table.define(256, b, 0), undefined)
    assert.equal(table.get(256), a)
    table.withdraw(256)
    assert.equal(budget.octets, 0)
  })
})

test('tables that share a count of sources keep it, through all that ends a template', () => {
  const layouts = new LayoutTable()
  const sources = { wire: 0, store: 0, file: 0, sibling: 0 }
  const table = new TemplateTable({ odid: 1, transport: 'udp', layouts, sources })
  const layout = layouts.intern([{ pen: 0, id: 8, length: 4 }], 0)
  const other = layouts.intern([{ pen: 0, id: 12, length: 4 }], 0)
  table.define(256, layout, 0)
  table.restore(257, layout, 0, 0)
  table.restore(258, layout, 0, 0, 'sibling')
  assert.deepEqual(sources, { wire: 1, store: 1, file: 0, sibling: 1 })
  table.define(257, layout, 1)
  assert.deepEqual(sources, { wire: 2, store: 0, file: 0, sibling: 1 })
  table.define(258, other, 1)
  assert.deepEqual(sources, { wire: 3, store: 0, file: 0, sibling: 0 })
  table.withdraw(256)
  assert.equal(sources.wire, 2)
  table.expire(1e12)
  table.define(300, layout, 1e12)
  table.close()
  assert.deepEqual(sources, { wire: 0, store: 0, file: 0, sibling: 0 })
})
