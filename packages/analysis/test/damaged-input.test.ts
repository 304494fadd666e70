import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { analyseTask } from '../src/analyse/analyse-task.ts'
import { compareTask } from '../src/compare/compare-task.ts'
import { convertTask } from '../src/convert/convert-task.ts'
import { graphTask } from '../src/graph/graph-task.ts'
import { queryTask } from '../src/query/query-task.ts'
import { fileOf } from './support/folder.ts'
import { runTask } from './support/done-task.ts'

const path = join(import.meta.dirname, '../../../test/fixtures/captures/softflowd-v9.pcap')

test('of an input that ends too early the summary of every task says so', async context => {
  const octets = readFileSync(path)
  const tasks = [
    [analyseTask, {}],
    [compareTask, {}],
    [convertTask, { to: 'ndjson' }],
    [graphTask, {}],
    [queryTask, { metrics: [{ of: 'flows' }] }]
  ] as const
  for (const [task, params] of tasks) {
    const inputs = [fileOf(context, 'whole.pcap', octets), fileOf(context, 'cut.pcap', octets.subarray(0, 3_000))]
    const { summary } = await runTask(context, task as typeof convertTask, params as { to: 'ndjson' }, inputs)
    assert.equal(summary.damagedFiles, 1, task.name)
    const sound = await runTask(context, task as typeof convertTask, params as { to: 'ndjson' }, inputs.slice(0, 1))
    assert.equal(sound.summary.damagedFiles, 0, task.name)
  }
})
