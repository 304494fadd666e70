import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { captureCases, capturesAreAbsent, textOf } from './capture-cases.ts'
import { matchEvents, recordsOf, tally } from './golden-events.ts'
import explained from './golden-logstash-differences.json' with { type: 'json' }
import { agrees } from './golden-logstash.ts'
import type { GoldenEvent } from './golden-events.ts'

/** What the spec of logstash-codec-netflow expects of one case. */
interface Spec {
  /** Events that were written out, of records that the spec does not number. */
  readonly events: readonly { readonly netflow: GoldenEvent }[]
  /** Single values of numbered events. */
  readonly fieldExpectations: readonly {
    readonly event: number
    readonly path: readonly string[]
    readonly value: string
  }[]
}

describe('golden values of logstash', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const path = case_.golden.find(file => file.startsWith('logstash'))
    if (path === undefined) continue
    test(`${case_.name} has every value that the spec has`, () => {
      const { events, fieldExpectations } = JSON.parse(textOf(path)) as Spec
      const records = recordsOf(case_)
      const singles = fieldExpectations
        .filter(({ path: [root] }) => root === 'netflow')
        .map(({ path: [, name], value }) => ({ [name]: JSON.parse(value.replaceAll("'", '"')) as unknown }))
      const differences = [
        ...matchEvents(
          events.map(({ netflow }) => netflow),
          records,
          agrees
        ),
        ...singles.flatMap(single => matchEvents([single], records, agrees).map(text => text.replace(/^1:/, 'single:')))
      ]
      assert.deepEqual(differences, explained.find(difference => difference.case === case_.name)?.differences ?? [])
    })
  }

  after(() => {
    if (capturesAreAbsent === false) process.stderr.write(`logstash: ${tally.values} values compared\n`)
  })
})
