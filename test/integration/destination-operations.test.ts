import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeFile } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { generate, startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { TcpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { atRest, until } from '../support/until.ts'

interface View {
  readonly status: string
  readonly mode: string
  readonly sessions: number
}
interface Tested {
  readonly reachable: string
  readonly address: string | null
  readonly failure: string | null
}

const folder = tempFolder('operations')
const accountOf = async (weir: RunningWeir, id: string) => (await readLedger(weir.api)).mediator.destinations[id]!
const operate = (weir: RunningWeir, id: string, verb: string): Promise<View> =>
  weir.api.post<View>(`/v1/destinations/${id}/${verb}`)

interface Pipeline {
  readonly nodes: readonly {
    readonly id: string
    readonly state: string
    readonly counters: readonly { readonly name: string; readonly unit: string; readonly total: number }[]
    readonly queue: { readonly records: number | null } | null
  }[]
  readonly edges: readonly { readonly to: string; readonly total: number; readonly perSec: number | null }[]
}

/** At rest its numbers are the ledger's; what has just flowed shows in its rates. */
async function checkPipeline(weir: RunningWeir): Promise<void> {
  const { nodes, edges } = await until('it has rates', async () => {
    const pipeline = await weir.api.get<Pipeline>('/v1/pipeline')
    return pipeline.edges.every(({ perSec }) => perSec !== null) && pipeline.edges.at(-1)!.perSec! > 100
      ? pipeline
      : undefined
  })
  const { collector, mediator } = await readLedger(weir.api)
  const nodeOf = (id: string) => nodes.find(node => node.id === id)!
  const countOf = (id: string, name: string, unit: string): number =>
    nodeOf(id).counters.find(each => each.name === name && each.unit === unit)!.total
  assert.equal(countOf('collector', 'received', 'messages'), collector.messages.received)
  assert.equal(countOf('collector', 'admitted', 'records'), collector.records.admitted)
  assert.equal(countOf('link', 'settled', 'records'), collector.window.settled)
  assert.equal(countOf('mediator', 'received', 'records'), mediator.records.received)
  assert.ok(countOf('listener:tcp', 'octets', 'octets') > 1_000_000)
  assert.deepEqual(edges.map(({ to, total }) => [to, total]).slice(-3), [
    ['mediator', mediator.records.received],
    ['destination:d0', mediator.destinations.d0!.matched],
    ['destination:d1', mediator.destinations.d1!.matched]
  ])
  const held = nodeOf('destination:d0')
  assert.deepEqual([held.state, held.queue!.records], ['paused', mediator.destinations.d0!.queued])
}

test('paused under load: nothing leaves, a restart changes nothing, and after resume all of it arrives once', async () => {
  const [held, other] = [await startReceiver('tcp'), await startReceiver('tcp')]
  const hooked: { data: { mode: string } }[] = []
  const hook = createServer((request, reply) => {
    request.on('data', body => hooked.push(JSON.parse(String(body)) as (typeof hooked)[number]))
    request.on('end', () => reply.end())
  }).listen(0, '127.0.0.1')
  await once(hook, 'listening')
  const webhook = {
    id: 'hook',
    url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`,
    events: ['destination_mode']
  }
  const weir = await startWeir(join(folder, 'pause'), {
    config: { coordinator: { webhooks: [webhook] } },
    destinations: [held, other].map(({ url }, index) => ({ id: `d${index}`, type: 'ipfix', url, reconnectMinMs: 100 }))
  })
  const generator = startGenerator({ to: weir.tcp, records: 30_000, rate: 20_000 })
  await until('records flow', async () => (await accountOf(weir, 'd0')).sent > 5_000)
  const paused = await operate(weir, 'd0', 'pause')
  assert.deepEqual([paused.status, paused.mode], ['paused', 'paused'])
  const sent = await atRest('what was under way', async () => (await accountOf(weir, 'd0')).sent, 200)
  assert.equal((await generator.waitForEnd()).code, 0, generator.said)
  const account = await until('all is there', async () => {
    const { matched, ...rest } = await accountOf(weir, 'd0')
    return matched === 30_000 ? rest : undefined
  })
  assert.deepEqual([account.sent, account.queued], [sent, 30_000 - sent], 'what came meanwhile waits')
  await until('the other has all', async () => (await accountOf(weir, 'd1')).sent === 30_000)
  await checkPipeline(weir)
  assert.equal((await weir.api.call('POST', '/v1/destinations/d0/flush')).status, 409)
  assert.equal((await weir.api.get<View>('/v1/destinations/d0')).sessions, 1, 'its session stays')
  assert.equal(await weir.metric('mediator', 'weir_mediator_destination_mode{destination="d0",mode="paused"}'), 1)
  await operate(weir, 'd0', 'resume')
  await until('what waited is sent', async () => (await accountOf(weir, 'd0')).sent === 30_000)

  await operate(weir, 'd0', 'pause')
  await weir.crash('mediator')
  await weir.waitUntilReady()
  await generate({ to: weir.tcp, records: 1_000, rate: 50_000 })
  await until('the other has them', async () => (await accountOf(weir, 'd1')).sent === 1_000)
  const after = await accountOf(weir, 'd0')
  assert.deepEqual([after.matched, after.sent, after.queued], [1_000, 0, 1_000], 'a new mediator holds it too')
  assert.equal((await operate(weir, 'd0', 'resume')).mode, 'running')
  await weir.checkLedger({ isFresh: false })
  const { items } = await weir.api.get<{ items: { data: { destination: string; mode: string } }[] }>(
    '/v1/events/recent?type=destination_mode'
  )
  assert.deepEqual(items.map(({ data }) => `${data.destination} ${data.mode}`).toReversed(), [
    'd0 paused',
    'd0 running',
    'd0 paused',
    'd0 running'
  ])
  await until('the webhook was told', () => hooked.length === 4)
  hook.close()
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  // Both generators count from 0.
  for (const receiver of [held, other]) {
    const { unique, duplicates, lost, malformed } = await receiver.stop()
    assert.deepEqual(
      { unique, duplicates, lost, malformed },
      { unique: 30_000, duplicates: 1_000, lost: 0, malformed: 0 }
    )
  }
})

test('drained: nothing new is taken and that is counted, what waited leaves, the session ends, and resume begins another', async () => {
  const port = await freePort()
  const weir = await startWeir(join(folder, 'drain'), {
    destinations: [{ id: 'd', type: 'ipfix', url: `tcp://127.0.0.1:${port}`, reconnectMinMs: 100, reconnectMaxMs: 200 }]
  })
  await generate({ to: weir.tcp, records: 10_000, rate: 100_000 })
  await until('all wait', async () => (await accountOf(weir, 'd')).queued === 10_000)
  assert.equal((await operate(weir, 'd', 'drain')).mode, 'draining')
  await generate({ to: weir.tcp, records: 2_000, rate: 100_000 })
  const during = await until('they are counted', async () => {
    const account = await accountOf(weir, 'd')
    return account.matched === 12_000 ? account : undefined
  })
  assert.deepEqual([during.queued, during.dropped.drained], [10_000, 2_000])
  const receiver = await startReceiver('tcp', port)
  await until('it is drained', async () => (await weir.api.get<View>('/v1/destinations/d')).status === 'drained')
  // Ends only when no connection is open any more.
  assert.equal((await receiver.stop()).unique, 10_000)
  await weir.crash('mediator')
  await weir.waitUntilReady()
  await generate({ to: weir.tcp, records: 500, rate: 100_000 })
  const still = await until('they are counted', async () => {
    const account = await accountOf(weir, 'd')
    return account.matched === 500 ? account : undefined
  })
  assert.equal(still.dropped.drained, 500, 'a new mediator takes nothing either')
  const again = await startReceiver('tcp', port)
  // What it would go to may be changed meanwhile, and holds from then on.
  await weir.api.patch('/v1/destinations/d', { observationDomainId: 7 })
  assert.equal((await operate(weir, 'd', 'resume')).mode, 'running')
  await generate({ to: weir.tcp, records: 3_000, rate: 100_000 })
  await weir.checkLedger({ isFresh: false })
  const odids = await weir.api.get<{ messages: number }>('/v1/destinations/d')
  assert.ok(odids.messages > 0)
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const { unique, malformed } = await again.stop()
  assert.deepEqual({ unique, malformed }, { unique: 3_000, malformed: 0 })
})

test('flush: what waits is written and the file is finished, at once; it can be read whole', async () => {
  const files = join(folder, 'files')
  mkdirSync(files)
  const weir = await startWeir(join(folder, 'flush'), {
    config: { shutdown: { drainMs: 100 } },
    destinations: [{ id: 'f', type: 'ipfix-file', path: files, rotate: { octets: null, seconds: null } }]
  })
  await generate({ to: weir.tcp, records: 5_000, rate: 100_000 })
  await until('they are in the file', async () => (await accountOf(weir, 'f')).sent === 5_000)
  assert.ok(readdirSync(files)[0]!.endsWith('.part'))
  type Flushed = { isDone: boolean; hasRotated: boolean; records: number }
  const flushed = await weir.api.post<Flushed>('/v1/destinations/f/flush?timeoutMs=10000')
  assert.deepEqual([flushed.isDone, flushed.hasRotated], [true, true])
  const [name, ...more] = readdirSync(files)
  assert.match(name!, /\.ipfix$/)
  assert.deepEqual(more, [])
  assert.equal(decodeFile(join(files, name!)).summary.dataRecords, 5_000)
  const empty = await weir.api.post<Flushed>('/v1/destinations/f/flush')
  assert.deepEqual([empty.isDone, empty.hasRotated, empty.records], [true, false, 0])
  // Nobody is there to take it: the answer comes when the time is up.
  const port = await freePort()
  await weir.api.post('/v1/destinations', { id: 'away', type: 'ipfix', url: `tcp://127.0.0.1:${port}` })
  await generate({ to: weir.tcp, records: 100, rate: 100_000 })
  await until('they wait', async () => (await accountOf(weir, 'away')).queued === 100)
  const late = await weir.api.post<Flushed>('/v1/destinations/away/flush?timeoutMs=200')
  assert.deepEqual([late.isDone, late.records], [false, 100])
  for (const timeoutMs of [0, 30_001, 'soon']) {
    assert.equal((await weir.api.call('POST', `/v1/destinations/away/flush?timeoutMs=${timeoutMs}`)).status, 400)
  }
  await weir.api.delete('/v1/destinations/away')
  await weir.stop()
})

test('test: says whether a destination can be reached, by a class; TH-34 one of the API is held to the policy, one of the file is not', async () => {
  const sink = await TcpSink.listen()
  const closed = await freePort()
  writeFileSync(join(folder, 'no-folder'), '')
  const ipfix = (id: string, url: string) => ({ id, type: 'ipfix', url })
  const weir = await startWeir(join(folder, 'test'), {
    config: {
      mediator: { destinationPolicy: { profile: 'pod', allow: ['198.51.100.0/24'], ports: [4739, sink.port] } }
    },
    destinations: [
      ipfix('there', `tcp://127.0.0.1:${sink.port}`),
      ipfix('named', `tcp://localhost:${sink.port}`),
      ipfix('closed', `tcp://127.0.0.1:${closed}`),
      ipfix('udp', 'udp://127.0.0.1:9'),
      ipfix('nameless', 'tcp://no-such-name.invalid:4739'),
      { id: 'file', type: 'json', target: `file:${join(folder, 'later', 'lines.json')}` },
      { id: 'files', type: 'ipfix-file', path: join(folder, 'later', 'deep') },
      { id: 'lost', type: 'json', target: `file:${join(folder, 'no-folder', 'lines.json')}` }
    ]
  })
  const tested = async (id: string): Promise<Tested> => weir.api.post<Tested>(`/v1/destinations/${id}/test`)
  const results: Record<string, readonly (string | null)[]> = {}
  await until('both are connected', () => sink.connections === 2)
  for (const id of ['there', 'named', 'closed', 'udp', 'file', 'files', 'lost']) {
    const { reachable, address, failure } = await tested(id)
    results[id] = [reachable, address, failure]
  }
  assert.deepEqual(results, {
    there: ['yes', '127.0.0.1', null],
    named: ['yes', '127.0.0.1', null],
    closed: ['no', '127.0.0.1', 'refused'],
    udp: ['unknown', '127.0.0.1', null],
    file: ['yes', null, null],
    files: ['yes', null, null],
    lost: ['no', null, 'missing']
  })
  const { failure } = await tested('nameless')
  assert.match(failure!, /^name_/)
  assert.equal(sink.connections, 4)
  assert.equal((await weir.api.get<View>('/v1/destinations/there')).sessions, 1)
  assert.equal(sink.octets, 0)
  assert.equal((await weir.api.call('POST', '/v1/destinations/nobody/test')).status, 404)

  interface Refusal {
    readonly code: string
    readonly errors: readonly { readonly path: string }[]
  }
  const add = (id: string, url: string) => weir.api.call<Refusal>('POST', '/v1/destinations', ipfix(id, url))
  for (const host of ['127.0.0.1', '169.254.169.254', '2130706433', '[::ffff:127.0.0.1]', '192.0.2.1']) {
    const { status, body } = await add('denied', `tcp://${host}:4739`)
    assert.deepEqual([status, body.errors[0]!.path], [422, 'url'], host)
  }
  assert.equal((await add('denied', 'tcp://198.51.100.1:22')).status, 422)
  const { document, etag } = await weir.api
    .call<{ destinations: object[] }>('GET', '/v1/config')
    .then(({ body, headers }) => ({ document: body, etag: headers.get('etag')! }))
  const destinations = [...document.destinations, ipfix('denied', 'tcp://127.0.0.1:4739')]
  const put = (path: string, method: string) =>
    weir.api.call<Refusal>(method, path, { ...document, destinations }, { 'if-match': etag })
  assert.equal((await put('/v1/config', 'PUT')).body.errors[0]!.path, 'destinations[8].url')
  // Files: below the folders of the policy, whoever asks, and however.
  const lines = (path: string) => ({ id: 'lines', type: 'json', target: `file:${path}` })
  const refused = await weir.api.call<Refusal>('POST', '/v1/destinations', lines(join(folder, 'elsewhere.json')))
  assert.deepEqual([refused.status, refused.body.errors[0]!.path], [422, 'target'])
  const elsewhere = {
    ...document,
    destinations: [...document.destinations, lines(join(folder, 'test/../elsewhere.json'))]
  }
  const whole = await weir.api.call<Refusal>('PUT', '/v1/config', elsewhere, { 'if-match': etag })
  assert.deepEqual([whole.status, whole.body.errors[0]!.path], [422, 'destinations[8].target'])
  assert.equal((await weir.api.call('POST', '/v1/destinations', lines(join(folder, 'test/lines.json')))).status, 201)
  await weir.api.delete('/v1/destinations/lines')
  // A name is looked up when it is connected to.
  assert.equal((await add('denied', `tcp://LocalHost:4739`)).status, 201)
  assert.deepEqual((await tested('denied')).failure, 'denied')
  const view = await until('it has been tried', async () => {
    const { lastError } = await weir.api.get<{ lastError: string | null }>('/v1/destinations/denied')
    return lastError
  })
  assert.match(view, /^denied: /)
  // The same target as in the file, under another name.
  assert.equal((await add('again', `tcp://127.0.0.1:${sink.port}`)).status, 201)
  await until('it is connected', () => sink.connections === 5)
  await weir.stop()
  await sink.close()
})
