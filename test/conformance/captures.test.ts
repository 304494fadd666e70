import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { captureCases, capturesAreAbsent, decodeCase } from './capture-cases.ts'
import differences from './captures-differences.json' with { type: 'json' }
import type { CaptureCase } from './capture-cases.ts'

const counted = ['messages', 'templates', 'optionsTemplates', 'dataRecords', 'optionsRecords', 'sflowSamples'] as const
type Field = (typeof counted)[number]

interface Difference {
  readonly case: string
  /** Field to [what the manifest expects, what we count]. */
  readonly fields: Partial<Record<Field, readonly [expected: number, ours: number]>>
  readonly evidence: string
}

const known = differences as unknown as readonly Difference[]

/** What differs between the manifest and us in one case, in the form of captures-differences.json. */
function differencesOf({ expected }: CaptureCase, ours: Readonly<Record<Field, number>>): Difference['fields'] {
  const different: Difference['fields'] = {}
  for (const field of counted) {
    const wanted = expected[field] ?? 0
    if (wanted !== ours[field]) different[field] = [wanted, ours[field]]
  }
  return different
}

describe('captures of the manifest', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const isDisputed = case_.expected.walk !== undefined
    if (isDisputed) {
      test(`${case_.name} is malformed on purpose: survived, and reported if anything was lost`, () => {
        const { summary } = decodeCase(case_)
        assert.equal(summary.messages, case_.expected.walk?.messages)
        const hasLost = counted.some(field => summary[field] < (case_.expected.walk?.[field] ?? 0))
        const isReported = summary.malformedMessages > 0 && Object.keys(summary.faults).length > 0
        assert.ok(isReported || !hasLost, JSON.stringify(summary))
      })
      continue
    }
    test(`${case_.name} has the counts that are expected, or a difference that is explained`, () => {
      const explained = known.find(difference => difference.case === case_.name)?.fields ?? {}
      const { summary } = decodeCase(case_)
      assert.deepEqual(differencesOf(case_, summary), explained, JSON.stringify(summary.faults))
    })
  }

  test('every difference that is explained names a case and says why', () => {
    for (const difference of known) {
      assert.ok(
        captureCases.some(({ name }) => name === difference.case),
        difference.case
      )
      assert.ok(difference.evidence.length > 40 && /RFC|RV5|version/.test(difference.evidence), difference.case)
    }
  })
})
