import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openTrafficSocket } from '@weir/analysis/replay'

async function serverOf(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('TH-34 a name is connected to by an address that was asked about, and not at all if none is allowed', async t => {
  const peers: (string | undefined)[] = []
  const port = await serverOf(t, socket => {
    peers.push(socket.localAddress)
    socket.resume()
  })
  const target = { transport: 'tcp', host: 'localhost', port } as const
  const asked: string[] = []
  const allowing = (allowed: string) => (address: string) => {
    asked.push(address)
    return address === allowed
  }
  await assert.rejects(openTrafficSocket(target, { allows: allowing('192.0.2.1') }), { code: 'TARGET_DENIED' })
  assert.ok(asked.includes('127.0.0.1'))
  assert.deepEqual(peers, [])
  const socket = await openTrafficSocket(target, { allows: allowing('127.0.0.1') })
  await socket.send(Uint8Array.of(1), [1])
  await socket.close()
  assert.deepEqual(peers, ['127.0.0.1'])
})

test('a connection that is not to be made again says that it was lost: at the next Message, or at the end', async t => {
  const port = await serverOf(t, socket => socket.destroy())
  const target = { transport: 'tcp', host: '127.0.0.1', port } as const
  const socket = await openTrafficSocket(target, { isReconnecting: false })
  const lost = { code: 'TARGET_LOST' }
  await assert.rejects(async () => {
    for (;;) await socket.send(Uint8Array.of(1), [1]).then(() => new Promise(resolve => setImmediate(resolve)))
  }, lost)
  await assert.rejects(socket.close(), lost)
})
