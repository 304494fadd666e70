import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFront, startPod } from './support/front-fixture.ts'
import type { PodAnswers } from './support/front-fixture.ts'

/** A pod with exporters of these ids, paged as a coordinator does: its cursor is the number of the next one. */
const podWith =
  (ids: readonly string[]): PodAnswers =>
  url => {
    const { searchParams } = url
    if (searchParams.get('sort') === 'nonsense') {
      return { status: 400, code: 'SORT_UNKNOWN', detail: 'There is no key "nonsense" to sort by.' }
    }
    const ordered = searchParams.get('sort') === '-id' ? ids.toReversed() : ids
    const [start, limit] = [Number(searchParams.get('cursor') ?? 0), Number(searchParams.get('limit'))]
    const items = ordered.slice(start, start + limit).map(id => ({ ...exporter, id }))
    const next = start + limit < ids.length ? String(start + limit) : null
    return { items, total: ids.length, offset: 0, limit, next }
  }

const sequence = { lost: 0, duplicated: 0, reordered: 0, restarts: 0, suspect: 0, undecoded: 0, gap: 0 }
const exporter = {
  via: [],
  address: '',
  state: 'active',
  stateSinceAtMs: 1,
  stateReasons: [],
  rebootedAtMs: null,
  scopeDecision: 'single',
  versions: [10],
  sessions: 1,
  domains: 1,
  templates: 1,
  firstSeenAtMs: 1,
  lastSeenAtMs: 1,
  messages: 1,
  octets: 1,
  records: 1,
  malformed: 0,
  droppedSets: 0,
  droppedRecords: 0,
  clockSkewMs: 0,
  sequence
}

interface Listed {
  readonly items: readonly { readonly id: string; readonly pod: string }[]
  readonly next: string | null
  readonly isPartial: boolean
  readonly total: number
  readonly pods: readonly { readonly pod: string; readonly isAnswered: boolean; readonly code: string | null }[]
}

/** Below the ports that the kernel gives out, and nobody's. */
const nobody = 'http://127.0.0.1:19999'

/** All pages one after the other. */
async function allOf(
  front: Awaited<ReturnType<typeof startFront>>,
  path: string
): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = []
  let next: string | null = null
  let pages = 0
  do {
    const cursor: string = next === null ? '' : `&cursor=${next}`
    const { body, status } = await front.call('GET', path + cursor, front.adminKey)
    assert.equal(status, 200, JSON.stringify(body))
    const page = body as unknown as Listed
    ids.push(...page.items.map(({ id }) => id))
    next = page.next
    pages++
  } while (next !== null && pages < 200)
  return { ids, pages }
}

const numbered = (from: number, step: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `192.0.2.${from + index * step}`)

test('the lists of all pods are one list: in order, nothing twice, nothing left out, whatever the page', async t => {
  const lists = [numbered(1, 3, 40), numbered(2, 3, 7), numbered(3, 3, 60), []]
  const pods = await Promise.all(lists.map(ids => startPod(t, podWith(ids))))
  const front = await startFront(t, { pods, limits: { requestsPerSec: 10_000 } })
  const expected = lists.flat().toSorted((one, other) => Number(one.split('.')[3]) - Number(other.split('.')[3]))
  for (const limit of [1, 2, 7, 50, 1_000]) {
    const { ids } = await allOf(front, `/api/v1/exporters?limit=${limit}`)
    assert.deepEqual(ids, expected, `pages of ${limit}`)
  }
  const turned = await allOf(front, '/api/v1/exporters?limit=9&sort=-id')
  assert.deepEqual(turned.ids, expected.toReversed())
  const { body } = await front.call('GET', '/api/v1/exporters?limit=5', front.adminKey)
  assert.deepEqual([body.total, body.isPartial], [107, false])
})

test('a cursor of pods that are gone, or of another pod, is no cursor: 400', async t => {
  const { call, adminKey } = await startFront(t, { pods: [await startPod(t, podWith(['192.0.2.1']))] })
  for (const entries of [[['192.0.2.9:8090', null, 0]], []]) {
    const cursor = Buffer.from(JSON.stringify(entries)).toString('base64url')
    const { status, body } = await call('GET', `/api/v1/exporters?cursor=${cursor}`, adminKey)
    assert.deepEqual([status, body.code], [400, 'BAD_CURSOR'])
  }
})

test('one pod can be asked alone, and there is no other', async t => {
  const pods = [await startPod(t, podWith(['192.0.2.1'])), await startPod(t, podWith(['192.0.2.2']))]
  const { call, adminKey } = await startFront(t, { pods })
  const one = await call('GET', `/api/v1/exporters?pod=${pods[1]!.slice(7)}`, adminKey)
  assert.deepEqual(
    one.body.items!.map(({ id, pod }) => [id, pod]),
    [['192.0.2.2', pods[1]!.slice(7)]]
  )
  assert.equal((await call('GET', '/api/v1/exporters?pod=192.0.2.1:1', adminKey)).status, 404)
})

test('a pod that is away, one that does not answer in time and ones that say nonsense or other things are named; the rest is there', async t => {
  const good = await startPod(t, podWith(['192.0.2.1']))
  const silent = await startPod(t, () => undefined)
  const broken = await startPod(t, (_url, _request, response) => void response.end('<html>'))
  const long = await startPod(t, () => ({ items: 'x'.repeat(100_000) }))
  const other = await startPod(t, () => ({ items: [{ id: '192.0.2.9' }], total: 1, next: null }))
  const pods = [nobody, silent, broken, long, other, good]
  const { call, adminKey } = await startFront(t, { pods, limits: { podTimeoutMs: 200, podAnswerOctets: 65_536 } })
  const { status, body } = await call('GET', '/api/v1/exporters', adminKey)
  const page = body as unknown as Listed
  assert.deepEqual([status, page.isPartial, page.items.length, page.next], [200, true, 1, null])
  assert.deepEqual(
    page.pods.map(({ code }) => code),
    ['ECONNREFUSED', 'POD_TIMEOUT', 'POD_ERROR', 'POD_ANSWER_TOO_LONG', 'POD_ERROR', null]
  )
})

test('no pod answers: 503 that names each; all say that the request is wrong: their own answer', async t => {
  const { call, adminKey } = await startFront(t, { pods: [nobody, 'http://127.0.0.1:19998'] })
  const away = await call('GET', '/api/v1/ledger', adminKey)
  assert.deepEqual([away.status, away.body.code], [503, 'NO_POD_ANSWERS'])
  assert.equal((away.body.errors as unknown[]).length, 2)
  const pods = [await startPod(t, podWith([])), await startPod(t, podWith([]))]
  const other = await startFront(t, { pods })
  const wrong = await other.call('GET', '/api/v1/exporters?sort=nonsense', other.adminKey)
  assert.deepEqual([wrong.status, wrong.body.code], [400, 'SORT_UNKNOWN'])
  const none = await other.call('GET', '/api/v1/exporters?cursor=nonsense', other.adminKey)
  assert.deepEqual([none.status, none.body.code], [400, 'BAD_CURSOR'])
  assert.equal((await other.call('GET', '/api/v1/exporters?limit=1001', other.adminKey)).status, 400)
})

test('pods that do not let the front in are no refusal of who asks it', async t => {
  const problem = { type: 'about:blank', title: 'Unauthorized', code: 'TOKEN_WRONG', detail: 'This token is wrong.' }
  for (const status of [401, 403]) {
    const pod = await startPod(t, () => ({ ...problem, status }))
    const { call, adminKey } = await startFront(t, { pods: [pod] })
    for (const path of ['exporters', 'templates', 'ledger', 'pipeline', 'events', 'tap', 'config', 'destinations']) {
      const answer = await call('GET', `/api/v1/${path}`, adminKey)
      assert.deepEqual([answer.status, answer.body.code], [503, 'NO_POD_ANSWERS'], `${path} ${status}`)
      assert.match(answer.text, /This token is wrong/)
    }
  }
})

test('the fleet says how each pod is', async t => {
  const ready = await startPod(t, () => ({ status: 'ready', reasons: [] }))
  const unready = await startPod(t, (_url, _request, response) => {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ status: 'not ready', reasons: ['mediator-0 is not connected'] }))
    return undefined
  })
  const { call, adminKey } = await startFront(t, { pods: [ready, unready, nobody] })
  const { body } = await call('GET', '/api/v1/fleet', adminKey)
  assert.deepEqual([body.total, body.ready], [3, 1])
  assert.deepEqual(
    body.items!.map(({ state }) => state),
    ['ready', 'unready', 'away']
  )
  assert.deepEqual(body.items![1]!.reasons, ['mediator-0 is not connected'])
})

test('every address of a dns:// name is a pod, looked up again when its time is over', async t => {
  const pod = await startPod(t, () => ({ status: 'ready', reasons: [] }))
  const { port } = new URL(pod)
  let addresses: string[] | Error = ['127.0.0.1', '127.0.0.1']
  const front = await startFront(t, {
    pods: [`dns://pods.test:${port}`],
    limits: { podLookupMs: 1_000 },
    lookup: async () => {
      if (addresses instanceof Error) throw addresses
      return addresses
    }
  })
  const names = async (): Promise<unknown[]> =>
    (await front.call('GET', '/api/v1/fleet', front.adminKey)).body.items!.map(({ pod: name, state }) => [name, state])
  assert.deepEqual(await names(), [[`127.0.0.1:${port}`, 'ready']])
  addresses = ['127.0.0.1', '127.0.0.2']
  assert.equal((await names()).length, 1, 'it is held for true for a while')
  front.clock.advance(1_000)
  assert.equal((await names()).length, 2)
  addresses = new Error('queryA ENOTFOUND')
  front.clock.advance(1_000)
  assert.deepEqual(await names(), [[`dns://pods.test:${port}`, 'away']])
})

test('the templates under one scope come by exporter and pod, and those of scopes that begin so do not', async t => {
  const template = {
    key: 'k',
    exporterPort: 0,
    transport: 'udp',
    version: 10,
    listener: 'u',
    collectorAddress: '::',
    collectorPort: 4739,
    kind: 'template',
    scopeCount: 0,
    fields: [{ pen: 0, id: 8, length: 4, name: 'sourceIPv4Address', type: 'ipv4Address', isScope: false }],
    firstSeenAtMs: 1,
    lastSeenAtMs: 1,
    expiresAtMs: null,
    announcements: 1,
    records: 1,
    source: 'wire',
    state: 'live',
    isHint: false,
    exporter: '192.0.2.1',
    odid: 0
  }
  const scope = 'udp/10/u/192.0.2.1/10'
  const answers: PodAnswers = ({ searchParams }) => {
    assert.equal(searchParams.get('scope'), scope)
    const items = [
      { ...template, scope, templateId: 256 },
      { ...template, scope, templateId: 257 },
      { ...template, scope, odid: 7, templateId: 256 },
      { ...template, scope: `${scope}1`, templateId: 256 }
    ]
    return { items, total: 4, offset: 0, limit: 1_000, next: null }
  }
  const pods = [await startPod(t, answers), await startPod(t, answers)]
  const { call, adminKey } = await startFront(t, { pods })
  for (const path of ['/api/v1/templates', '/api/flow-templates']) {
    const { status, body } = await call('GET', `${path}/${encodeURIComponent(scope)}`, adminKey)
    assert.equal(status, 200, JSON.stringify(body))
    const groups = body.exporters as { pod: string; odid: number; templates: { fields: { name: string }[] }[] }[]
    assert.deepEqual([body.total, groups.map(({ odid, templates }) => [odid, templates.length])], [
      6,
      [
        [0, 2],
        [7, 1],
        [0, 2],
        [7, 1]
      ]
    ] as never)
    assert.equal(groups[0]!.templates[0]!.fields[0]!.name, 'sourceIPv4Address')
  }
})
