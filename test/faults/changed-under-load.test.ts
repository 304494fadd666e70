import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Answer } from '../support/coordinator-client.ts'
import { freePort } from '../support/free-port.ts'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { GuestExporter } from '../support/guest-exporter.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

type Json = Record<string, unknown>
interface Named {
  readonly name: string
  readonly port: number
}
interface ConfigDocument extends Json {
  readonly log: { readonly level: string }
  readonly collector: Json & { readonly listeners: readonly (Named & Json)[]; readonly limits: Json }
  readonly mediator: Json & { readonly plan: { readonly sampling: boolean } }
  readonly coordinator: Json & { readonly port: number; readonly limits: { readonly eventsKept: number } }
  readonly destinations: readonly (Json & { readonly id: string })[]
}
interface Problem {
  readonly code: string
  readonly errors?: readonly { path: string; message: string; allowed?: string }[]
}
interface ListenerView extends Named {
  readonly state: string
  readonly transport: string
  readonly accepted?: number
  readonly connections?: number
}

const CHANGES = 1_000
const RATE = 50_000
const EXPORTERS = 4
/** Beside it; so few that a small receive buffer bridges a busy machine. */
const UDP_RATE = 2_000
/** Of those who come to the listeners that are opened and closed. */
const GUEST_ODID = 999
const steadyIds = ['steady-0', 'steady-1', 'steady-2']

const tcp = (name: string, port: number): Json & Named => ({ name, transport: 'tcp', address: '127.0.0.1', port })
const udp = (name: string, port: number, more: Json = {}): Json & Named => ({
  name,
  transport: 'udp',
  address: '127.0.0.1',
  port,
  ...more
})

const listenersOf = async (weir: RunningWeir): Promise<ListenerView[]> =>
  (await weir.api.get<{ items: ListenerView[] }>('/v1/listeners')).items

/** Changes of one document after the other, as an operator's program makes them. */
class Changes {
  readonly weir: RunningWeir
  document: ConfigDocument
  etag: string
  /** All that ever came to the listeners that are opened and closed. */
  readonly guests: GuestExporter[] = []
  readonly #folder: string
  readonly #sinkPort: number
  #serial = 0

  private constructor(weir: RunningWeir, folder: string, sinkPort: number, answer: Answer<ConfigDocument>) {
    this.weir = weir
    this.#folder = folder
    this.#sinkPort = sinkPort
    this.document = answer.body
    this.etag = answer.headers.get('etag')!
  }

  static async begin(weir: RunningWeir, folder: string, sinkPort: number): Promise<Changes> {
    return new Changes(weir, folder, sinkPort, await weir.api.call<ConfigDocument>('GET', '/v1/config'))
  }

  /** The next kind of change, whole or as a patch by turns. */
  async next(): Promise<void> {
    const serial = this.#serial++
    const kinds = [
      this.#addDestination,
      this.#openListener,
      this.#changeFilter,
      this.#limits,
      this.#moveListener,
      this.#changeDestination,
      this.#policies,
      this.#retuneListener,
      this.#filterOfSteady,
      this.#logLevel,
      this.#plan,
      this.#removeDestination,
      this.#closeListener
    ]
    const patch = await kinds[serial % kinds.length]!.call(this, serial)
    const wanted = merged(this.document, patch) as ConfigDocument
    const isWhole = serial % 3 === 0
    const answer = await this.weir.api.call<{ number: number }>(
      isWhole ? 'PUT' : 'PATCH',
      '/v1/config',
      isWhole ? wanted : patch,
      { 'if-match': this.etag }
    )
    assert.equal(answer.status, 200, `${JSON.stringify(patch)} ${JSON.stringify(answer.body)}`)
    this.document = wanted
    this.etag = answer.headers.get('etag')!
    // Where something was opened or has moved to, somebody comes.
    for (const name of ['guests-0', 'guests-1']) {
      const port = this.#portOf(name)
      if (port !== undefined && port !== this.#visited.get(name))
        this.guests.push(await GuestExporter.connect(port, GUEST_ODID))
      this.#visited.set(name, port)
    }
  }

  readonly #visited = new Map<string, number | undefined>()

  #portOf(name: string): number | undefined {
    return this.document.collector.listeners.find(listener => listener.name === name)?.port
  }

  #destinations(change: (list: (Json & { id: string })[]) => Json[]): Json {
    return { destinations: change(structuredClone([...this.document.destinations])) }
  }

  #listeners(change: (list: (Named & Json)[]) => Json[]): Json {
    return { collector: { listeners: change(structuredClone([...this.document.collector.listeners])) } }
  }

  async #addDestination(serial: number): Promise<Json> {
    const id = `extra-${serial % 3}`
    const filter = `odid != ${GUEST_ODID} and destinationTransportPort in (53, 443, 1..${1 + (serial % 1000)})`
    const made =
      serial % 2 === 0
        ? { id, type: 'ipfix', url: `udp://127.0.0.1:${this.#sinkPort}`, filter }
        : { id, type: 'json', target: `file:${join(this.#folder, `${id}.json`)}`, filter: `${filter} and proto = 17` }
    return this.#destinations(list => [...list.filter(each => each.id !== id), made])
  }

  async #changeFilter(serial: number): Promise<Json> {
    return this.#destinations(list =>
      list.map(each => (steadyIds.includes(each.id) ? each : { ...each, filter: `octetDeltaCount > ${serial}k` }))
    )
  }

  async #changeDestination(serial: number): Promise<Json> {
    const change = { plan: { lineage: serial % 2 === 0 }, queue: { octets: 65_536 * (1 + (serial % 7)) } }
    return this.#destinations(list => list.map(each => (steadyIds.includes(each.id) ? each : { ...each, ...change })))
  }

  async #removeDestination(): Promise<Json> {
    return this.#destinations(list => list.filter(({ id }) => steadyIds.includes(id)))
  }

  /** Another filter that lets the same pass: neither its session nor its templates may notice. */
  async #filterOfSteady(serial: number): Promise<Json> {
    const filter = `odid != ${GUEST_ODID} and not (octetDeltaCount < 0 or srcport > ${65_535 + serial})`
    return this.#destinations(list => list.map(each => (each.id === 'steady-2' ? { ...each, filter } : each)))
  }

  async #openListener(serial: number): Promise<Json> {
    const ports = [await freePort(), await freePort()]
    return this.#listeners(list => [
      ...list.filter(({ name }) => name === 'udp' || name === 'tcp'),
      tcp(`guests-${serial % 2}`, ports[0]!),
      udp('more', ports[1]!)
    ])
  }

  async #moveListener(): Promise<Json> {
    const ports = [await freePort(), await freePort()]
    return this.#listeners(list =>
      list.map(each => {
        if (each.name.startsWith('guests')) return { ...each, port: ports[0]! }
        return each.name === 'more' ? { ...each, port: ports[1]! } : each
      })
    )
  }

  async #retuneListener(serial: number): Promise<Json> {
    const socket = serial % 2 === 0 ? 'dgram' : 'auto'
    return this.#listeners(list =>
      list.map(each => {
        if (each.name === 'udp') return { ...each, socket }
        return each.name === 'more' ? { ...each, socket, receiveBufferOctets: 65_536 + serial } : each
      })
    )
  }

  async #closeListener(): Promise<Json> {
    return this.#listeners(list => list.filter(({ name }) => name === 'udp' || name === 'tcp'))
  }

  async #limits(serial: number): Promise<Json> {
    return {
      collector: {
        limits: { ...this.document.collector.limits, pendingMs: 30_000 + serial, templatesTotal: 100_000 + serial }
      },
      coordinator: { limits: { ...this.document.coordinator.limits, eventsKept: 1_000 + serial } },
      shutdown: { tcpReadMs: 10_000 - (serial % 100), drainMs: 10_000, udpSilenceMs: 200 }
    }
  }

  async #policies(serial: number): Promise<Json> {
    const exporters = [{ match: `192.0.2.${serial % 256}`, scope: 'address', resumeTemplates: serial % 2 === 0 }]
    const exporterOverrides = [{ address: `198.51.100.${serial % 256}`, scope: 'session' }]
    const allow = serial % 2 === 0 ? ['127.0.0.0/8', '192.0.2.0/24'] : ['127.0.0.0/8']
    return { collector: { exporters, exporterOverrides, allow, allowAny: false } }
  }

  async #logLevel(): Promise<Json> {
    return { log: { level: this.document.log.level === 'info' ? 'warn' : 'info' } }
  }

  async #plan(): Promise<Json> {
    return { mediator: { plan: { ...this.document.mediator.plan, sampling: !this.document.mediator.plan.sampling } } }
  }
}

/** As the coordinator merges a patch. */
function merged(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Json = { ...(before as Json) }
  for (const [key, value] of Object.entries(patch)) result[key] = merged(result[key], value)
  return result
}

test(
  '1,000 changes of the configuration under 50,000 records/s: nothing is lost, and what is not changed never notices',
  { timeout: 240_000 },
  async t => {
    const folder = tempFolder('changed-under-load')
    const receivers = await Promise.all(steadyIds.map(() => startReceiver('tcp')))
    const sink = createSocket('udp4')
    sink.bind(0, '127.0.0.1')
    await once(sink, 'listening')
    t.after(() => void sink.close())
    const filter = `odid != ${GUEST_ODID}`
    const weir = await startWeir(folder, {
      destinations: receivers.map(({ url }, index) => ({
        id: steadyIds[index],
        type: 'ipfix',
        url,
        filter,
        queue: { policy: 'block' }
      }))
    })
    const generator = startGenerator({ to: weir.tcp, records: 0, rate: RATE, exporters: EXPORTERS })
    const overUdp = startGenerator({
      to: weir.udp,
      records: 0,
      rate: UDP_RATE,
      generatorId: 100,
      templateRefreshSec: 1
    })
    const decoded = async (): Promise<number> => (await readLedger(weir.api)).collector.records.decoded
    await until('records flow', async () => (await decoded()) > RATE / 5)

    const changes = await Changes.begin(weir, folder, sink.address().port)
    const before = await decoded()
    const startMs = performance.now()
    for (let done = 1; done <= CHANGES; done++) {
      await changes.next()
      if (done % 50 === 0) await holds(changes)
    }
    const seconds = (performance.now() - startMs) / 1000
    const during = (await decoded()) - before
    assert.ok(during > RATE, `${during} records came while it was changed`)
    await refusesBroken(changes, folder)
    await holds(changes)

    for (const guest of changes.guests) guest.stop()
    await Promise.all(changes.guests.map(({ ended }) => ended))
    const reports = await Promise.all(
      [generator, overUdp].map(async child => {
        child.kill('SIGTERM')
        assert.equal((await child.waitForEnd()).code, 0, child.said)
        return JSON.parse(child.stdout) as { records: number; connectionLosses: number }
      })
    )
    assert.equal(reports[0]!.connectionLosses, 0)
    const records = reports.reduce((sum, report) => sum + report.records, 0)
    await until('the guests are gone', async () => (await listenersOf(weir)).every(({ state }) => state !== 'closing'))
    const { collector } = await weir.checkLedger()
    const written = changes.guests.reduce((sum, guest) => sum + guest.written, 0)
    assert.equal(collector.records.decoded, records + written, 'all that was written to listeners that closed was read')
    for (const id of steadyIds) {
      const { sessions } = await weir.api.get<{ sessions: number }>(`/v1/destinations/${id}`)
      assert.equal(sessions, 1, id)
      const metric = await weir.metric('mediator', `weir_mediator_destination_sessions_total{destination="${id}"}`)
      assert.equal(metric, 1, id)
    }
    const listeners = await listenersOf(weir)
    assert.equal(listeners.find(({ name }) => name === 'tcp')!.accepted, EXPORTERS)
    const { items } = await weir.api.get<{ items: { sessions: number }[] }>('/v1/exporters')
    assert.equal(
      items.reduce((sum, { sessions }) => sum + sessions, 0),
      1,
      'the UDP session is there'
    )
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    for (const receiver of receivers) {
      const { unique, lost, duplicates, malformed, sessions } = await receiver.stop()
      assert.deepEqual(
        { unique, lost, duplicates, malformed, sessions },
        { unique: records, lost: 0, duplicates: 0, malformed: 0, sessions: 1 },
        receiver.url
      )
    }
    t.diagnostic(
      `${CHANGES} changes in ${seconds.toFixed(1)} s, ${Math.round(during / seconds)} records/s, ${changes.guests.length} guests with ${written} records, ${records} records at each of ${receivers.length} destinations`
    )
  }
)

/** The processes have what the document says, and nothing else. */
async function holds({ weir, document }: Changes): Promise<void> {
  const open = (await listenersOf(weir)).filter(({ state }) => state !== 'closing')
  const placesOf = (list: readonly Named[]): string[] => list.map(({ name, port }) => `${name} ${port}`).toSorted()
  assert.deepEqual(placesOf(open), placesOf(document.collector.listeners))
  const { items } = await weir.api.get<{ items: { id: string; status: string; sessions: number }[] }>(
    '/v1/destinations'
  )
  assert.deepEqual(items.map(({ id }) => id).toSorted(), document.destinations.map(({ id }) => id).toSorted())
  for (const { id, status, sessions } of items) {
    assert.notEqual(status, 'absent', id)
    if (steadyIds.includes(id)) assert.equal(sessions, 1, id)
  }
}

/** Documents that cannot be, each with a destination and a listener more and others gone: nothing of any of them is done. */
async function refusesBroken(changes: Changes, folder: string): Promise<void> {
  const { weir, document, etag } = changes
  const blocker = createServer()
  blocker.listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const taken = (blocker.address() as AddressInfo).port
  const blockedUdp = createSocket('udp4')
  blockedUdp.bind(0, '127.0.0.1')
  await once(blockedUdp, 'listening')
  const { listeners } = document.collector
  const free = [await freePort(), await freePort()]
  const half = {
    ...document,
    destinations: [
      ...document.destinations.slice(1),
      { id: 'half', type: 'json', target: `file:${join(folder, 'half.json')}` }
    ]
  }
  const good = [...listeners.slice(0, 2), tcp('half', free[0]!)]
  const broken: [string, readonly unknown[], number][] = [
    ['port taken, TCP', [...good, tcp('x', taken)], 409],
    ['port taken, UDP', [...good, udp('x', blockedUdp.address().port)], 409],
    ['moved to a port that is taken', [good[0], { ...good[1], address: '127.0.0.1', port: taken }, good[2]], 409],
    ['an address that is elsewhere', [...good, { ...tcp('x', free[1]!), address: '192.0.2.1' }], 409],
    ['the port of the control API', [...good, { ...tcp('x', document.coordinator.port) }], 422],
    ['two of one name', [...good, tcp('half', free[1]!)], 422],
    ['two at one place', [...good, tcp('x', free[0]!)], 422],
    ['no name', [...good, { transport: 'tcp', port: free[1] }], 422],
    ['no listeners', [], 422],
    ['no list', [7], 422],
    ['a destination is our own', [...good, tcp('x', Number(new URL(String(document.destinations[1]!.url)).port))], 422]
  ]
  const values: Json = {
    name: ['', 'a b', 7, null],
    transport: ['sctp', 7, ''],
    address: ['nowhere', 7, '1.2.3', ''],
    port: [-1, 65_536, 1.5, 'x', null],
    receiveBufferOctets: [0, 'x', 2 ** 40],
    socket: ['fast', 1],
    colour: ['red'],
    proxyProtocol: [{ from: [] }, { from: ['x'] }, {}, 7]
  }
  for (const base of [udp('x', free[1]!), tcp('x', free[1]!)]) {
    for (const [key, wrong] of Object.entries(values)) {
      for (const value of wrong as unknown[]) {
        if (key === 'proxyProtocol' && base.transport === 'udp' && value === undefined) continue
        broken.push([
          `${String(base.transport)} ${key} ${JSON.stringify(value)}`,
          [...good, { ...base, [key]: value }],
          422
        ])
      }
    }
  }
  for (const [what, wanted, status] of broken) {
    const body = { ...half, collector: { ...document.collector, listeners: wanted } }
    const answer = await weir.api.call<Problem>('PUT', '/v1/config', body, { 'if-match': etag })
    const said = `${what}: ${JSON.stringify(answer.body)}`
    assert.equal(answer.status, status, said)
    assert.ok(answer.body.errors !== undefined && answer.body.errors.length > 0, said)
    for (const { path, message, allowed } of answer.body.errors) assert.ok(path && message && allowed, said)
    if (status === 409) {
      assert.match(answer.body.errors[0]!.path, /^collector\.listeners\[\d\]\.(port|address)$/, said)
      assert.match(answer.body.errors[0]!.message, /EADDRINUSE|EADDRNOTAVAIL/, said)
      await holds(changes)
    }
  }
  assert.equal((await weir.api.call('GET', '/v1/config')).headers.get('etag'), etag)
  blocker.close()
  blockedUdp.close()
}
