import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { captureCases, capturesAreAbsent, textOf } from './capture-cases.ts'
import { matchEvents, recordsOf, tally } from './golden-events.ts'
import explained from './golden-telegraf-differences.json' with { type: 'json' }
import { agrees, eventOf } from './golden-telegraf.ts'

describe('golden values of telegraf', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const path = case_.golden.find(file => file.endsWith('expected.out'))
    if (path === undefined) continue
    if (case_.protocol.startsWith('sFlow')) {
      test(case_.name, { todo: 'sFlow is only counted so far' })
      continue
    }
    test(`${case_.name} has every value that telegraf has`, () => {
      const events = textOf(path)
        .split('\n')
        .filter(line => line !== '')
        .map(eventOf)
      const records = recordsOf(case_)
      const isExplained = explained.find(difference => difference.case === case_.name)
      if (isExplained === undefined) assert.equal(records.length, events.length)
      assert.deepEqual(matchEvents(events, records, agrees), isExplained?.differences ?? [])
    })
  }

  after(() => {
    if (capturesAreAbsent === false) process.stderr.write(`telegraf: ${tally.values} values compared\n`)
  })
})
