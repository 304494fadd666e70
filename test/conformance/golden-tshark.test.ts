import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { captureCases, capturesAreAbsent } from './capture-cases.ts'
import { decodedMessagesOf } from './decoded-case.ts'
import explainedDifferences from './golden-tshark-differences.json' with { type: 'json' }
import { goldenMessagesOf, headerDifferences, recordDifferences, tally, templateDifferences } from './golden-tshark.ts'
import type { CaptureCase } from './capture-cases.ts'
import type { DecodedMessage } from './decoded-case.ts'
import type { GoldenMessage } from './golden-tshark.ts'

interface Explained {
  readonly case: string
  /** The differences themselves, each `<number of the Message>: <difference>`. */
  readonly differences: readonly string[]
  readonly evidence: string
}

const explained = explainedDifferences as readonly Explained[]

function messageDifferences(golden: GoldenMessage, ours: DecodedMessage): string[] {
  const differences = headerDifferences(golden, ours)
  const sets = golden.sets ?? []
  // Withdrawals are templates without fields to tshark.
  const templates = sets.flatMap(set => set.templates ?? []).filter(({ fields }) => fields.length > 1)
  if (templates.length !== ours.templates.length) {
    differences.push(`tshark has ${templates.length} templates, we have ${ours.templates.length}`)
  } else {
    for (const [index, template] of templates.entries()) {
      differences.push(...templateDifferences(template, ours.templates[index]))
    }
  }
  const theirs =
    golden.records === undefined ? sets.filter(({ id }) => id >= 256) : [{ id: ours.version, records: golden.records }]
  if (theirs.length !== ours.sets.length) {
    return [...differences, `tshark has ${theirs.length} data sets, we have ${ours.sets.length}`]
  }
  for (const [index, { id, records }] of theirs.entries()) {
    const own = ours.sets[index].records ?? []
    if (id !== ours.sets[index].templateId || records.length !== own.length) {
      differences.push(
        `tshark has ${records.length} records of ${id}, we have ${own.length} of ${ours.sets[index].templateId}`
      )
      continue
    }
    for (const [at, record] of records.entries()) differences.push(...recordDifferences(record, own[at]))
  }
  return differences
}

function differencesOf(case_: CaptureCase, golden: readonly GoldenMessage[]): string[] {
  const differences: string[] = []
  let number = 0
  for (const ours of decodedMessagesOf(case_)) {
    const theirs = golden[number++]
    // Its loss is a difference of counts, explained there or disputed by the manifest.
    if (ours.isMalformed) continue
    for (const difference of messageDifferences(theirs, ours)) differences.push(`${number}: ${difference}`)
  }
  if (number !== golden.length) differences.push(`tshark has ${golden.length} Messages, we have ${number}`)
  return differences
}

const isFlow = (golden: readonly GoldenMessage[]): boolean => golden.some(({ fields }) => fields === undefined)

describe('golden values of tshark', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const golden = goldenMessagesOf(case_)
    if (golden === undefined || !isFlow(golden)) {
      test(case_.name, { todo: 'sFlow is only counted so far' })
      continue
    }
    test(`${case_.name} has every header, template and value that tshark has`, () => {
      const differences = differencesOf(case_, golden)
      const known = explained.find(difference => difference.case === case_.name)?.differences ?? []
      assert.deepEqual(differences, known)
    })
  }

  after(() => {
    if (capturesAreAbsent === false) {
      process.stderr.write(`tshark: ${tally.fields} values equal in octets, ${tally.shown} of them in text, too\n`)
    }
  })
})
