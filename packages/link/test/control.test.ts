import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import {
  TextAnswer,
  createControlClient,
  createControlServer,
  type ControlClient,
  type ControlServer
} from '../src/index.ts'
import { temporaryFolder } from './support/rig.ts'

const fast = { heartbeatMs: 50, heartbeatTimeoutMs: 200 }
const newClient = (endpoint: string): ControlClient =>
  createControlClient({ endpoint, process: 'mediator', worker: 1, version: '0.1.0', ...fast })
const registered = (server: ControlServer): Promise<void> => new Promise(resolve => server.onPeer(() => resolve()))

async function pair(t: TestContext): Promise<{ server: ControlServer; client: ControlClient; endpoint: string }> {
  const endpoint = `ipc://${temporaryFolder(t)}/control`
  const server = createControlServer({ endpoint, ...fast })
  const client = newClient(endpoint)
  t.after(async () => {
    await client.stop()
    await server.stop()
  })
  await server.start()
  const isThere = registered(server)
  await client.start()
  await isThere
  return { server, client, endpoint }
}

describe('requests', () => {
  test('are answered', async t => {
    const { server, client } = await pair(t)
    client.handle('sum', async params => (params as number[]).reduce((a, b) => a + b, 0))
    assert.equal(await server.request('mediator-1', 'sum', [1, 2, 3]), 6)
    assert.deepEqual(
      server.peers.map(({ name, pid, version, isConnected }) => ({ name, pid, version, isConnected })),
      [{ name: 'mediator-1', pid: process.pid, version: '0.1.0', isConnected: true }]
    )
  })

  test('bring back a long text as it is, behind the rest', async t => {
    const { server, client } = await pair(t)
    const text = '{"a":"\\"ü\\n"}\n'.repeat(3)
    client.handle('text', () => new TextAnswer({ isDone: false }, new TextEncoder().encode(text)))
    client.handle('none', () => new TextAnswer({}, new Uint8Array(0)))
    assert.deepEqual(await server.request('mediator-1', 'text'), { isDone: false, text })
    assert.deepEqual(await server.request('mediator-1', 'none'), { text: '' })
    client.handle('large', () => new TextAnswer({}, new Uint8Array(2 ** 24)))
    await assert.rejects(server.request('mediator-1', 'large'), { code: 'CONTROL_TOO_LARGE' })
  })

  test('bring back what the handler threw', async t => {
    const { server, client } = await pair(t)
    client.handle('bad', () => {
      throw Object.assign(new Error('no such thing'), { code: 'NOT_FOUND', details: { id: 7 } })
    })
    const expected = { code: 'NOT_FOUND', message: 'no such thing', details: { id: 7 } }
    await assert.rejects(server.request('mediator-1', 'bad'), expected)
    await assert.rejects(server.request('mediator-1', 'none'), { code: 'CONTROL_NO_METHOD' })
  })

  test('end by a time-out, a missing peer, or their size', async t => {
    const { server, client } = await pair(t)
    client.handle('slow', () => new Promise(() => {}))
    await assert.rejects(server.request('mediator-1', 'slow', null, { timeoutMs: 20 }), { code: 'CONTROL_TIMEOUT' })
    await assert.rejects(server.request('mediator-2', 'slow'), { code: 'CONTROL_NO_PEER' })
    await assert.rejects(server.request('mediator-1', 'slow', 'x'.repeat(2 ** 20)), { code: 'CONTROL_TOO_LARGE' })
    client.handle('large', () => 'x'.repeat(2 ** 24))
    await assert.rejects(server.request('mediator-1', 'large'), { code: 'CONTROL_TOO_LARGE' })
  })

  test('end when the process goes', async t => {
    const { server, client } = await pair(t)
    client.handle('slow', () => new Promise(() => {}))
    const lost = assert.rejects(server.request('mediator-1', 'slow'), { code: 'CONTROL_PEER_LOST' })
    await client.stop()
    await lost
    assert.equal(server.peers[0].isConnected, false)
  })
})

describe('restarts', () => {
  test('of the coordinator: the process registers again, and events wait for it', async t => {
    const { server, client, endpoint } = await pair(t)
    await server.stop()
    client.event('while.away', { n: 1 })
    const next = createControlServer({ endpoint, ...fast })
    t.after(() => next.stop())
    const event = new Promise(resolve => next.onEvent((peer, name, data) => resolve([peer.name, name, data])))
    await next.start()
    assert.deepEqual(await event, ['mediator-1', 'while.away', { n: 1 }])
    client.handle('ping', () => 'pong')
    assert.equal(await next.request('mediator-1', 'ping'), 'pong')
  })

  test('of the process: the new one takes the name', async t => {
    const { server, client, endpoint } = await pair(t)
    const again = registered(server)
    const next = newClient(endpoint)
    t.after(() => next.stop())
    await client.stop()
    await next.start()
    await again
    assert.equal(server.peers.length, 1)
    assert.equal(server.peers[0].epoch, next.identity.epoch)
  })
})
