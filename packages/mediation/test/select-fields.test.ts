import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ElementRegistry, LayoutTable } from '@weir/ipfix'
import { planKey, planRecord } from '../src/index.ts'
import type { IpfixPlan } from '../src/index.ts'

const registry = ElementRegistry.standard()
const layouts = new LayoutTable()
const fieldsOf = (text: string): { pen: number; id: number; length: number }[] =>
  text.split(' ').map(part => {
    const [id, length] = part.split(':').map(Number)
    return { pen: 0, id, length }
  })
const ids = (plan: IpfixPlan, text: string, scopeCount = 0): number[] =>
  planRecord(layouts.intern(fieldsOf(text), scopeCount), plan, 0, registry).output!.fields.map(({ id }) => id)

const plan: IpfixPlan = {
  kind: 'ipfix',
  timestamps: 'milliseconds',
  lineage: false,
  sampling: false,
  fields: [
    { pen: 0, id: 1 },
    { pen: 0, id: 152 }
  ]
}

describe('fields of a Plan', () => {
  test('are those of the normalised record: a time is chosen by the form that it then has', () => {
    assert.deepEqual(ids(plan, '8:4 1:4 150:4 34:4 305:4 306:4 403:4 405:4'), [152, 1])
  })

  test('are kept besides what the Plan adds, whoever says it', () => {
    const added = [403, 405, 258]
    assert.deepEqual(ids({ ...plan, lineage: true }, '8:4 1:4'), [1, ...added])
    assert.deepEqual(ids({ ...plan, lineage: true }, '8:4 1:4 403:4 405:4'), [1, ...added])
    assert.deepEqual(ids({ ...plan, sampling: true }, '8:4 1:4'), [1, 305, 306])
    assert.deepEqual(ids({ ...plan, sampling: true }, '8:4 1:4 305:4 306:4'), [1, 305, 306])
  })

  test('are not asked of options records, whose flow keys would name other places', () => {
    assert.deepEqual(ids(plan, '145:2 173:8 82:4', 1), [145, 82])
  })

  test('make another Plan', () => {
    const { fields, ...all } = plan
    assert.equal(new Set([plan, all, { ...plan, fields: fields!.slice(1) }].map(each => planKey(each))).size, 3)
  })
})
