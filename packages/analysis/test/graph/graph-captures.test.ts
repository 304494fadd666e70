import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { join } from 'node:path'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { tasks } from '../../src/index.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { DuckdbFlows } from '../support/duckdb-flows.ts'
import { fixtureInputs } from '../support/fixtures.ts'
import { runTask } from '../support/run-task.ts'
import type { TestContext } from 'node:test'
import type { GraphReport, TaskInput } from '../../src/index.ts'

const graphTask = tasks.find(({ name }) => name === 'graph')!

let oracle: DuckdbFlows
before(async () => {
  oracle = await DuckdbFlows.open(tempFolder('graph'))
})
let compared = 0
after(() => assert.ok(compared > 100, 'edges were compared'))

async function compare(context: TestContext, inputs: readonly TaskInput[]): Promise<void> {
  const params = { formats: ['json'], maxNodes: 50_000, maxEdges: 200_000 }
  const report = JSON.parse((await runTask(context, graphTask, inputs, params)).text('graph.json')) as GraphReport
  await oracle.load(inputs)
  const rows = await oracle.rows(`SELECT src, dst, sum(octets * rate) AS octets, sum(packets * rate) AS packets,
    sum(flows) AS flows FROM flows WHERE src IS NOT NULL AND dst IS NOT NULL GROUP BY src, dst HAVING octets > 0`)
  const text = (...values: unknown[]): string =>
    values.map(each => (typeof each === 'string' ? each : Number(each).toPrecision(12))).join(' ')
  assert.deepEqual(
    report.edges
      .map(each => text(each.source, each.target, each.estimatedOctets, each.estimatedPackets, each.flows))
      .toSorted(),
    rows.map(row => text(row.src, row.dst, row.octets, row.packets, row.flows)).toSorted()
  )
  compared += rows.length
}

describe("graph has the edges that DuckDB counts on the project's own captures", () => {
  for (const input of fixtureInputs().filter(({ name }) => !name.includes('biflow'))) {
    test(input.name, async context => compare(context, [input]))
  }
})

/** Some of each protocol: what they are read as is tested by analyse. */
const wanted = /^(?:graylog|reproducer|pmacct|live|netgauze)\//
/** Records that tell of both directions: DuckDB's sums have one only. */
const bothWays = /biflow|bidir/

describe('graph has the edges that DuckDB counts on captures of real exporters', { skip: skipCaptures }, () => {
  for (const { name, files } of captureCases.filter(each => wanted.test(each.name) && !bothWays.test(each.name))) {
    test(name, async context => {
      const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
      try {
        await compare(context, inputs)
      } catch (error) {
        if ((error as { code?: string }).code !== 'NOTHING_DECODED') throw error
      }
    })
  }
})
