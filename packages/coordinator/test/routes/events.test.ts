import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { startPod } from '../support/pod-fixture.ts'
import type { PodFixture } from '../support/pod-fixture.ts'

interface Listed {
  readonly id: string
  readonly type: string
  readonly data: { readonly exporter?: string }
}

/** Reads a stream until a text has come. */
class StreamReader {
  readonly response: Response
  text = ''
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #abort: AbortController

  private constructor(response: Response, abort: AbortController) {
    this.response = response
    this.#reader = response.body!.getReader()
    this.#abort = abort
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    const abort = new AbortController()
    return new StreamReader(await fetch(url, { headers, signal: abort.signal }), abort)
  }

  async until(part: string): Promise<string> {
    while (!this.text.includes(part)) {
      const { value, done } = await this.#reader.read()
      if (done) break
      this.text += new TextDecoder().decode(value)
    }
    assert.ok(this.text.includes(part), `${part} in ${this.text}`)
    return this.text
  }

  close(): void {
    this.#abort.abort()
  }
}

describe('events', () => {
  let pod: PodFixture
  before(async () => {
    pod = await startPod({ limits: { eventSubscribers: 2 } })
    await pod.connect('collector', 'mediator')
  })
  after(() => pod.stop())
  const recent = async (query = ''): Promise<readonly Listed[]> =>
    (await pod.call('GET', `/v1/events/recent${query}`)).body.items as unknown as Listed[]

  test('are told as they happen, filtered by type and exporter', async () => {
    const stream = await StreamReader.open(
      `${pod.url}/v1/events?type=exporter_silent,template_learned&exporter=192.0.2.1`
    )
    assert.equal(stream.response.status, 200)
    assert.match(stream.response.headers.get('content-type')!, /^text\/event-stream/)
    assert.equal(stream.response.headers.get('cache-control'), 'no-store')
    await pod.tell('exporter_silent', { exporter: '192.0.2.9' })
    await pod.tell('exporter_skewed', { exporter: '192.0.2.1' })
    await pod.tell('template_learned', { exporter: '192.0.2.1', templateId: 256 })
    const text = await stream.until('template_learned')
    assert.doesNotMatch(text, /exporter_skewed|192\.0\.2\.9/)
    assert.match(text, /\nid: [0-9a-z]+-3\nevent: template_learned\ndata: \{.*"templateId":256.*\}\n\n/)
    stream.close()
  })

  test('go on after the last one that was read', async () => {
    const [newest] = await recent()
    await pod.tell('template_expired', { exporter: '192.0.2.1', n: 1 })
    await pod.tell('template_evicted', { exporter: '192.0.2.1', n: 2 })
    const stream = await StreamReader.open(`${pod.url}/v1/events`, { 'last-event-id': newest!.id })
    const text = await stream.until('template_evicted')
    assert.ok(text.indexOf('event: template_expired') < text.indexOf('event: template_evicted'))
    assert.doesNotMatch(text, /missed|template_learned/)
    stream.close()
    const again = await StreamReader.open(`${pod.url}/v1/events?after=another-7&format=ndjson`)
    const lines = (await again.until('template_evicted')).trim().split('\n')
    assert.deepEqual(JSON.parse(lines[0]!), { type: 'missed', data: { after: 'another-7' } })
    assert.match(again.response.headers.get('content-type')!, /ndjson/)
    again.close()
  })

  test('the last ones are listed, the newest first', async () => {
    const all = await recent()
    assert.deepEqual(
      all.slice(0, 2).map(({ type }) => type),
      ['template_evicted', 'template_expired']
    )
    const some = await recent('?type=exporter_silent&limit=1')
    assert.deepEqual(
      some.map(({ data }) => data.exporter),
      ['192.0.2.9']
    )
    assert.deepEqual(await recent('?exporter=203.0.113.1'), [])
  })

  test('what is wrong is a problem: an unknown type, a form, too many readers', async () => {
    for (const [path, code] of [
      ['/v1/events?type=exporter_dead', 'EVENT_UNKNOWN'],
      ['/v1/events/recent?type=', 'EVENT_UNKNOWN'],
      ['/v1/events?format=xml', 'REQUEST_INVALID'],
      ['/v1/events?colour=red', 'REQUEST_INVALID']
    ] as const) {
      const { status, body } = await pod.call('GET', path)
      assert.deepEqual([status, body.code], [400, code], path)
    }
    const open = [await StreamReader.open(`${pod.url}/v1/events`), await StreamReader.open(`${pod.url}/v1/events`)]
    const { status, body } = await pod.call('GET', '/v1/events')
    assert.deepEqual([status, body.code], [503, 'SUBSCRIBERS_LIMIT'])
    for (const stream of open) stream.close()
    // The coordinator learns of it when the connection ends.
    for (;;) {
      const metrics = await pod.call('GET', '/metrics')
      if (/^weir_coordinator_event_subscribers 0$/m.test(metrics.body.text)) break
    }
  })

  test('TH-37 L-78 one that stops reading is let go; the others miss nothing', async () => {
    const other = await startPod()
    await other.connect('collector')
    const stuck = connect(Number(new URL(other.url).port), '127.0.0.1').pause()
    stuck.on('error', () => {})
    stuck.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n')
    const metric = async (line: string): Promise<boolean> =>
      (await other.call('GET', '/metrics')).body.text.includes(line)
    while (!(await metric('weir_coordinator_event_subscribers 1\n')));
    const reader = await StreamReader.open(`${other.url}/v1/events?format=ndjson`)
    const filler = 'x'.repeat(100_000)
    let told = 0
    // Until the system's buffers are full too.
    while (!(await metric('streams_closed_total{reason="too_slow"} 1\n'))) {
      await other.tell('template_learned', { filler, n: ++told })
      await reader.until(`"n":${told}}`)
      reader.text = ''
    }
    await other.tell('template_learned', { n: 'last' })
    await reader.until('"n":"last"')
    assert.ok(await metric('weir_coordinator_event_subscribers 1\n'))
    reader.close()
    stuck.destroy()
    await other.stop()
  })

  test('signs of life keep a stream open for longer than a silent connection may be', async () => {
    const other = await startPod({ limits: { connectionTimeoutMs: 300 } })
    const stream = await StreamReader.open(`${other.url}/v1/events`)
    for (let beat = 0; beat < 8; beat++) {
      await stream.until(': heartbeat')
      stream.text = ''
    }
    stream.close()
    await other.stop()
  })

  test('a stream is ended with a word when the coordinator stops', async () => {
    const other = await startPod()
    const stream = await StreamReader.open(`${other.url}/v1/events`)
    await stream.until('retry')
    const stopped = other.stop()
    assert.match(await stream.until('closed'), /The coordinator is stopping/)
    await stopped
  })
})
