import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExporterPolicies } from '../src/exporter-policies.ts'

const unsaid = { silentMs: null, skewMs: null }
const configured = [
  { match: '192.0.2.7', scope: 'session', resumeTemplates: true },
  { match: '192.0.2.0/24', scope: 'address', resumeTemplates: false },
  { match: '2001:db8::/32', scope: 'element:130', resumeTemplates: false }
] as const

test('says auto, and no templates of former sessions, where nothing was said', () => {
  assert.deepEqual(new ExporterPolicies().policyFor('192.0.2.7'), { scope: 'auto', resumeTemplates: false, ...unsaid })
  assert.deepEqual(new ExporterPolicies(configured).policyFor('198.51.100.1'), {
    scope: 'auto',
    resumeTemplates: false,
    ...unsaid
  })
})

test('lets the first entry that matches win, IPv6 too', () => {
  const policies = new ExporterPolicies(configured)
  assert.deepEqual(policies.policyFor('192.0.2.7'), { scope: 'session', resumeTemplates: true, ...unsaid })
  assert.deepEqual(policies.policyFor('192.0.2.8'), { scope: 'address', resumeTemplates: false, ...unsaid })
  assert.equal(policies.policyFor('2001:db8::1').scope, 'element:130')
  assert.equal(policies.policyFor('2001:db9::1').scope, 'auto')
})

test('lets what is set for one exporter win over the entries, key by key, until it is taken back', () => {
  const policies = new ExporterPolicies(configured)
  policies.set('192.0.2.7', { scope: 'address+port' })
  assert.deepEqual(policies.policyFor('192.0.2.7'), { scope: 'address+port', resumeTemplates: true, ...unsaid })
  policies.replace([])
  assert.deepEqual(policies.policyFor('192.0.2.7'), { scope: 'address+port', resumeTemplates: false, ...unsaid })
  assert.equal(policies.policyFor('192.0.2.8').scope, 'auto')
  policies.set('192.0.2.7', undefined)
  assert.equal(policies.policyFor('192.0.2.7').scope, 'auto')
})

test('tells of every change', () => {
  const policies = new ExporterPolicies()
  let changes = 0
  const stop = policies.onChange(() => changes++)
  policies.replace(configured)
  policies.set('192.0.2.7', { resumeTemplates: true, ...unsaid })
  stop()
  policies.set('192.0.2.7', undefined)
  assert.equal(changes, 2)
})
