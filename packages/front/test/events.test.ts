import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFront, startPod } from './support/front-fixture.ts'
import type { FrontFixture } from './support/front-fixture.ts'

/** A pod that keeps what it told, and tells the rest to whoever comes. */
class TellingPod {
  url = ''
  /** Queries of the streams that were opened, in order. */
  readonly asked: URLSearchParams[] = []
  readonly #told: object[] = []
  readonly #readers = new Set<ServerResponse>()

  async start(t: TestContext): Promise<this> {
    this.url = await startPod(t, (url, request, response) => {
      if (url.pathname === '/v1/events/recent') {
        if (url.searchParams.get('type') === 'nonsense') {
          return { status: 400, code: 'EVENT_UNKNOWN', detail: 'There is no event "nonsense".' }
        }
        const items = this.#told.toReversed().slice(0, Number(url.searchParams.get('limit')))
        return { items, total: this.#told.length, offset: 0, limit: 100 }
      }
      this.asked.push(url.searchParams)
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write('\n')
      const after = url.searchParams.get('after')
      if (after !== null) {
        for (const event of this.#told.slice(Number(after.slice(1)))) response.write(`${JSON.stringify(event)}\n`)
      }
      this.#readers.add(response)
      request.once('close', () => this.#readers.delete(response))
      return undefined
    })
    return this
  }

  get readers(): number {
    return this.#readers.size
  }

  tell(type: string): void {
    const number = this.#told.length + 1
    const event = { id: `e${number}`, type, atMs: number, process: 'collector-0', data: { number } }
    this.#told.push(event)
    for (const reader of this.#readers) reader.write(`${JSON.stringify(event)}\n`)
  }

  hangUp(): void {
    for (const reader of this.#readers) reader.destroy()
  }
}

interface Told {
  readonly id?: string
  readonly type: string
  readonly pod?: string
  readonly data: { readonly number?: number; readonly pod?: string; readonly reason?: string }
}

/** Reads a stream line by line, as NDJSON. */
async function* lines(
  { front }: FrontFixture,
  key: string,
  query = '',
  headers: Record<string, string> = {},
  signal?: AbortSignal
): AsyncGenerator<Told> {
  const response = await fetch(`${front.url}/api/v1/events?format=ndjson${query}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    signal
  })
  assert.equal(response.status, 200)
  let rest = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const all = (rest + part).split('\n')
    rest = all.pop()!
    for (const line of all) if (line !== '') yield JSON.parse(line) as Told
  }
}

const next = async (stream: AsyncGenerator<Told>): Promise<Told> => {
  const { value, done } = await stream.next()
  assert.ok(done !== true, 'the stream has ended')
  return value
}

/** Wait until it is so; the test ends in vain otherwise. */
async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000 && !is(); tries++) await sleep(5)
  assert.ok(is())
}

test('events of all pods come in one stream, and one who comes back is given what was missed of each', async t => {
  const pods = [await new TellingPod().start(t), await new TellingPod().start(t)]
  const front = await startFront(t, { pods: pods.map(({ url }) => url) })
  const names = pods.map(({ url }) => url.slice('http://'.length))
  const gone = new AbortController()
  const stream = lines(front, front.adminKey, '&exporter=192.0.2.1', {}, gone.signal)
  const first = next(stream)
  await until(() => pods.every(({ readers }) => readers === 1))
  assert.deepEqual(
    pods.map(({ asked }) => [asked[0]!.get('format'), asked[0]!.get('exporter'), asked[0]!.get('after')]),
    [
      ['ndjson', '192.0.2.1', null],
      ['ndjson', '192.0.2.1', null]
    ]
  )
  pods[0]!.tell('template_learned')
  assert.deepEqual([(await first).pod, (await first).type], [names[0], 'template_learned'])
  pods[1]!.tell('exporter_silent')
  const { id, pod } = await next(stream)
  assert.equal(pod, names[1])
  gone.abort()
  await assert.rejects(stream.next())
  await until(() => pods.every(({ readers }) => readers === 0))
  for (const each of pods) each.tell('exporter_rebooted')
  const again = lines(front, front.adminKey, '', { 'last-event-id': id! })
  const missed = [await next(again), await next(again)]
  assert.deepEqual(
    missed.map(event => [event.pod, event.data.number]).toSorted(),
    names.map(name => [name, 2]).toSorted()
  )
  await again.return(undefined)
})

test('a pod that hangs up is said to be away, and read on from where it was when it is back', async t => {
  const [steady, other] = [await new TellingPod().start(t), await new TellingPod().start(t)]
  const front = await startFront(t, { pods: [steady.url, other.url] })
  const stream = lines(front, front.adminKey)
  const first = next(stream)
  await until(() => other.readers === 1 && steady.readers === 1)
  other.tell('template_learned')
  await first
  other.hangUp()
  const away = await next(stream)
  assert.deepEqual([away.type, away.data.pod, away.id], ['pod_away', other.url.slice(7), undefined])
  other.tell('template_expired')
  steady.tell('template_learned')
  assert.equal((await next(stream)).pod, steady.url.slice(7))
  front.clock.advance(250)
  assert.equal((await next(stream)).type, 'pod_back')
  const late = await next(stream)
  assert.deepEqual([late.type, other.asked[1]!.get('after')], ['template_expired', 'e1'])
  await stream.return(undefined)
})

test('what the pods refuse is refused at once; ids and readers beyond what is allowed too', async t => {
  const pod = await new TellingPod().start(t)
  const front = await startFront(t, { pods: [pod.url], limits: { eventSubscribers: 1 } })
  const { call, adminKey } = front
  const refused = await call('GET', '/api/v1/events?type=nonsense', adminKey)
  assert.deepEqual([refused.status, refused.body.code], [400, 'EVENT_UNKNOWN'])
  assert.equal((await call('GET', '/api/v1/events?after=nonsense', adminKey)).body.code, 'BAD_EVENT_ID')
  const stream = lines(front, adminKey)
  const first = next(stream)
  await until(() => pod.readers === 1)
  const full = await call('GET', '/api/v1/events', adminKey)
  assert.deepEqual([full.status, full.body.code], [503, 'SUBSCRIBERS_LIMIT'])
  pod.tell('template_learned')
  await first
  await stream.return(undefined)
})

test('a stream does not begin with a key that is revoked while the pods are asked', async t => {
  let revoke = async (): Promise<void> => undefined
  const url = await startPod(t, (_path, _request, response) => {
    void revoke().then(() => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ items: [], total: 0, offset: 0, limit: 1 }))
    })
    return undefined
  })
  const front = await startFront(t, { pods: [url] })
  const reader = await front.keyOf('reader')
  revoke = async () => void (await front.call('DELETE', `/api/v1/keys/${reader.split('_')[1]}`, front.adminKey))
  const { status, body } = await front.call('GET', '/api/v1/events', reader)
  assert.deepEqual([status, body.code], [401, 'KEY_WRONG'])
})

test('a stream ends with the reason when its key is revoked, and when the front stops', async t => {
  const pod = await new TellingPod().start(t)
  const front = await startFront(t, { pods: [pod.url] })
  const reader = await front.keyOf('reader')
  const [one, other] = [lines(front, reader), lines(front, front.adminKey)]
  const ends = [next(one), next(other)]
  await until(() => pod.readers === 2)
  await front.call('DELETE', `/api/v1/keys/${reader.split('_')[1]}`, front.adminKey)
  assert.match((await ends[0]!).data.reason!, /was revoked/)
  assert.equal((await one.next()).done, true)
  await until(() => pod.readers === 1)
  await front.front.stop(1_000)
  assert.match((await ends[1]!).data.reason!, /is stopping/)
  await until(() => pod.readers === 0)
})

test('a reader that does not read is let go of when too much waits for it', async t => {
  const pod = await new TellingPod().start(t)
  const front = await startFront(t, { pods: [pod.url], limits: { eventBufferOctets: 4_096 } })
  const abort = new AbortController()
  await fetch(`${front.front.url}/api/v1/events`, {
    headers: { authorization: `Bearer ${front.adminKey}` },
    signal: abort.signal
  })
  await until(() => pod.readers === 1)
  for (let told = 0; told < 200_000 && pod.readers === 1; told++) {
    pod.tell('template_learned')
    if (told % 500 === 0) await sleep(0)
  }
  await until(() => pod.readers === 0)
  const { text } = await front.call('GET', '/metrics', front.adminKey)
  assert.match(text, /weir_front_event_streams_closed_total\{reason="too_slow"\} 1/)
  abort.abort()
})

test('the last events of all pods, the newest first; server-sent events have the form that browsers read', async t => {
  const pods = [await new TellingPod().start(t), await new TellingPod().start(t)]
  const front = await startFront(t, { pods: [...pods.map(({ url }) => url), 'http://127.0.0.1:19999'] })
  for (const index of [0, 1, 1, 0, 0]) pods[index]!.tell('template_learned')
  const { body } = await front.call('GET', '/api/v1/events/recent?limit=4', front.adminKey)
  assert.deepEqual([body.isPartial, body.items!.map(({ atMs }) => atMs)], [true, [3, 2, 2, 1]])
  const response = await fetch(`${front.front.url}/api/v1/events?type=template_learned`, {
    headers: { authorization: `Bearer ${front.adminKey}` }
  })
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const read = async (what: RegExp): Promise<void> => {
    while (!what.test(text)) text += (await reader.read()).value ?? assert.fail(text)
  }
  await read(/event: pod_away\ndata: \{.*\}\n\n/)
  await until(() => pods[0]!.readers === 1)
  pods[0]!.tell('template_learned')
  await read(/id: [A-Za-z0-9_-]+\nevent: template_learned\ndata: \{.*\}\n\n/)
  assert.match(text, /^retry: 2000\n\n/)
  await reader.cancel()
})

test('a pod that tells what is no event is said to be away, and ends nothing', async t => {
  for (const line of ['null', '7', '[]', '{"id":"x"}', '{"type":7}', `{"type":"a","id":"${'x'.repeat(301)}"}`]) {
    const pod = await startPod(t, (path, _request, response) => {
      if (path.pathname === '/v1/events/recent') return { items: [] }
      response.write(`\n${line}\n`)
      return undefined
    })
    const { front, adminKey } = await startFront(t, { pods: [pod] })
    const headers = { authorization: `Bearer ${adminKey}` }
    const { body } = await fetch(`${front.url}/api/v1/events?format=ndjson`, { headers })
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('pod_away')) text += (await reader.read()).value ?? assert.fail(text)
    assert.match(text, /does not tell events as a coordinator does/, line)
    await reader.cancel()
  }
})

test('a pod whose tap tells wrong counts ends nothing', async t => {
  const pod = await startPod(t, (_path, _request, response) => {
    response.write('\n{"recordType":"counts",,}\n{"recordType":"closed","counts":7}\n{"a":1}\n')
    return undefined
  })
  const { call, adminKey } = await startFront(t, { pods: [pod] })
  const { text } = await call('GET', '/api/v1/tap?format=ndjson&limit=1', adminKey)
  assert.match(text, /"a":1\}\n\{"recordType":"closed","reason":"limit"/)
})
