import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir } from '../support/weir-command.ts'

interface Pods {
  readonly pods: readonly { readonly pod: string; readonly isAnswered: boolean; readonly code: string | null }[]
  readonly isPartial: boolean
}
interface Fleet {
  readonly ready: number
  readonly items: readonly { readonly pod: string; readonly state: string }[]
}
interface List extends Pods {
  readonly items: readonly {
    readonly id: string
    readonly pod: string
    readonly templateId: number
    readonly scope: string
  }[]
}
interface Ledgers extends Pods {
  readonly totals: { readonly recordsDecoded: number }
  readonly isClosed: boolean
}

test('a front asks two pods; with one coordinator stopped and one killed it says so, and the rest is there in time', async () => {
  const folder = tempFolder('fleet-view')
  const capture = fixtureCapture('softflowd-v9')
  const apiPorts = [await freePort(), await freePort()]
  const frontPort = await freePort()
  const pods = apiPorts.map(port => `http://127.0.0.1:${port}`)
  const front = { port: frontPort, pods, limits: { podTimeoutMs: 1_000 } }
  // The second one runs the front of both, as a Deployment of its own would.
  const second = await launchWeir(join(folder, 'b'), await freePort(), apiPorts[1]!, { config: { front } })
  const first = await launchWeir(join(folder, 'a'), await freePort(), apiPorts[0]!)
  await Promise.all([first.waitUntilReady(), second.waitUntilReady()])
  await second.child.waitForText('Weir is ready')
  const key = readFileSync(join(folder, 'b/var/admin.key'), 'utf8').trim()
  const get = async <T>(path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(`http://127.0.0.1:${frontPort}${path}`, { headers })
    assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`)
    return (await response.json()) as T
  }
  await until('both pods are ready', async () => (await get<Fleet>('/api/v1/fleet')).ready === 2)
  for (const { port } of [first, second]) {
    await runWeir(['replay', capture.path, '--to', `udp://127.0.0.1:${port}`, '--as-fast-as-possible'])
  }
  await until('all is decoded', async () => {
    const { totals, isClosed } = await get<Ledgers>('/api/v1/ledger')
    return totals.recordsDecoded === 2 * capture.records && isClosed
  })
  const { items: pipelines } = await get<{ items: { pod: string; pipeline: { nodes: { id: string }[] } | null }[] }>(
    '/api/v1/pipeline'
  )
  assert.deepEqual(
    pipelines.map(({ pipeline }) => pipeline?.nodes.at(-1)?.id),
    ['mediator', 'mediator']
  )
  const names = pods.map(url => url.slice('http://'.length))
  const exporters = await get<List>('/api/v1/exporters')
  assert.deepEqual(exporters.items.map(({ pod }) => pod).toSorted(), names.toSorted())
  const templates = await get<List>('/api/v1/templates?limit=1000')
  assert.deepEqual(templates.isPartial, false)
  for (const name of names)
    assert.ok(
      templates.items.some(({ pod }) => pod === name),
      name
    )
  const { scope } = templates.items[0]!
  const under = await get<{ exporters: { templates: object[] }[] }>(`/api/v1/templates/${encodeURIComponent(scope)}`)
  assert.ok(under.exporters.length > 0)

  const reading = new AbortController()
  const stream = await fetch(`http://127.0.0.1:${frontPort}/api/v1/events?format=ndjson`, {
    headers: { authorization: `Bearer ${key}` },
    signal: reading.signal
  })
  let told = ''
  const whole = (async () => {
    for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) told += part
  })().catch(() => undefined)
  const recent = await get<{ items: readonly { pod: string }[] }>('/api/v1/events/recent')
  assert.deepEqual([...new Set(recent.items.map(({ pod }) => pod))].toSorted(), names.toSorted())

  // It is there and says nothing: the front does not wait for it for longer than it may take.
  const stopped = first.signal('coordinator', 'SIGSTOP')
  // For a moment the answer of before is given, which says how old it is.
  await until('the ledger is partial', async () => (await get<Ledgers>('/api/v1/ledger')).isPartial)
  const late = await get<Ledgers>('/api/v1/ledger')
  assert.deepEqual(
    [late.isPartial, late.totals.recordsDecoded, late.pods.map(({ code }) => code)],
    [true, capture.records, ['POD_TIMEOUT', null]]
  )
  process.kill(stopped, 'SIGCONT')
  await first.killPod()
  await until('the stream says that the pod is away', () => told.includes('"type":"pod_away"'))
  assert.ok(told.includes(names[0]!))
  reading.abort()
  await whole
  await until('the fleet has one pod less', async () => (await get<Fleet>('/api/v1/fleet')).ready === 1)
  const fleet = await get<Fleet>('/api/v1/fleet')
  assert.deepEqual(
    fleet.items.map(({ pod, state }) => [pod, state]),
    [
      [names[0], 'away'],
      [names[1], 'ready']
    ]
  )
  await until('the list is partial', async () => (await get<List>('/api/v1/exporters')).isPartial)
  const rest = await get<List>('/api/v1/exporters')
  assert.deepEqual([rest.isPartial, rest.items.map(({ pod }) => pod)], [true, [names[1]]])
  assert.deepEqual(
    rest.pods.map(({ code }) => code),
    ['ECONNREFUSED', null]
  )
  // Nothing of it is in memory only.
  await second.crash('front')
  await until('the front answers again, with the same key', async () =>
    get<Fleet>('/api/v1/fleet').then(
      ({ ready }) => ready === 1,
      () => false
    )
  )
  assert.equal((await second.stop()).code, 0, second.child.said)
})
