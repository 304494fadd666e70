import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Answer } from '../support/coordinator-client.ts'
import { freePort } from '../support/free-port.ts'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger } from '../support/ledger.ts'
import { RunningWeir, startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { weir as weirCommand } from '../support/weir-command.ts'

type Json = Record<string, unknown>
interface Problem {
  readonly code: string
  readonly errors?: readonly { path: string; message: string; allowed?: string }[]
}
interface Revision {
  readonly number: number
  readonly reason: string
}

const read = async (weir: RunningWeir): Promise<{ document: Json & { destinations: Json[] }; etag: string }> => {
  const { body, headers } = await weir.api.call<Json & { destinations: Json[] }>('GET', '/v1/config')
  return { document: body, etag: headers.get('etag')! }
}

const put = <T>(weir: RunningWeir, document: unknown, etag: string): Promise<Answer<T>> =>
  weir.api.call<T>('PUT', '/v1/config', document, { 'if-match': etag })

/** Ids of the destinations that the mediator has; every one of the document, and no other, if a change is whole. */
const inMediator = async (weir: RunningWeir): Promise<string[]> => {
  const { mediator } = await weir.api.get<{ mediator: { destinations: Record<string, object> } }>('/v1/ledger')
  return Object.keys(mediator.destinations)
}

const listenersOf = async (weir: RunningWeir): Promise<string[]> => {
  const { items } = await weir.api.get<{ items: { name: string; transport: string; state: string }[] }>('/v1/listeners')
  return items.filter(({ state }) => state !== 'closing').map(({ name }) => name)
}

/** Sessions that a destination has opened since the start. */
const sessionsOf = async (weir: RunningWeir, id: string): Promise<number> =>
  (await weir.api.get<{ sessions: number }>(`/v1/destinations/${id}`)).sessions

/** Where a value stands in a document. */
type Place = readonly (string | number)[]

function* placesOf(value: unknown, place: Place = []): Generator<Place> {
  if (typeof value !== 'object' || value === null) return void (yield place)
  for (const [key, member] of Object.entries(value)) {
    yield* placesOf(member, [...place, Array.isArray(value) ? Number(key) : key])
  }
}

function withValue(document: Json, place: Place, value: unknown): Json {
  const copy = structuredClone(document)
  const parent = place.slice(0, -1).reduce<Json>((at, key) => at[key] as Json, copy)
  parent[place.at(-1)!] = value
  return copy
}

test(
  'changes of the document while 20,000 records/s flow: whole or not at all, and what is not changed never notices',
  { timeout: 240_000 },
  async () => {
    const folder = tempFolder('revisions')
    const receivers = [await startReceiver('tcp'), await startReceiver('tcp')]
    const steady = receivers.map(({ url }, index) => ({
      id: `steady-${index}`,
      type: 'ipfix',
      url,
      queue: { policy: 'block' }
    }))
    const weir = await startWeir(folder, { destinations: steady })
    const records = 400_000
    const generator = startGenerator({ to: weir.tcp, records, rate: 20_000 })
    await until('records flow', async () => (await readLedger(weir.api)).collector.records.decoded > 5_000)
    const lines = (name: string): Json => ({ id: name, type: 'json', target: `file:${join(folder, `${name}.json`)}` })
    const written = await read(weir)
    const { destinations } = written.document

    // Added, changed, removed and rolled back.
    for (let round = 0; round < 40; round++) {
      const name = `lines-${round % 4}`
      const before = await read(weir)
      const more = { ...before.document, destinations: [...before.document.destinations, lines(name)] }
      const added = await put<Revision>(weir, more, before.etag)
      assert.equal(added.status, 200, JSON.stringify(added.body))
      const late = await put<Problem>(weir, written.document, before.etag)
      assert.deepEqual([late.status, late.body.code], [412, 'CHANGED_MEANWHILE'])
      if (round % 2 === 0) {
        const to = added.body.number - 1
        assert.equal((await weir.api.call('POST', '/v1/config/rollback', { to, reason: 'as before' })).status, 200)
      } else {
        const etag = added.headers.get('etag')!
        const patched = await weir.api.call('PATCH', '/v1/config', { destinations }, { 'if-match': etag })
        assert.equal(patched.status, 200, JSON.stringify(patched.body))
      }
    }
    // Two at once, who have read the same.
    const { etag, document } = await read(weir)
    const writers = await Promise.all(
      ['one', 'other'].map(name => put(weir, { ...document, destinations: [...destinations, lines(name)] }, etag))
    )
    assert.deepEqual(writers.map(({ status }) => status).toSorted(), [200, 412])
    await weir.api.post('/v1/config/rollback', { to: 0 })

    // Broken ones, each of which would also add a destination and remove another.
    const { document: now, etag: nowEtag } = await read(weir)
    const { collector } = now as unknown as { collector: Json & { listeners: Json[] } }
    const extra = { name: 'half', transport: 'tcp', port: await freePort() }
    const half = {
      ...now,
      destinations: [...destinations.slice(1), lines('half')],
      collector: { ...collector, listeners: [...collector.listeners.slice(1), extra] }
    }
    const inCollector = await listenersOf(weir)
    const places = [...placesOf(half)].filter(place => place[0] !== 'runDir')
    const broken = [
      ...places.map(place => [place, { strange: 1 }] as const),
      // A list has no keys.
      ...places
        .filter(place => typeof place.at(-1) !== 'number')
        .map(place => [[...place.slice(0, -1), 'zzzzzz'] as Place, 1] as const)
    ].filter(([place]) => typeof place.at(-2) !== 'number' || typeof place.at(-1) === 'string')
    const chosen = broken.slice(0, 200)
    assert.equal(chosen.length, 200)
    for (const [place, value] of chosen) {
      const answer = await put<Problem>(weir, withValue(half, place, value), nowEtag)
      const what = `${place.join('.')} ${JSON.stringify(answer.body)}`
      assert.equal(answer.status, 422, what)
      assert.ok(answer.body.errors!.length > 0, what)
      for (const { path, message, allowed } of answer.body.errors!) assert.ok(path && message && allowed, what)
    }
    assert.equal((await read(weir)).etag, nowEtag)
    assert.ok(!(await weir.api.get<{ items: Json[] }>('/v1/destinations')).items.some(({ id }) => id === 'half'))
    assert.ok(!(await inMediator(weir)).includes('half'))
    assert.deepEqual(await listenersOf(weir), inCollector)

    // The coordinator is killed in the middle of a change: the whole of it holds, or nothing.
    for (let round = 0; round < 4; round++) {
      const before = await read(weir)
      const names = [`killed-${round}-a`, `killed-${round}-b`, `killed-${round}-c`]
      const listener = { name: `killed-${round}`, transport: 'tcp', address: '127.0.0.1', port: await freePort() }
      const wanted = {
        ...before.document,
        destinations: [...destinations, ...names.map(lines)],
        collector: { ...collector, listeners: [...collector.listeners, listener] }
      }
      const isHeld = round % 2 === 0
      const mediator = isHeld ? weir.signal('mediator', 'SIGSTOP') : undefined
      const answer = put(weir, wanted, before.etag).catch(() => undefined)
      // Held: the coordinator waits for its first step. Else: that has been done.
      if (isHeld) for (let turn = 0; turn < 20; turn++) await weir.api.call('GET', '/livez')
      else await until('a part is done', () => existsSync(join(folder, `${names[0]}.json`)))
      await weir.crash('coordinator')
      if (mediator !== undefined) process.kill(mediator, 'SIGCONT')
      await answer
      await weir.waitUntilReady()
      const after = (await read(weir)).document.destinations.map(({ id }) => String(id))
      const whole = [before.document, wanted].map(each => each.destinations.map(({ id }) => String(id)))
      assert.ok(
        whole.some(ids => isDeepStrictEqual(ids, after)),
        `${after.join(' ')}`
      )
      if (isHeld) assert.deepEqual(after, whole[0])
      await until('the mediator has what holds', async () => {
        const { items } = await weir.api.get<{ items: { id: string; status: string }[] }>('/v1/destinations')
        return items.every(({ status }) => status !== 'absent') && items.length === after.length
      })
      const { listeners } = (await read(weir)).document.collector as { listeners: { name: string }[] }
      await until('the collector has what holds', async () =>
        isDeepStrictEqual(
          await listenersOf(weir),
          listeners.map(({ name }) => name)
        )
      )
      for (const { id } of steady) assert.ok(after.includes(id))
    }
    await weir.api.post('/v1/config/rollback', { to: 0 })
    for (const { id } of steady) assert.equal(await sessionsOf(weir, id), 1, `${id} was connected once`)
    assert.equal((await generator.waitForEnd()).code, 0, generator.said)
    await weir.checkLedger()
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    for (const receiver of receivers) {
      const { unique, lost, duplicates } = await receiver.stop()
      assert.deepEqual({ unique, lost, duplicates }, { unique: records, lost: 0, duplicates: 0 }, receiver.url)
    }
  }
)

test('revisions outlive a restart; a change of the file is newer, and what was before can be brought back', async () => {
  const folder = tempFolder('revisions-kept')
  const weir = await startWeir(folder)
  const kept = { id: 'kept', type: 'json', target: `file:${join(folder, 'kept.json')}` }
  const { document, etag } = await read(weir)
  assert.equal((await put(weir, { ...document, destinations: [kept] }, etag)).status, 200)
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const file = join(folder, 'weir.yaml')
  const again = async (): Promise<RunningWeir> => {
    const child = weirCommand(['up', '--config', file], { cwd: folder })
    const started = new RunningWeir(folder, weir.port, weir.api, child, [])
    await started.waitUntilReady()
    return started
  }
  const second = await again()
  assert.deepEqual(
    (await read(second)).document.destinations.map(({ id }) => id),
    ['kept']
  )
  assert.equal((await second.stop()).code, 0, second.child.said)

  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as Json), link: { batchAgeMs: 21 } }))
  const third = await again()
  assert.deepEqual((await read(third)).document.destinations, [])
  const { items } = await third.api.get<{ items: (Revision & { author: string })[] }>('/v1/config/revisions')
  assert.deepEqual(
    items.map(({ number, author }) => [number, author]),
    [
      [2, 'file'],
      [1, 'api'],
      [0, 'file']
    ]
  )
  // The age of its batches was another one, which only a restart changes.
  const refused = await third.api.call<Problem>('POST', '/v1/config/rollback', { to: 1 })
  assert.deepEqual([refused.status, refused.body.errors!.map(({ path }) => path)], [409, ['link.batchAgeMs']])
  const former = await third.api.get<{ document: Json }>('/v1/config/revisions/1')
  const now = await read(third)
  const back = { ...now.document, destinations: former.document.destinations }
  assert.equal((await put(third, back, now.etag)).status, 200)
  assert.equal((await third.stop()).code, 0, third.child.said)
})

test('what an earlier version kept in revision.json is taken over', async () => {
  const folder = tempFolder('revisions-former')
  const weir = await startWeir(folder)
  const revision = await weir.api.get<{ items: { baseHash: string }[] }>('/v1/config/revisions')
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const state = join(folder, 'var')
  rmSync(join(state, 'revisions.db'))
  const kept = { id: 'kept', type: 'json', target: `file:${join(folder, 'kept.json')}` }
  const exporters = { '192.0.2.1': { scope: 'address' } }
  const former = join(state, 'revision.json')
  writeFileSync(former, JSON.stringify({ baseHash: revision.items[0]!.baseHash, destinations: [kept], exporters }))
  const child = weirCommand(['up', '--config', join(folder, 'weir.yaml')], { cwd: folder })
  const second = new RunningWeir(folder, weir.port, weir.api, child, [])
  await second.waitUntilReady()
  const { document } = await read(second)
  assert.deepEqual(
    [document.destinations.map(({ id }) => id), (document.collector as Json).exporterOverrides],
    [['kept'], [{ address: '192.0.2.1', scope: 'address' }]]
  )
  const { items } = await second.api.get<{ items: Revision[] }>('/v1/config/revisions')
  assert.deepEqual(
    items.map(({ number }) => number),
    [1, 0]
  )
  assert.ok(!existsSync(former))
  assert.equal((await second.stop()).code, 0, second.child.said)
})

for (const transport of ['udp', 'tcp'] as const) {
  test(`an exporter that may not send any more is cut off while others are not, and may come back: ${transport}`, async () => {
    const weir = await startWeir(tempFolder(`revisions-allow-${transport}`))
    const generator = startGenerator({ to: weir[transport], records: 0, rate: 2_000, templateRefreshSec: 1 })
    const decoded = async (): Promise<number> => (await readLedger(weir.api)).collector.records.decoded
    const sessions = async (): Promise<number> => {
      const { items } = await weir.api.get<{ items: { sessions: number }[] }>('/v1/exporters')
      return items.reduce((sum, item) => sum + item.sessions, 0)
    }
    const patch = async (change: Json): Promise<void> => {
      const { etag } = await read(weir)
      const answer = await weir.api.call('PATCH', '/v1/config', change, { 'if-match': etag })
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
    }
    await until('records flow', async () => (await decoded()) > 1_000)
    await patch({ collector: { allow: ['127.0.0.0/8'], allowAny: false }, log: { level: 'error' } })
    const before = await decoded()
    await until('records flow on', async () => (await decoded()) > before + 1_000)
    await patch({ collector: { allow: ['192.0.2.0/24'] } })
    assert.equal(await sessions(), 0)
    const after = await decoded()
    await until('it is refused', async () => {
      const { messages } = (await readLedger(weir.api)).collector
      const connections = /^weir_collector_connections_total\{[^}]*"not_allowed"[^}]*\} (\d+)/m
      const closed = Number(connections.exec(await weir.collectorMetrics())?.[1] ?? 0)
      return transport === 'tcp' ? closed > 0 : ((messages.dropped as Record<string, number>).not_allowed ?? 0) > 20
    })
    assert.equal(await decoded(), after)
    if (transport === 'udp') {
      assert.doesNotMatch(weir.child.said, /"code":"not_allowed"/)
      await patch({ log: { level: 'warn' } })
      await until('the log says so', () => /"code":"not_allowed"/.test(weir.child.said))
    }
    generator.kill('SIGKILL')
    await generator.waitForEnd()
    await patch({ collector: { allow: null, allowAny: true } })
    const other = startGenerator({ to: weir[transport], records: 2_000 })
    assert.equal((await other.waitForEnd()).code, 0, other.said)
    await until('its records came', async () => (await decoded()) === after + 2_000)
    await weir.checkLedger()
    assert.equal((await weir.stop()).code, 0, weir.child.said)
  })
}
