import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpProblem } from '@weir/http'
import { JobRequests } from '../../src/jobs/job-shapes.ts'
import { tasks } from '../../src/jobs/own-tasks.ts'

const requests = new JobRequests(tasks)
const input = { uploads: [`u${'0'.repeat(32)}`] }

function issuesFor(body: unknown) {
  try {
    requests.check(body)
    return []
  } catch (error) {
    const { status, errors = [] } = (error as HttpProblem).problem
    assert.equal(status, 400)
    return errors.map(({ path, message, allowed }) => [path, message, allowed])
  }
}

test('a value that is not allowed is told once, with those that are', () => {
  const to = ['body.params.to', 'is not allowed', 'ndjson | csv | parquet | ipfix']
  assert.deepEqual(issuesFor({ type: 'convert', input, params: { to: 'xml' } }), [to])
  const of = ['body.params.metrics.0.of', 'is not allowed', 'flows | sum | min | max | average | distinct']
  assert.deepEqual(issuesFor({ type: 'query', input, params: { metrics: [{ of: 'no' }] } }), [of])
  const [missing] = issuesFor({ type: 'convert', input, params: {} })
  assert.deepEqual(missing, ['body.params.to', 'is missing', 'ndjson | csv | parquet | ipfix'])
})

test('a key that is unknown is told with those that are known', () => {
  const params = { a: { size: 1 } }
  assert.deepEqual(issuesFor({ type: 'compare', input, params }), [
    ['body.params.a.size', 'is no key here', 'filter, fields, timestamps, lineage, sampling']
  ])
  assert.deepEqual(issuesFor({ type: 'analyse', input, more: 1 }), [
    ['body.more', 'is no key here', 'type, input, params']
  ])
})

test('an input that is missing is told with how it comes there', () => {
  for (const more of [{}, { input: {} }, { input: { uploads: [] } }]) {
    const [issue, ...others] = issuesFor({ type: 'analyse', ...more })
    assert.deepEqual([issue?.[0], issue?.[2], others], ['body.input.uploads', '1..1000 ids of uploads', []])
    assert.match(String(issue?.[1]), /is missing: analyse needs files .*POST \/api\/v1\/uploads .*job run analyse FILE/)
  }
})

test('a filter that cannot be read is refused with its place before a worker has it', () => {
  const filter = 'prot = tcp'
  for (const [type, params, path] of [
    ['convert', { to: 'csv', filter }, 'filter'],
    ['analyse', { filter }, 'filter'],
    ['graph', { filter }, 'filter'],
    ['query', { filter }, 'filter'],
    ['compare', { a: { filter } }, 'a.filter'],
    ['compare', { b: { filter } }, 'b.filter']
  ] as const) {
    const [issue] = issuesFor({ type, input, params })
    assert.equal(issue?.[0], `body.params.${path}`, type)
    assert.match(String(issue?.[1]), /at character 1: .*did you mean proto\?/)
  }
  assert.deepEqual(issuesFor({ type: 'analyse', input, params: { filter: 'proto = tcp' } }), [])
  assert.deepEqual(issuesFor({ type: 'analyse', input, params: { filter: null } }), [])
})
