import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startFront, startPod } from './support/front-fixture.ts'

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom('../../etc/passwd', '%00', '\u202e', "' or 1=1--", '{"__proto__":1}', 'x'.repeat(9_000), '-1', '1e9'),
  fc.constantFrom(
    'http://169.254.169.254/',
    '[]',
    'null',
    'true',
    '0',
    '100',
    'k',
    Buffer.from('[["a",null,5]]').toString('base64url')
  )
)

/** What a fetch can send as a header at all. */
const sendable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 4_000)

test('whatever is asked, by whomever, is answered with no 5xx and no secret', async t => {
  const pod = await startPod(t, () => ({
    items: [],
    total: 0,
    offset: 0,
    limit: 100,
    next: null,
    reasons: [],
    equations: [],
    takenAtMs: 1,
    collector: null,
    mediator: null
  }))
  const limits = { requestsPerSec: 100_000, writesPerSec: 100_000, failedLoginsPerMin: 10_000, keys: 20 }
  const front = await startFront(t, { pods: [pod], limits })
  const { paths } = await front.front.openApi()
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    // A stream does not end by itself; its own test has wrong requests too.
    path === '/api/v1/events'
      ? []
      : Object.entries(methods).map(([method, { parameters = [] }]) => ({ path, method, parameters }))
  )
  const secret = front.adminKey.slice('wk_0123456789abcdef_'.length)
  const request = fc.record({
    operation: fc.constantFrom(...operations),
    key: fc.oneof({ weight: 4, arbitrary: fc.constant(front.adminKey) }, { weight: 1, arbitrary: nasty.map(sendable) }),
    values: fc.array(nasty, { minLength: 8, maxLength: 8 }),
    body: fc.oneof(
      fc.json(),
      fc.record({ name: nasty, role: nasty }).map(each => JSON.stringify(each)),
      nasty
    )
  })
  await fc.assert(
    fc.asyncProperty(request, async ({ operation: { path, method, parameters }, key, values, body }) => {
      const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(values[0]!.toWellFormed()))
      const query = new URLSearchParams(
        parameters.flatMap(({ name, in: where }, index) =>
          where === 'query' && index % 3 !== values[1]!.length % 3 ? [[name, values[index % 8]!.toWellFormed()]] : []
        )
      )
      const hasBody = method === 'post'
      const response = await fetch(`${front.front.url}${filled}?${query}`, {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${key}`, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
        ...(hasBody ? { body } : {})
      })
      const text = await response.text()
      assert.ok(response.status < 500, `${method} ${filled}?${query} ${response.status} ${text}`)
      assert.ok(!text.includes(secret))
      if (response.status >= 400) assert.match(response.headers.get('content-type')!, /^application\/problem\+json/)
    }),
    { numRuns: 1_000 }
  )
})
