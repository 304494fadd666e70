import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planKey } from '../src/index.ts'
import { json, normalised } from './support/programs.ts'

test('Plans that ask for the same have one key, others have others', () => {
  const plans = [
    normalised,
    { ...normalised, lineage: false },
    { ...normalised, sampling: false },
    { ...normalised, timestamps: 'nanoseconds' as const },
    { ...normalised, timestamps: 'preserve' as const },
    json,
    { ...json, lineage: true },
    { ...json, sampling: true },
    { ...json, numbers64: 'string' as const },
    { ...json, timestamps: 'preserve' as const }
  ]
  assert.equal(new Set(plans.map(planKey)).size, plans.length)
  assert.equal(planKey({ ...json, timestamps: 'milliseconds' }), planKey(json))
  assert.equal(planKey({ ...normalised }), planKey(normalised))
})
