import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRevisions, resolveConfig } from '@weir/config'
import type { Revision } from '@weir/config'
import { controlEndpoint, createControlClient, createControlServer } from '@weir/link'
import type { ControlClient, JsonValue } from '@weir/link'
import { CodedError, createLog } from '@weir/runtime'
import { createCoordinator } from '../../src/index.ts'
import type { FleetStore } from '../../src/index.ts'

/** Every key that the tests look at, of whatever answer. */
export interface AnswerBody {
  readonly text: string
  readonly id: string
  readonly status: unknown
  readonly code: string
  readonly detail: string
  readonly title: string
  readonly errors: readonly { path: string; allowed?: string }[]
  readonly reasons: readonly string[]
  readonly items: readonly { id: string }[]
  readonly total: number
  readonly next: string | null
  readonly key: string
  readonly atMs: number | null
  readonly version: string
  readonly number: number
  readonly log: { level: string }
  readonly isConverged: boolean
  readonly store: string
  readonly reason: string | null
  readonly etag: string
  readonly pod: string
  readonly revision: { readonly number: number; readonly reason: string }
  readonly newest: { readonly number: number; readonly author: string }
  readonly rollout: { readonly id: string; readonly isHeld: boolean } | null
  readonly steps: readonly { action: string; what: string; id: string; stays: string[]; processes: string[] }[]
  readonly isApplicable: boolean
  readonly differences: readonly { path: string; action: string; before?: unknown; after?: unknown }[]
  readonly node: string
  readonly registry: string
  readonly openapi: string
  readonly paths: Readonly<Record<string, Record<string, { summary?: string; responses: object }>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
  readonly destinations: readonly object[]
  readonly templateRefreshSec: number
  readonly queue: { octets: number; policy: string }
  readonly ledger: { sent: number }
  readonly fields: readonly { share: number }[]
  readonly equations: readonly { name: string; left: number; right: number; holds: boolean }[]
  readonly collector: unknown
  readonly mediator: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: AnswerBody
}

export interface PodFixture {
  readonly url: string
  readonly stateDir: string
  /** What the mediator was asked, in order. */
  readonly mediatorCalls: { method: string; params: JsonValue }[]
  /** What the collector was asked of lists, in order. */
  readonly collectorCalls: { method: string; params: JsonValue }[]
  /** What the mediator has, as it knows it. */
  readonly held: Map<string, JsonValue>
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Connect the stand-ins for the other processes; resolves when the coordinator knows them. */
  connect(...names: ('collector' | 'mediator')[]): Promise<void>
  disconnect(name: 'collector' | 'mediator'): Promise<void>
  /** The collector tells of an event; resolves when the coordinator has it. */
  tell(event: string, data: JsonValue): Promise<void>
  /** What would hold after a restart: the newest revision, as it is on disk. */
  kept(): Promise<Revision>
  /** Log levels, plans and ways to stop that the mediator was told, in order. */
  readonly levels: readonly JsonValue[]
  /** Methods of the mediator that fail from now on. */
  readonly refused: Set<string>
  stop(): Promise<void>
}

const ledger = {
  matched: 10,
  filtered: 0,
  sent: 7,
  queued: 1,
  dropped: { queue_oldest: 2 },
  uncertain: 0,
  redelivered: 0
}
const queue = { records: 1, octets: 100, batches: 1, limitOctets: 67_108_864, policy: 'drop-oldest' }
const output = {
  status: 'ready',
  target: 'tcp://127.0.0.1:4750',
  sessions: 1,
  attempts: 1,
  sendErrors: 0,
  writtenOctets: 900
}

export const exporterOf = (id: string, records: number, version: number) => ({
  id,
  via: [],
  address: id,
  state: 'active',
  stateSinceAtMs: 1,
  stateReasons: [],
  rebootedAtMs: null,
  scopeDecision: 'single',
  versions: [version],
  sessions: 1,
  domains: 1,
  templates: 1,
  firstSeenAtMs: 1,
  lastSeenAtMs: 2,
  messages: 3,
  octets: 400,
  records,
  malformed: 0,
  droppedSets: 0,
  droppedRecords: 0,
  clockSkewMs: 0,
  sequence: { lost: 0, duplicated: 0, reordered: 0, restarts: 0, suspect: 0, undecoded: 0, gap: 0 }
})

const exporters = [exporterOf('192.0.2.1', 5, 9), exporterOf('192.0.2.10', 20, 10), exporterOf('2001:db8::1', 10, 10)]

const collectorState = {
  listeners: [{ name: 'ipfix-udp', transport: 'udp', state: 'serving', address: '::', port: 4739, kernelDrops: 0 }],
  ledger: {
    messages: { received: 10, decodedOk: 8, decodedPartial: 1, dropped: { bad_version: 1 } },
    dataSets: { received: 9, takenOver: 0, decoded: 7, pending: 1, handedOver: 0, dropped: { unknown_template: 1 } },
    records: { decoded: 35, filtered: 0, admitted: 35, held: 0, dropped: {} },
    window: { admitted: 35, settled: 30, inWindow: 5, redelivered: 0 },
    sequence: { lost: 0, duplicated: 0, reordered: 0, restarts: 0, suspect: 0, undecoded: 0, gap: 0 },
    kernel: { 'ipfix-udp': 0 }
  },
  link: { state: 'connected', inWindowOctets: 512 }
}

const templateOf = (index: number) => ({
  key: `key-${index}`,
  exporter: '192.0.2.10',
  exporterPort: 5000,
  transport: 'udp',
  version: 10,
  listener: 'ipfix-udp',
  collectorAddress: '::',
  collectorPort: 4739,
  scope: 'udp/10/ipfix-udp/192.0.2.10/5000',
  odid: 1,
  templateId: 256 + index,
  kind: 'template',
  scopeCount: 0,
  fields: [{ pen: 0, id: 8, length: 4, name: 'sourceIPv4Address', type: 'ipv4Address', isScope: false }],
  firstSeenAtMs: 1,
  lastSeenAtMs: 2,
  expiresAtMs: null,
  announcements: 1,
  records: 0,
  source: 'wire',
  state: 'live',
  isHint: false
})

/** A coordinator over the real control channel, with stand-ins that answer as the other processes do. */
export async function startPod(
  options: {
    templates?: number
    destinations?: object[]
    timeoutMs?: number
    limits?: object
    /** Called with the state folder before the start. */
    prepare?: (stateDir: string) => void
    /** Instead of a fresh one, which is removed at the end. */
    stateDir?: string
    /** Sections of the document, besides. */
    config?: object
    fleetStore?: FleetStore
  } = {}
): Promise<PodFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-coordinator-'))
  const stateDir = options.stateDir ?? join(folder, 'state')
  const { config, baseHash } = resolveConfig({
    ...options.config,
    runDir: folder,
    stateDir,
    coordinator: { port: 0, limits: { controlTimeoutMs: options.timeoutMs ?? 2_000, ...options.limits } },
    destinations: options.destinations ?? []
  })
  mkdirSync(stateDir, { recursive: true })
  options.prepare?.(stateDir)
  const log = createLog({ name: 'coordinator', level: 'error' })
  const control = createControlServer({ endpoint: controlEndpoint(folder) })
  const coordinator = createCoordinator(
    { config, baseHash },
    { control, log, version: '9.9.9', fleetStore: options.fleetStore }
  )
  await coordinator.start(new AbortController().signal)
  const clients = new Map<string, ControlClient>()
  const mediatorCalls: { method: string; params: JsonValue }[] = []
  const collectorCalls: { method: string; params: JsonValue }[] = []
  const held = new Map<string, JsonValue>()
  const refused = new Set<string>()
  const levels: JsonValue[] = []

  const connectOne = async (process: 'collector' | 'mediator'): Promise<void> => {
    const client = createControlClient({ endpoint: controlEndpoint(folder), process, version: '9.9.9' })
    if (process === 'collector') serveCollector(client, options.templates ?? 5, collectorCalls)
    else serveMediator(client, held, mediatorCalls, refused, levels)
    await client.start()
    clients.set(process, client)
  }

  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {}
  ): Promise<Answer> => {
    const hasBody = body !== undefined
    const response = await fetch(coordinator.url + path, {
      method,
      headers: { ...(hasBody ? { 'content-type': 'application/json' } : {}), ...headers },
      body: hasBody ? (typeof body === 'string' ? body : JSON.stringify(body)) : undefined
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : { text }) as AnswerBody
    }
  }

  const ready = async (names: readonly string[]): Promise<void> => {
    for (;;) {
      const { body } = await call('GET', '/readyz')
      if (names.every(name => !body.reasons.some(reason => reason.startsWith(name)))) return
    }
  }

  return {
    url: coordinator.url,
    stateDir,
    mediatorCalls,
    collectorCalls,
    held,
    refused,
    levels,
    call,
    async kept() {
      const store = openRevisions(stateDir)
      const head = await store.head()
      await store.close()
      return head!
    },
    async connect(...names) {
      for (const name of names) await connectOne(name)
      await ready(names)
    },
    async disconnect(name) {
      await clients.get(name)?.stop()
      clients.delete(name)
    },
    async tell(event, data) {
      clients.get('collector')!.event(event, data)
      // Frames of one connection keep their order: an answer comes after what was told before it.
      await call('GET', '/v1/listeners')
    },
    async stop() {
      for (const client of clients.values()) await client.stop()
      await coordinator.stop(1_000)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** That of a listener which cannot be opened. */
export const TAKEN_PORT = 4799

function serveCollector(
  client: ControlClient,
  templates: number,
  calls: { method: string; params: JsonValue }[]
): void {
  const all = Array.from({ length: templates }, (_, index) => templateOf(index))
  const known = (id: unknown): void => {
    if (!exporters.some(exporter => exporter.id === id))
      throw new CodedError('NOT_FOUND', 'No exporter of this address has a session.', 1)
  }
  client.handle('process.readiness', () => ({ isReady: true, reasons: [] }))
  client.handle('collector.state', () => collectorState as unknown as JsonValue)
  const pageOf = (what: string, items: readonly unknown[]) => (params: JsonValue) => {
    const {
      offset = 0,
      limit = 100,
      sort,
      cursor
    } = params as { offset?: number; limit?: number; sort?: string; cursor?: string }
    calls.push({ method: `collector.${what}`, params })
    if (sort === 'weight')
      throw new CodedError('SORT_UNKNOWN', 'There is no key "weight" to sort by; there are records.', 1)
    if (cursor === 'bad') throw new CodedError('BAD_CURSOR', 'The cursor is none of this list.', 1)
    const next = offset + limit < items.length ? 'more' : null
    return {
      total: items.length,
      offset,
      limit,
      next,
      [what]: items.slice(offset, offset + limit)
    } as unknown as JsonValue
  }
  client.handle('collector.exporters', pageOf('exporters', exporters))
  client.handle('collector.templates', pageOf('templates', all))
  const template = (params: JsonValue): object => {
    const { key } = params as { key: string }
    const found = all.find(each => each.key === key)
    if (found === undefined) throw new CodedError('NOT_FOUND', 'No template of this key is live or remembered.', 1)
    return { ...found, hash: 'a'.repeat(16), recordLength: 4, minRecordLength: 4 }
  }
  const decoded = (params: JsonValue) => {
    const shown = template(params) as { fields: object[] }
    return { ...shown, fields: shown.fields.map(field => ({ ...field, semantics: null, units: null })) }
  }
  client.handle('collector.template', params => decoded(params) as unknown as JsonValue)
  client.handle('collector.forgetTemplate', params => {
    template(params)
    all.splice(
      all.findIndex(each => each.key === (params as { key: string }).key),
      1
    )
    return {}
  })
  client.handle('collector.templateHistory', params => {
    calls.push({ method: 'collector.templateHistory', params })
    const version = { ...decoded(params), session: 'udp 192.0.2.10:5000 ipfix-udp', ended: null }
    const { atMs = null } = params as { atMs?: number }
    return {
      ...templateOf(0),
      atMs,
      meaning: atMs === null ? null : version,
      isCertain: null,
      versions: [version]
    } as unknown as JsonValue
  })
  client.handle('collector.exporter', params => {
    const { id } = params as { id: string }
    known(id)
    const policy = {
      scope: 'auto',
      resumeTemplates: false,
      silentMs: null,
      skewMs: null,
      set: { scope: null, resumeTemplates: null, silentMs: null, skewMs: null }
    }
    return { ...exporterOf(id, 5, 9), policy, scopes: [], relayedList: [], sessionList: [] }
  })
  for (const method of ['collector.pending', 'collector.quarantine']) {
    client.handle(method, params => {
      calls.push({ method, params })
      const place = {
        scope: 'udp/10/u/192.0.2.1/5000',
        odid: 1,
        templateId: 300,
        version: 10,
        transport: 'udp',
        listener: 'u'
      }
      const reason = method === 'collector.pending' ? 'unknown_template' : 'misfit'
      const counts = { sets: 3, octets: 900, setsOnDisk: 1, sinceAtMs: 1 }
      const item = { key: 'k', exporter: '192.0.2.1', ...place, port: 5000, reason, ...counts }
      return { total: 1, offset: 0, limit: 100, sets: 3, octets: 900, items: [item] }
    })
  }
  for (const method of [
    'exporters.setPolicies',
    'collector.setAllow',
    'collector.setExporters',
    'collector.setLimits',
    'collector.setShutdown',
    'process.setLogLevel'
  ]) {
    client.handle(method, params => {
      calls.push({ method, params })
      return {}
    })
  }
  for (const method of ['collector.prepareListeners', 'collector.setListeners']) {
    client.handle(method, params => {
      calls.push({ method, params })
      const { listeners } = params as { listeners: { name: string; port: number }[] }
      const index = listeners.findIndex(({ port }) => port === TAKEN_PORT)
      if (index === -1) return {}
      const message = `UDP listener ${listeners[index]!.name}: [::]:${TAKEN_PORT} is in use by another process`
      const issues = [{ path: `collector.listeners[${index}].port`, message, allowed: 'a port that is free' }]
      throw new CodedError('LISTENER_REFUSED', message, 69, { issues })
    })
  }
  for (const what of ['pause', 'resume', 'drain']) {
    client.handle(`listeners.${what}`, params => {
      const { name } = params as { name: string }
      const found = collectorState.listeners.find(each => each.name === name)
      if (found === undefined) throw new CodedError('NOT_FOUND', `There is no listener ${name}.`, 1)
      if (what === 'drain') throw new CodedError('LISTENER_STATE', `Listener ${name} is busy.`, 1)
      return { ...found, state: what === 'pause' ? 'paused' : 'serving' } as unknown as JsonValue
    })
  }
  client.handle('collector.options', params => {
    calls.push({ method: 'collector.options', params })
    const { exporter, topic, offset, limit } = params as {
      exporter: string
      topic: string
      offset: number
      limit: number
    }
    known(exporter)
    const place = { odid: 1, scope: 'udp/9/u/192.0.2.1', port: 0, listener: 'u', learnedBy: 'options', templateId: 256 }
    const item = {
      ...place,
      source: 'wire',
      learnedAtMs: 1,
      exportTimeSec: 1,
      fields: [],
      ifIndex: 7,
      name: 'Gi0/7',
      rate: 10
    }
    const rest = { element: null, description: null, selectorId: null, selectorName: null, algorithm: null }
    const more = { vrfId: 1, applicationId: '0d000001' }
    return { exporter, topic, total: 1, offset, limit, items: [{ ...item, ...rest, ...more }] } as unknown as JsonValue
  })
  client.handle('collector.fields', params => {
    const { exporter } = params as { exporter: string }
    known(exporter)
    const field = {
      pen: 0,
      id: 8,
      name: 'sourceIPv4Address',
      type: 'ipv4Address',
      lengths: [4],
      templates: 1,
      records: 5,
      share: 1
    }
    return { exporter, records: 5, fields: [field] }
  })
}

function serveMediator(
  client: ControlClient,
  held: Map<string, JsonValue>,
  calls: { method: string; params: JsonValue }[],
  refused: ReadonlySet<string>,
  levels: JsonValue[]
): void {
  const stateOf = (id: string): JsonValue =>
    ({
      id,
      type: 'ipfix',
      mode: 'running',
      output,
      encoder: { templates: 2, messages: 4 },
      queue,
      ledger
    }) as unknown as JsonValue
  client.handle('process.readiness', () => ({ isReady: true, reasons: [] }))
  client.handle('process.setLogLevel', params => {
    if (refused.has('process.setLogLevel')) throw new CodedError('DEAF', 'it does not listen', 1)
    levels.push(params)
    return {}
  })
  for (const method of ['mediator.setDefaults', 'mediator.setShutdown']) {
    client.handle(method, params => {
      if (refused.has(method)) throw new CodedError('DEAF', 'it does not listen', 1)
      levels.push(params)
      return {}
    })
  }
  client.handle('mediator.state', () => ({
    destinations: [...held.keys()].map(stateOf),
    ledger: {
      records: { received: 10, redelivered: 0 },
      batches: { received: 2, settled: 1, unsettled: 1 },
      destinations: Object.fromEntries([...held.keys()].map(id => [id, ledger]))
    }
  }))
  for (const method of [
    'destinations.add',
    'destinations.patch',
    'destinations.remove',
    'destinations.resendTemplates'
  ]) {
    client.handle(method, params => {
      calls.push({ method, params })
      if (refused.has(method)) throw new CodedError('DISK_FULL', 'there is no room', 1)
      const { id, destination } = params as { id?: string; destination?: { id: string } }
      const isThere = held.has(destination?.id ?? id!)
      if (isThere === (method === 'destinations.add')) {
        throw new CodedError(isThere ? 'DESTINATION_EXISTS' : 'DESTINATION_UNKNOWN', 'as the mediator says it', 1)
      }
      if (method === 'destinations.remove') held.delete(id!)
      else if (destination !== undefined) held.set(destination.id, destination as unknown as JsonValue)
      return {}
    })
  }
}
