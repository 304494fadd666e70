import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import Value from 'typebox/value'
import { buildMessage } from '@weir/ipfix/testing'
import { compareSchema, tasks } from '../../src/index.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { fileOf } from '../support/folder.ts'
import { fixtureInputs } from '../support/fixtures.ts'
import { runTask } from '../support/run-task.ts'
import type { TestContext } from 'node:test'
import type { CompareReport, TaskInput } from '../../src/index.ts'

const compareTask = tasks.find(({ name }) => name === 'compare')!

async function compared(
  context: TestContext,
  inputs: readonly TaskInput[],
  params: Readonly<Record<string, unknown>>
): Promise<CompareReport> {
  const run = await runTask(context, compareTask, inputs, params)
  const report = JSON.parse(run.text('compare.json')) as CompareReport
  assert.deepEqual(Value.Errors(compareSchema, report), [])
  const { read, equal, changed, onlyA, onlyB, neither } = report.records
  assert.equal(equal + changed + onlyA + onlyB + neither, read)
  assert.equal(report.totals.a.records, equal + changed + onlyA)
  assert.equal(report.totals.b.records, equal + changed + onlyB)
  return report
}

const bare = { lineage: false, sampling: false }
const START = '0000018bcfe56800'

/** Source, octets, port, start. */
const flows = buildMessage()
  .template(256, '8:4 1:4 11:2 152:8')
  .data(256, `0a0000010000006401bb${START}`, `0a000002000000c80035${START}`, `0a0000030000012c0016${START}`)
  .octets()

describe('compare', () => {
  test('finds nothing between equal Plans', async context => {
    const report = await compared(context, [fileOf(context, 'a.ipfix', flows)], {})
    assert.equal(report.isEqual, true)
    assert.deepEqual(report.records, { read: 3, equal: 3, changed: 0, onlyA: 0, onlyB: 0, neither: 0 })
    assert.deepEqual(report.totals.a, report.totals.b)
    assert.equal(report.totals.a.octets, 600)
    assert.ok(report.fields.every(({ equal, examples }) => equal === 3 && examples.length === 0))
  })

  test('tells which records one filter takes and the other does not', async context => {
    const report = await compared(context, [fileOf(context, 'a.ipfix', flows)], {
      a: { ...bare, filter: 'dstport in (443, 53)' },
      b: { ...bare, filter: 'octetDeltaCount >= 200 and dstport != 22' }
    })
    assert.deepEqual(report.records, { read: 3, equal: 1, changed: 0, onlyA: 1, onlyB: 0, neither: 1 })
    assert.deepEqual([report.totals.a.octets, report.totals.b.octets], [300, 200])
    assert.deepEqual(report.examples.onlyA, [
      { number: 1, exporter: '', observationDomainId: 1, templateId: 256, fields: [] }
    ])
    assert.deepEqual(report.examples.onlyB, [])
  })

  test('tells which fields differ, with examples', async context => {
    const report = await compared(context, [fileOf(context, 'a.ipfix', flows)], {
      a: { ...bare, fields: ['sourceIPv4Address', 'octetDeltaCount', 'flowStartMilliseconds'] },
      b: {
        ...bare,
        fields: ['octetDeltaCount', 'destinationTransportPort', 'flowStartNanoseconds'],
        timestamps: 'nanoseconds'
      },
      examples: 1
    })
    assert.deepEqual([report.records.changed, report.isEqual], [3, false])
    const of = (name: string) => report.fields.find(field => field.name === name)!
    assert.deepEqual(of('sourceIPv4Address').examples, [{ record: 1, a: '10.0.0.1', b: null }])
    assert.deepEqual(of('destinationTransportPort').examples, [{ record: 1, a: null, b: '443' }])
    assert.deepEqual([of('octetDeltaCount').equal, of('octetDeltaCount').changed], [3, 0])
    assert.deepEqual([of('flowStartMilliseconds').onlyA, of('flowStartNanoseconds').onlyB], [3, 3])
    assert.equal(report.examples.changed.length, 1)
    assert.deepEqual(report.totals.a.octets, report.totals.b.octets)
  })

  test('tells values that differ: times of which digits are cut off', async context => {
    const octets = buildMessage().template(256, '156:8 1:4').data(256, 'e91ad61d8000000100000001').octets()
    const inputs = [fileOf(context, 'a.ipfix', octets)]
    const report = await compared(context, inputs, {
      a: { ...bare, timestamps: 'preserve' },
      b: { ...bare, timestamps: 'nanoseconds' }
    })
    assert.equal(report.isEqual, true)
    const other = await compared(context, inputs, { a: { ...bare, timestamps: 'preserve' }, b: bare })
    assert.deepEqual(other.examples.changed[0].fields.toSorted(), ['flowStartMilliseconds', 'flowStartNanoseconds'])
  })

  test('refuses a filter or a field that cannot be read', async context => {
    const inputs = [fileOf(context, 'a.ipfix', flows)]
    await assert.rejects(compared(context, inputs, { b: { filter: '((' } }), { code: 'TASK_PARAMS' })
    await assert.rejects(compared(context, inputs, { a: { fields: ['noSuchElement'] } }), { code: 'TASK_PARAMS' })
  })

  for (const input of fixtureInputs()) {
    test(`finds nothing between equal Plans in ${input.name}`, async context => {
      assert.equal((await compared(context, [input], { a: bare, b: bare })).isEqual, true)
    })
  }

  test(
    'counts every record of captures of real exporters, with and without a filter',
    { skip: skipCaptures },
    async context => {
      let changed = 0
      for (const { files } of captureCases) {
        const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
        try {
          const report = await compared(context, inputs, { a: { filter: 'proto = 6' }, b: { timestamps: 'preserve' } })
          assert.equal(report.records.onlyA + report.records.neither, 0)
          changed += report.records.changed
        } catch (error) {
          if ((error as { code?: string }).code !== 'NOTHING_DECODED') throw error
        }
      }
      assert.ok(changed > 0)
    }
  )
})
