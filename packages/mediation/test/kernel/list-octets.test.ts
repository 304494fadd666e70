import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Layout } from '@weir/ipfix'
import { ProgramCache, createKernel } from '../../src/index.ts'
import { kernelCounts } from '../../src/kernel/list-octets.ts'
import { bare, contextOf, hex, json, layoutOf, normalisedText, registry, run, runProgram } from '../support/programs.ts'

/** The exporter's templates, and ids of the destination: 1000 more than the exporter's. */
function contextWith(templates: Record<number, Layout>, exported: (id: number) => number = id => id + 1000) {
  return contextOf({ templateIds: { exportedId: exported, layoutOf: id => templates[id] } })
}

const inner = layoutOf('8:4 12:4')
const selfReferring = layoutOf('292:65535')

describe('rewrites', () => {
  test('R6313-4.5.1-1 V13: a basicList of numbers has no template id and passes octet for octet', () => {
    const list = 'ff001103000e0004000000010000000400000008'
    assert.equal(normalisedText('8:4 291:65535', `c0000201${list}`), `8:4 291:65535 = c0000201${list}`)
  })

  test('R6313-4.5.1-1 V14: a basicList of variable-length strings passes octet for octet', () => {
    const list = 'ff0019030052ffff054645302f3007464531302f3130054645322f32'
    assert.equal(normalisedText('291:65535', list), `291:65535 = ${list}`)
  })

  test('R6313-4.5.2-1 V15: the template id of a subTemplateList is written as the destination knows it', () => {
    const records = 'c0000201c0000202c0000203c0000204'
    assert.equal(
      normalisedText('292:65535', `ff0013030101${records}`, bare, contextWith({ 257: inner })),
      `292:65535 = ff00130304e9${records}`
    )
  })

  test('R6313-4.5.3-1: every entry of a subTemplateMultiList is rewritten, an empty one too', () => {
    const context = contextWith({ 257: inner, 258: layoutOf('4:1') })
    assert.equal(
      normalisedText('293:65535', '16 ff 0101000cc0000201c0000202 01020000 0102 0005 06', bare, context),
      `293:65535 = ${'16 ff 04e9000cc0000201c0000202 04ea0000 04ea0005 06'.replaceAll(' ', '')}`
    )
  })

  test('R6313-5.2-1 V16: lists within lists, 8 deep, are all rewritten', () => {
    const nest = (depth: number, id: string): string => {
      const content = depth === 1 ? '' : nest(depth - 1, id)
      const value = `03${id}${content}`
      return `ff${(value.length / 2).toString(16).padStart(4, '0')}${value}`
    }
    const context = contextWith({ 256: selfReferring })
    assert.equal(normalisedText('292:65535', nest(8, '0100'), bare, context), `292:65535 = ${nest(8, '04e8')}`)
  })

  test('a templateId among the values of a list is rewritten, other values of two octets are not', () => {
    const context = contextWith({ 300: layoutOf('145:2 7:2') })
    assert.equal(normalisedText('292:65535', '07 03 012c 0100 0100', bare, context), '292:65535 = 0703051404e80100')
    assert.equal(normalisedText('291:65535', '07 03 0091 0002 0100', bare, context), '291:65535 = 07030091000204e8')
  })

  test('R6313-6-1: records of an unknown template stay raw, and an id that is not exported is 0', () => {
    assert.equal(
      normalisedText(
        '292:65535',
        '07 03 0101 01020304',
        bare,
        contextWith({}, () => 0)
      ),
      '292:65535 = 0703000001020304'
    )
  })

  test('a list of fixed length is rewritten in place', () => {
    assert.equal(
      normalisedText('292:11', '03 0101 c0000201c0000202', bare, contextWith({ 257: inner })),
      '292:11 = 0304e9c0000201c0000202'
    )
  })

  test('a list of no octets passes', () => {
    assert.equal(normalisedText('292:65535 8:4', '00 c0000201'), '8:4 292:65535 = c000020100')
  })
})

describe('counts', () => {
  test('R7119-3-2: lists with delta times, which cannot be rewritten, are counted', () => {
    const counts = kernelCounts()
    const { copyVariableList } = createKernel(registry, counts)
    const templates: Record<number, Layout> = { 257: layoutOf('8:4 158:4'), 258: layoutOf('8:4 156:8') }
    const context = contextWith(templates)
    const copy = (listType: number, text: string): number => {
      const octets = hex(text)
      const view = new DataView(octets.buffer)
      copyVariableList(
        listType,
        view,
        0,
        1,
        octets.length - 1,
        new DataView(new ArrayBuffer(100)),
        0,
        context.templateIds
      )
      return counts.listDeltaTimes
    }
    assert.equal(copy(292, '0f 03 0102 c0000201 e8fe6f801f9add37'), 0)
    assert.equal(copy(292, '03 03 0101'), 0)
    assert.equal(copy(292, '0b 03 0101 c0000201 004c4b40'), 1)
    assert.equal(copy(291, '09 03 009f 0004 004c4b40'), 2)
    assert.equal(copy(293, '0d 03 0101 000c c0000201 004c4b40'), 3)
    // A malformed list is exported as an empty one.
    assert.equal(copy(292, '0a 03 0101 c0000201 004c4b'), 3)
    assert.deepEqual(counts, { listDeltaTimes: 3, listsMalformed: 1, listTemplatesUnknown: 0 })
  })

  test('R6313-5.2-1 R6313-6-1: malformed lists and unknown templates are counted, in octets and in text', () => {
    for (const plan of [bare, json]) {
      const cache = new ProgramCache({ registry })
      const context = contextWith({})
      for (const [layout, list] of [
        ['292:65535', '02 0301'],
        ['292:65535', '07 03 0101 01020304'],
        ['291:65535', '05 03 0004 0001'],
        ['293:65535', '0c ff 0101 0004 0999 0007 010203']
      ]) {
        runProgram(cache.get(layoutOf(layout), plan, context, 0), hex(list), context, 1000)
      }
      const { listsMalformed, listTemplatesUnknown } = cache.stats
      assert.deepEqual([listsMalformed, listTemplatesUnknown], [1, 2])
    }
  })
})

describe('rejects', () => {
  const empty = { 291: '05ff00d20001', 292: '03ff0000', 293: '01ff' }

  test('R6313-5.2-1: a list nested 9 deep becomes an empty list; its record stays', () => {
    let value = '030100'
    for (let depth = 1; depth < 9; depth++) value = `030100${(value.length / 2).toString(16).padStart(2, '0')}${value}`
    const octets = `${(value.length / 2).toString(16).padStart(2, '0')}${value}c0000201`
    assert.equal(
      normalisedText('292:65535 8:4', octets, bare, contextWith({ 256: selfReferring })),
      `8:4 292:65535 = c0000201${empty[292]}`
    )
  })

  test('a list that ends inside its header becomes an empty list of its type', () => {
    for (const [id, list] of Object.entries(empty)) {
      const short = id === '293' ? '03ff0101' : '02ff01'
      assert.equal(normalisedText(`${id}:65535 8:4`, `${short}c0000201`), `8:4 ${id}:65535 = c0000201${list}`)
    }
  })

  test('R6313-4.5.2-1: records that are cut, of fixed length or variable, make their list an empty one', () => {
    const context = contextWith({ 257: inner, 258: layoutOf('82:65535 4:1') })
    assert.equal(normalisedText('292:65535', '0a 03 0101 c0000201c00002', bare, context), `292:65535 = ${empty[292]}`)
    assert.equal(normalisedText('292:65535', '06 03 0102 026162', bare, context), `292:65535 = ${empty[292]}`)
    assert.equal(
      normalisedText('293:65535', '0c 03 0101 000b c0000201c00002', bare, context),
      `293:65535 = ${empty[293]}`
    )
  })

  test('an empty list is what it was: the replacement is stable', () => {
    const context = contextWith({}, id => id)
    for (const [id, list] of Object.entries(empty)) {
      assert.equal(normalisedText(`${id}:65535`, list, bare, context), `${id}:65535 = ${list}`)
    }
  })

  test('a malformed list of fixed length becomes octets 0 behind its semantic', () => {
    assert.equal(normalisedText('292:2', '0301'), '292:2 = ff00')
  })

  test('a list that grows to be an empty one has room, or its record waits', () => {
    const input = hex('02ff01 c0000201')
    for (let room = 0; room < 30; room++) {
      const { octets, records } = run('291:65535 8:4', bare, input, contextOf(), room)
      assert.ok(records === 0 || octets.length === 10)
    }
    assert.equal(run('291:65535 8:4', bare, input, contextOf(), 15).records, 1)
  })
})
