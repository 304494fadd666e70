import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { test } from 'node:test'
import { createHttpHealth, silentLog } from '../src/index.ts'
import type { HttpHealth, HttpHealthDeps } from '../src/index.ts'

const signal = new AbortController().signal

async function withHealth(
  deps: Partial<HttpHealthDeps>,
  use: (base: string, health: HttpHealth) => Promise<void>
): Promise<void> {
  const health = createHttpHealth(
    { address: '127.0.0.1', port: 0 },
    {
      log: silentLog(),
      metrics: { contentType: 'text/plain', text: async () => 'weir_up 1\n' },
      readiness: () => ({ isReady: true, reasons: [] }),
      ...deps
    }
  )
  await health.start(signal)
  try {
    await use(`http://127.0.0.1:${health.port}`, health)
  } finally {
    await health.stop(0)
    await health.stop(0)
  }
}

const read = async (url: string, init?: RequestInit): Promise<[number, string]> => {
  const response = await fetch(url, init)
  return [response.status, await response.text()]
}

test('answers whether it lives, is ready, and its metrics', () =>
  withHealth({}, async base => {
    assert.deepEqual(await read(`${base}/livez`), [200, 'live\n'])
    assert.deepEqual(await read(`${base}/readyz?verbose`), [200, 'ready\n'])
    assert.deepEqual(await read(`${base}/metrics`), [200, 'weir_up 1\n'])
    assert.deepEqual(await read(`${base}/livez`, { method: 'HEAD' }), [200, ''])
  }))

test('says why it is not ready', () =>
  withHealth({ readiness: () => ({ isReady: false, reasons: ['the link is down'] }) }, async base => {
    assert.deepEqual(await read(`${base}/readyz`), [503, 'not ready\nthe link is down\n'])
    assert.deepEqual(await read(`${base}/livez`), [200, 'live\n'])
  }))

test('rejects other paths and methods', () =>
  withHealth({}, async base => {
    assert.equal((await read(`${base}/`))[0], 404)
    assert.equal((await read(`${base}/metrics/../../etc/passwd`))[0], 404)
    assert.equal((await read(`${base}/livez`, { method: 'POST' }))[0], 405)
  }))

test('a metric that cannot be read fails the scrape and nothing else', () =>
  withHealth(
    {
      metrics: {
        contentType: 'text/plain',
        text: async () => {
          throw new Error('broken')
        }
      }
    },
    async base => {
      assert.equal((await read(`${base}/metrics`))[0], 500)
      assert.equal((await read(`${base}/livez`))[0], 200)
    }
  ))

test('a busy port is one sentence with what to do', () =>
  withHealth({}, async (_base, health) => {
    const second = createHttpHealth(
      { address: '127.0.0.1', port: health.port },
      {
        log: silentLog(),
        metrics: { contentType: '', text: async () => '' },
        readiness: () => ({ isReady: true, reasons: [] })
      }
    )
    await assert.rejects(second.start(signal), {
      name: 'UnavailableError',
      code: 'EADDRINUSE',
      exitCode: 69,
      message: `health and metrics: 127.0.0.1:${health.port} is in use by another process; stop that one, or give this another port`
    })
    await second.stop(0)
  }))

test('stop ends connections that are open', () =>
  withHealth({}, async (_base, health) => {
    const socket = createConnection(health.port, '127.0.0.1')
    await once(socket, 'connect')
    const closed = new Promise(resolve => socket.on('close', resolve))
    socket.on('error', () => undefined)
    socket.write('GET /livez HTTP/1.1\r\n')
    await health.stop(0)
    await closed
  }))
