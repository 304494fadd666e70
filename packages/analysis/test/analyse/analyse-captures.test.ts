import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { tasks } from '../../src/index.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { DuckdbFlows } from '../support/duckdb-flows.ts'
import { fixtureInputs } from '../support/fixtures.ts'
import { runTask } from '../support/run-task.ts'
import type { TestContext } from 'node:test'
import type { AnalysisReport, TaskInput } from '../../src/index.ts'

const analyse = tasks.find(({ name }) => name === 'analyse')!
const TOP = 1000

let oracle: DuckdbFlows
before(async () => {
  oracle = await DuckdbFlows.open(tempFolder('analysis'))
})

const sums = 'sum(octets) AS octets, sum(packets) AS packets, sum(flows) AS flows'
const estimates = 'sum(octets * rate) AS estimatedOctets, sum(packets * rate) AS estimatedPackets'
const portProtocols = 'proto IN (6, 17, 33, 132, 136)'

/** One group of both computations: key, then five sums. */
type Group = readonly [key: string, ...sums: number[]]

const sumNames = ['octets', 'packets', 'flows', 'estimatedOctets', 'estimatedPackets'] as const

function assertGroups(what: string, found: readonly Group[], expected: readonly Group[]): void {
  const byKey = (left: Group, right: Group): number => (left[0] < right[0] ? -1 : 1)
  const rounded = (groups: readonly Group[]): Group[] =>
    groups.map(([key, ...values]): Group => [key, ...values.map(each => Number(each.toPrecision(12)))]).toSorted(byKey)
  assert.deepEqual(rounded(found), rounded(expected), what)
}

let compared = 0
after(() => assert.ok(compared > 1000, 'captures with records were compared'))

async function compare(context: TestContext, inputs: readonly TaskInput[]): Promise<void> {
  const run = await runTask(context, analyse, inputs, { top: TOP })
  const report = JSON.parse(run.text('report.json')) as AnalysisReport
  await oracle.load(inputs)
  const groupsOf = async (key: string, where: string): Promise<Group[]> => {
    const rows = await oracle.rows(
      `SELECT ${key} AS key, ${sums}, ${estimates} FROM flows WHERE ${where} GROUP BY key ORDER BY estimatedOctets DESC, key LIMIT ${TOP}`
    )
    return rows.map((row): Group => [String(row.key), ...sumNames.map(name => Number(row[name]))])
  }
  const own = <T extends Record<(typeof sumNames)[number], number>>(
    entries: readonly T[],
    key: (entry: T) => string
  ): Group[] => entries.map((entry): Group => [key(entry), ...sumNames.map(name => entry[name])])
  // A top list leaves out what has no octets.
  const listed = (key: string, where: string): Promise<Group[]> =>
    groupsOf(key, where).then(groups => groups.filter(group => group[4] > 0))

  const [all] = await oracle.rows(`SELECT count(*) AS records, ${sums}, ${estimates} FROM flows`)
  assert.equal(report.totals.records, Number(all.records), 'records')
  if (report.totals.records === 0) return
  assertGroups(
    'totals',
    own([report.totals], () => ''),
    [['', ...sumNames.map(name => Number(all[name]))]]
  )
  assertGroups(
    'protocols',
    own(report.protocols, ({ protocol }) => String(protocol)),
    await groupsOf('CAST(proto % 256 AS INTEGER)', 'true')
  )
  if (report.totals.reverseOctets + report.totals.reversePackets === 0) {
    const isFull = (entries: readonly unknown[]): boolean => entries.length < TOP
    if (isFull(report.sources.byOctets)) {
      assertGroups(
        'sources',
        own(report.sources.byOctets, each => each.address),
        await listed('src', 'src IS NOT NULL')
      )
    }
    if (isFull(report.destinations.byOctets)) {
      const expected = await listed('dst', 'dst IS NOT NULL')
      assertGroups(
        'destinations',
        own(report.destinations.byOctets, each => each.address),
        expected
      )
    }
    assertGroups(
      'conversations',
      own(report.conversations.byOctets, ({ a, b }) => [a, b].toSorted().join(' ')),
      await listed("least(src, dst) || ' ' || greatest(src, dst)", 'src IS NOT NULL AND dst IS NOT NULL')
    )
  }
  assertGroups(
    'destination ports',
    own(report.destinationPorts.byOctets, ({ protocol, port }) => `${protocol}/${port}`),
    await listed("CAST(proto AS INTEGER) || '/' || CAST(dport AS INTEGER)", `${portProtocols} AND dport IS NOT NULL`)
  )
  assertGroups(
    'source ports',
    own(report.sourcePorts.byOctets, ({ protocol, port }) => `${protocol}/${port}`),
    await listed("CAST(proto AS INTEGER) || '/' || CAST(sport AS INTEGER)", `${portProtocols} AND sport IS NOT NULL`)
  )
  compared += report.totals.records
}

describe("analyse counts what DuckDB counts on the project's own captures", () => {
  for (const input of fixtureInputs()) test(input.name, async context => compare(context, [input]))
})

describe('analyse counts what DuckDB counts on captures of real exporters', { skip: skipCaptures }, () => {
  for (const { name, files } of captureCases) {
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
