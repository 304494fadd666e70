import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { batchOf, flowBatch, flowLayout, flows, layoutOf, layouts, sourceOf } from '../../support/batches.ts'
import { Bench, fullPlan } from '../../support/encoding.ts'
import { numberOf } from '../../support/strict-reader.ts'
import type { Layout } from '@weir/ipfix'

const zeros = (length: number): Uint8Array => new Uint8Array(length)

test('R7011-3.1-5 the sequence number counts the Data Records before the Message, options data with them', () => {
  const bench = new Bench({ transport: 'udp' })
  const source = sourceOf()
  const options = layoutOf('149:4 41:8', 1)
  bench.write(flowBatch(source, 5))
  bench.write(batchOf([{ layout: options, source, records: [zeros(12), zeros(12), zeros(12)] }]))
  bench.write(flowBatch(source, 7))
  assert.deepEqual(
    bench.reader.messages.map(({ sequence }) => sequence),
    [0, 0, 5, 5, 8]
  )
})

test('R7011-8-4 a template goes before the first data that use it, over TCP in the same Message', () => {
  const bench = new Bench()
  bench.write(flowBatch(sourceOf(), 3))
  assert.equal(bench.reader.messages.length, 1)
  assert.equal(bench.reader.messages[0]!.templates.length, 1)
  assert.equal(bench.reader.records.length, 3)
})

test('R7011-8-4 over UDP the template has a Message of its own', () => {
  const bench = new Bench({ transport: 'udp' })
  bench.write(flowBatch(sourceOf(), 3))
  assert.deepEqual(
    bench.reader.messages.map(({ templates, records }) => [templates.length, records.length]),
    [
      [1, 0],
      [0, 3]
    ]
  )
})

test('R7011-8.1-6 a new session begins with all templates and the sequence 0', () => {
  const bench = new Bench()
  const source = sourceOf()
  bench.write(flowBatch(source, 3))
  bench.write(batchOf([{ layout: layoutOf('7:2 11:2'), source, records: [zeros(4)] }]))
  bench.encoder.beginSession()
  const second = new Bench()
  Object.assign(bench, { reader: second.reader })
  bench.tick()
  assert.equal(second.reader.messages[0]!.sequence, 0)
  assert.equal(second.reader.messages[0]!.templates.length, 2)
  bench.write(flowBatch(source, 1))
  assert.equal(second.reader.records.length, 1)
})

test('R7011-8.1-7 R7119-4.1-4 a template that no input uses any more is withdrawn over TCP, after its data', () => {
  const bench = new Bench()
  bench.write(flowBatch(sourceOf(), 3))
  bench.encoder.forgetLayout(flowLayout)
  bench.clock.advance(1_000)
  bench.tick()
  assert.deepEqual(bench.reader.messages.at(-1)!.withdrawals, [256])
  assert.deepEqual(bench.reader.liveIds(), [])
  // Input of that Layout that comes after all finds a template again.
  bench.write(flowBatch(sourceOf(), 1))
  assert.equal(bench.reader.records.length, 4)
})

test('R7011-8.1-7 a template that has been idle for too long is withdrawn', () => {
  const bench = new Bench({ templateIdleMs: 60_000 })
  bench.write(flowBatch(sourceOf(), 3))
  bench.clock.advance(59_000)
  bench.tick()
  assert.deepEqual(bench.reader.liveIds(), [256])
  bench.clock.advance(1_000)
  bench.tick()
  assert.deepEqual(bench.reader.liveIds(), [])
})

for (const transport of ['tcp', 'udp'] as const) {
  test(`R7011-8.2-1 R7011-8.4-5 10^4 random reconfigurations over ${transport}: no data without or before their template`, () => {
    const command = fc.record({
      what: fc.integer({ min: 0, max: 9 }),
      layout: fc.integer({ min: 0, max: 11 }),
      records: fc.integer({ min: 1, max: 40 }),
      afterMs: fc.integer({ min: 0, max: 400_000 })
    })
    const shapes = Array.from({ length: 12 }, (_, index) =>
      layoutOf(`8:4 ${50_000 % 7}:2 32473.${index + 1}:${(index % 7) + 1}`)
    )
    let written = 0
    fc.assert(
      fc.property(fc.array(command, { minLength: 100, maxLength: 100 }), commands => {
        const bench = new Bench({ transport, templateIdleMs: 1_000_000, maxTemplates: 8 })
        const source = sourceOf()
        let records = 0
        for (const { what, layout: index, records: count, afterMs } of commands) {
          const layout = shapes[index]!
          if (what <= 5) {
            bench.write(
              batchOf([{ layout, source, records: Array.from({ length: count }, () => zeros(layout.recordLength)) }])
            )
            records += count
          } else if (what <= 7) bench.encoder.forgetLayout(layout)
          else bench.clock.advance(afterMs)
          bench.tick()
          written++
        }
        assert.equal(bench.reader.records.length, records)
        assert.equal(bench.records, records)
      }),
      { numRuns: 100 }
    )
    assert.equal(written, 10_000)
  })
}

test('R7011-8.4-4 nothing is withdrawn over UDP', () => {
  const bench = new Bench({ transport: 'udp' })
  bench.write(flowBatch(sourceOf(), 3))
  bench.encoder.forgetLayout(flowLayout)
  bench.tick()
  bench.clock.advance(10_000_000)
  bench.tick()
  assert.deepEqual(
    bench.reader.messages.flatMap(({ withdrawals }) => withdrawals),
    []
  )
})

test('R7011-8.4-5 over UDP an id means something else only after three refresh intervals', () => {
  const bench = new Bench({ transport: 'udp', templateRefreshMs: 1_000, optionsRefreshMs: 1_000 })
  const source = sourceOf()
  const write = (index: number): number => {
    bench.write(batchOf([{ layout: layoutOf(`8:4 32473.${index}:2`), source, records: [zeros(6)] }]))
    bench.encoder.forgetLayout(layoutOf(`8:4 32473.${index}:2`))
    bench.tick()
    return bench.reader.records.at(-1)!.templateId
  }
  const ids = [write(1), write(2), write(3)]
  assert.equal(new Set(ids).size, 3)
})

test('R7011-10.3.3-1 no Message is longer than the path takes, unless one record alone is', () => {
  const bench = new Bench({ transport: 'udp' })
  const source = sourceOf()
  const long = layoutOf('8:4 82:v')
  const named = (length: number): Uint8Array => {
    const record = zeros(4 + 3 + length)
    record.set([0, 0, 0, 1, 255, length >> 8, length & 255])
    return record
  }
  bench.write(flowBatch(source, 100))
  assert.ok(bench.reader.messages.every(({ lengthOctets }) => lengthOctets <= 484))
  bench.write(
    batchOf([{ layout: long, source, records: [named(20), named(600), named(20), named(65_520), named(20)] }])
  )
  assert.equal(bench.reader.records.length, 104)
  const longest = bench.reader.messages.filter(({ lengthOctets }) => lengthOctets > 484)
  assert.deepEqual(
    longest.map(({ records }) => records.length),
    [1]
  )
  assert.equal(bench.tooBig, 1)
  assert.equal(bench.records, 104)
})

test('records that need several chunks keep their order', () => {
  const bench = new Bench({}, fullPlan, 70_000)
  bench.write(flowBatch(sourceOf(), 5_000))
  assert.deepEqual(
    bench.reader.records.map(record => numberOf(record, '32473.1')),
    Array.from({ length: 5_000 }, (_, index) => index)
  )
})

test('R7119-3-1 Export Time is ours, and does not go back with the clock', () => {
  const bench = new Bench()
  bench.write(flowBatch(sourceOf(), 1))
  const nowSec = Math.floor(bench.clock.nowMs() / 1000)
  assert.equal(bench.reader.messages[0]!.exportTimeSec, nowSec)
  bench.clock.stepWall(-3_600_000)
  bench.write(flowBatch(sourceOf(), 1))
  assert.equal(bench.reader.messages[1]!.exportTimeSec, nowSec)
})

test('R7119-3-2 delta times become absolute, so that a later Export Time does not move them', () => {
  const bench = new Bench({}, fullPlan)
  const layout = layoutOf('158:4 159:4 1:8')
  const record = zeros(16)
  const view = new DataView(record.buffer)
  view.setUint32(0, 5_000_000)
  view.setUint32(4, 1_000_000)
  bench.write(batchOf([{ layout, source: sourceOf(), records: [record], exportTimeSec: 1_700_000_000 }]))
  const [read] = bench.reader.records
  assert.equal(numberOf(read!, '152'), 1_699_999_995_000)
  assert.equal(numberOf(read!, '153'), 1_699_999_999_000)
})

test('R7119-4.1.1-1 equal elements in another order become one template', () => {
  const bench = new Bench()
  const one = layoutOf('8:4 12:4')
  const other = layoutOf('12:4 8:4')
  const record = Uint8Array.of(10, 0, 0, 1, 10, 0, 0, 2)
  bench.write(batchOf([{ layout: one, source: sourceOf(), records: [record] }]))
  bench.write(batchOf([{ layout: other, source: sourceOf(), records: [record] }]))
  assert.equal(bench.encoder.state.templates, 1)
  assert.deepEqual(
    bench.reader.records.map(read => [...read.values.get('8')!]),
    [
      [10, 0, 0, 1],
      [10, 0, 0, 2]
    ]
  )
})

test('R7119-4.1.1-2 another order of scope fields is another options template', () => {
  const bench = new Bench()
  const source = sourceOf()
  bench.write(batchOf([{ layout: layoutOf('302:8 10:4 41:8', 2), source, records: [zeros(20)] }]))
  bench.write(batchOf([{ layout: layoutOf('10:4 302:8 41:8', 2), source, records: [zeros(20)] }]))
  const templates = bench.reader.messages.flatMap(message => message.templates)
  assert.deepEqual(
    templates.map(({ id, scopeCount, fields }) => [id, scopeCount, fields[0]!.id]),
    [
      [256, 2, 302],
      [257, 2, 10]
    ]
  )
})

test('R7119-4.2-1 a thousand exporters of one Layout share one template', () => {
  const bench = new Bench({}, fullPlan)
  for (let index = 0; index < 1_000; index++) {
    const address = zeros(16)
    address.set([10, 0, index >> 8, index & 255])
    bench.write(flowBatch(sourceOf({ address, odid: index }), 1))
  }
  assert.equal(bench.encoder.state.templates, 1)
  assert.equal(bench.reader.records.length, 1_000)
})

test('R7119-4.2-1 the template unused for longest goes when there are too many', () => {
  const bench = new Bench({ maxTemplates: 3 })
  const source = sourceOf()
  for (let index = 1; index <= 5; index++) {
    bench.clock.advance(1)
    bench.write(batchOf([{ layout: layoutOf(`8:4 32473.${index}:2`), source, records: [zeros(6)] }]))
    bench.tick()
  }
  assert.deepEqual(bench.reader.liveIds(), [258, 259, 260])
  assert.equal(bench.reader.records.length, 5)
})

test('R7119-4.3-1 unknown and enterprise elements pass unchanged', () => {
  const bench = new Bench({}, fullPlan)
  const layout = layoutOf('8:4 32473.7:5 9999:3')
  bench.write(
    batchOf([{ layout, source: sourceOf(), records: [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)] }])
  )
  const [read] = bench.reader.records
  assert.deepEqual([...read!.values.get('32473.7')!], [5, 6, 7, 8, 9])
  assert.deepEqual([...read!.values.get('9999')!], [10, 11, 12])
})

test('R7119-5-1 R7119-6-3 each record says who exported it and in which domain', () => {
  const bench = new Bench({}, fullPlan)
  bench.write(flowBatch(sourceOf({ odid: 77 }), 1))
  const [read] = bench.reader.records
  assert.deepEqual([...read!.values.get('403')!], [192, 0, 2, 1])
  assert.equal(numberOf(read!, '405'), 77)
  assert.equal(numberOf(read!, '258'), 1_700_000_000_500)
})

test('R7119-5-2 R7119-6-3 in a cascade the first origin stays, once', () => {
  const bench = new Bench({}, fullPlan)
  const layout = layoutOf('8:4 403:4 405:4')
  bench.write(batchOf([{ layout, source: sourceOf(), records: [Uint8Array.of(9, 9, 9, 9, 1, 1, 1, 1, 0, 0, 0, 5)] }]))
  const [template] = bench.reader.messages[0]!.templates
  assert.deepEqual(
    [403, 405].map(id => template!.fields.filter(field => field.id === id).length),
    [1, 1]
  )
  assert.deepEqual([...bench.reader.records[0]!.values.get('403')!], [1, 1, 1, 1])
  assert.equal(numberOf(bench.reader.records[0]!, '405'), 5)
})

test('R7119-6-2 equal ids of several domains and exporters do not collide', () => {
  const bench = new Bench({ observationDomainId: 'preserve' })
  bench.write(flowBatch(sourceOf({ odid: 7 }), 2))
  bench.write(batchOf([{ layout: layoutOf('7:2 11:2'), source: sourceOf({ odid: 7 }), records: [zeros(4)] }]))
  bench.write(flowBatch(sourceOf({ odid: 8 }), 2))
  assert.deepEqual(
    bench.reader.messages.map(({ odid, sequence, records }) => [odid, sequence, records.length]),
    [
      [7, 0, 2],
      [7, 2, 1],
      [8, 0, 2]
    ]
  )
})

test('R7119-opt-1 templateId (145) in options names our id of that template', () => {
  const bench = new Bench()
  const source = sourceOf()
  // Something takes the first id, so that the right one is not right by chance.
  bench.write(batchOf([{ layout: layoutOf('7:2 11:2'), source, records: [zeros(4)] }]))
  const options = layoutOf('145:2 41:8', 1)
  const record = zeros(10)
  new DataView(record.buffer).setUint16(0, 999)
  const context = new Map<number, Layout>([[999, flowLayout]])
  bench.write(batchOf([{ layout: options, source, records: [record], context }]))
  bench.write(flowBatch(source, 1))
  const [, read, flow] = bench.reader.records
  assert.equal(numberOf(read!, '145'), flow!.templateId)
})

test('R7119-opt-1 one sampler id of two exporters stays two records: the scope says whose it is', () => {
  const bench = new Bench({}, fullPlan)
  const options = layoutOf('302:8 305:4 306:4', 1)
  for (const last of [1, 2]) {
    const address = zeros(16)
    address.set([192, 0, 2, last])
    bench.write(batchOf([{ layout: options, source: sourceOf({ address }), records: [zeros(16)] }]))
  }
  const [template] = bench.reader.messages[0]!.templates
  assert.deepEqual(
    template!.fields.slice(0, template!.scopeCount).map(({ id }) => id),
    [302, 403, 405]
  )
  assert.deepEqual(
    bench.reader.records.map(({ values }) => values.get('403')![3]),
    [1, 2]
  )
})

test('lists name our ids of their templates, which are announced before the record', () => {
  const bench = new Bench()
  const source = sourceOf()
  bench.write(batchOf([{ layout: layoutOf('7:2 11:2'), source, records: [zeros(4)] }]))
  const inner = layoutOf('8:4 12:4')
  const outer = layoutOf('1:8 292:v')
  // subTemplateList: semantic 3, template 1000, two records of 8 octets (RFC 6313 §4.5.2).
  const record = Uint8Array.of(
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    19,
    3,
    3,
    232,
    10,
    0,
    0,
    1,
    10,
    0,
    0,
    2,
    10,
    0,
    0,
    3,
    10,
    0,
    0,
    4
  )
  const context = new Map<number, Layout>([[1_000, inner]])
  bench.write(batchOf([{ layout: outer, source, records: [record, record], context }]))
  const lists = bench.reader.records.slice(1).map(read => read.values.get('292')!)
  assert.equal(lists.length, 2)
  for (const list of lists) {
    const id = (list[1]! << 8) | list[2]!
    const announced = bench.reader.messages.flatMap(({ templates }) => templates).find(template => template.id === id)
    assert.deepEqual(
      announced!.fields.map(field => field.id),
      [8, 12]
    )
  }
  assert.equal(bench.records, 3)
})

test('R6183-7-1 the outgoing sequence does not begin again with an exporter', () => {
  const bench = new Bench()
  for (let restart = 0; restart < 3; restart++) bench.write(flowBatch(sourceOf(), 4))
  assert.deepEqual(
    bench.reader.messages.map(({ sequence }) => sequence),
    [0, 4, 8]
  )
})

test('records of padding alone are accounted for, and their template is no withdrawal', () => {
  const bench = new Bench()
  bench.write(batchOf([{ layout: layoutOf('210:4'), source: sourceOf(), records: [zeros(4), zeros(4)] }]))
  assert.equal(bench.failed + bench.records, 2)
  assert.deepEqual(
    bench.reader.messages.flatMap(({ withdrawals }) => withdrawals),
    []
  )
})

test('a template that no Message can hold is given up with its records', () => {
  const bench = new Bench()
  const fields = Array.from({ length: 9_000 }, (_, index) => ({ pen: 32_473, id: index + 1, length: 1 }))
  const layout = layouts.intern(fields, 0)
  bench.write(batchOf([{ layout, source: sourceOf(), records: [zeros(9_000)] }]))
  assert.equal(bench.failed, 1)
  bench.write(flowBatch(sourceOf(), 1))
  assert.equal(bench.reader.records.length, 1)
})

test('a Program that throws costs the records of its entry, counted, and nothing else', () => {
  const bench = new Bench()
  const bad = layoutOf('7:2')
  const { get } = bench.programs
  bench.programs.get = (layout, context, nowMs) => {
    const program = get(layout, context, nowMs)
    if (layout !== bad) return program
    return {
      ...program,
      input: layout,
      output: program.output,
      isCompiled: false,
      run: () => {
        throw new Error('a defect')
      }
    }
  }
  const source = sourceOf()
  bench.write(
    batchOf([
      { layout: flowLayout, source, records: flows(3) },
      { layout: bad, source, records: [zeros(2), zeros(2)] },
      { layout: flowLayout, source, records: flows(3, 3) }
    ])
  )
  assert.equal(bench.failed, 2)
  assert.equal(bench.defects.length, 1)
  assert.deepEqual(
    bench.reader.records.map(record => numberOf(record, '32473.1')),
    [0, 1, 2, 3, 4, 5]
  )
})

test('a record whose lists name more templates than are kept is exported all the same', () => {
  const bench = new Bench({ maxTemplates: 4 })
  const context = new Map<number, Layout>()
  const lists: number[] = []
  for (let index = 0; index < 12; index++) {
    context.set(1_000 + index, layoutOf(`32473.${index + 1}:4`))
    // subTemplateMultiList: an id, a length with its own four octets, one record.
    const id = 1_000 + index
    lists.push(id >> 8, id & 255, 0, 8, 1, 2, 3, 4)
  }
  const record = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, lists.length + 1, 3, ...lists)
  const source = sourceOf()
  for (let round = 0; round < 3; round++) {
    bench.clock.advance(1)
    bench.write(batchOf([{ layout: layoutOf('1:8 293:v'), source, records: [record], context }]))
    bench.write(flowBatch(source, 1))
    bench.tick()
  }
  assert.equal(bench.records, 6)
  assert.equal(bench.failed, 0)
})
