import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { tasks } from '../../src/index.ts'
import { inputOf } from '../support/captures.ts'
import { fixtureInputs } from '../support/fixtures.ts'
import { folderOf } from '../support/folder.ts'
import { runTask, taskLimits } from '../support/run-task.ts'
import type { AnalysisReport } from '../../src/index.ts'

const taskOf = (wanted: string) => tasks.find(({ name }) => name === wanted)!

describe('analyse counts the same in Parquet that was converted from a capture', () => {
  for (const input of fixtureInputs()) {
    test(input.name, async context => {
      const outputFolder = folderOf(context)
      const { signal } = new AbortController()
      const converting = { inputs: [input], outputFolder, limits: taskLimits, signal, progress() {} }
      const converted = await taskOf('convert').run({ to: 'parquet' }, converting)
      const [{ name }] = converted.files
      const reportOf = async (of: typeof input): Promise<AnalysisReport> =>
        JSON.parse((await runTask(context, taskOf('analyse'), [of])).text('report.json')) as AnalysisReport
      const [before, after] = [await reportOf(input), await reportOf(inputOf(join(outputFolder, name)))]
      const counted = ({
        totals,
        sources,
        destinations,
        conversations,
        protocols,
        tcpFlags,
        destinationPorts
      }: AnalysisReport) => ({
        totals: { ...totals, messages: 0, optionsRecords: 0, setsWithoutTemplate: 0 },
        sources,
        destinations,
        conversations,
        protocols,
        tcpFlags,
        destinationPorts
      })
      assert.deepEqual(counted(after), counted(before))
    })
  }
})
