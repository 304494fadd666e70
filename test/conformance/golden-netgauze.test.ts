import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { captureCases, capturesAreAbsent, textOf } from './capture-cases.ts'
import { decodedMessagesOf } from './decoded-case.ts'
import { messageDifferences, tally } from './golden-netgauze.ts'
import type { NetGauzeMessage } from './golden-netgauze.ts'

describe('golden values of NetGauze', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const path = case_.golden.find(file => file.endsWith('-flow.json'))
    if (path === undefined) continue
    test(`${case_.name} has every header, template and value that NetGauze has`, () => {
      const lines = textOf(path)
        .split('\n')
        .filter(line => line !== '')
      const golden = lines.map(line => Object.values(JSON.parse(line) as Record<string, NetGauzeMessage>)[0])
      const differences: string[] = []
      let number = 0
      for (const ours of decodedMessagesOf(case_)) {
        for (const difference of messageDifferences(golden[number], ours))
          differences.push(`${number + 1}: ${difference}`)
        number++
      }
      assert.equal(number, golden.length)
      assert.deepEqual(differences, [])
    })
  }

  after(() => {
    if (capturesAreAbsent === false) process.stderr.write(`NetGauze: ${tally.values} values compared\n`)
  })
})
