import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { captureCases, capturesAreAbsent, textOf } from './capture-cases.ts'
import { recordsOf } from './golden-events.ts'
import explained from './golden-pmacct-differences.json' with { type: 'json' }
import { lineDifferences, outputRulesOf, tally, timedRecords } from './golden-pmacct.ts'
import type { GoldenEvent } from './golden-events.ts'

interface Explained {
  /** Golden file, without the folder of all. */
  readonly file: string
  readonly differences: readonly string[]
  readonly evidence: string
}

const known = explained as readonly Explained[]

describe('golden values of nfacctd', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    for (const path of case_.golden.filter(file => file.includes('pmacct-output'))) {
      const file = path.split('/').slice(-2).join('/')
      test(`${case_.name} adds up to every line of ${file}`, () => {
        const lines = textOf(path)
          .split('\n')
          .filter(line => line !== '')
        const records = timedRecords(recordsOf(case_))
        const rules = outputRulesOf(file)
        const differences: string[] = []
        for (const [index, line] of lines.entries()) {
          const event = JSON.parse(line) as GoldenEvent
          if (rules.otherExporters.includes(String(event.peer_ip_src))) continue
          const found = lineDifferences(event, records, rules)
          for (const difference of found) differences.push(`${index + 1}: ${difference}`)
        }
        assert.deepEqual(differences, known.find(difference => difference.file === file)?.differences ?? [])
      })
    }
  }

  after(() => {
    if (capturesAreAbsent === false) process.stderr.write(`nfacctd: ${tally.values} values compared\n`)
  })
})
