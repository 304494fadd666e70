import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { dropsOf, readUdpTables } from '../src/kernel-drops.ts'
import { UdpListener } from '../src/udp-listener.ts'
import { silentLog } from '@weir/runtime'

const table = `
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  532: 00000000:1283 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7219 2 0000000000000000 12
  533: 0100007F:1283 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7220 2 0000000000000000 30
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  700: 00000000000000000000000000000000:1284 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7300 2 0000000000000000 5
`

test('reads the drops of one socket by its inode, else of all at its port', () => {
  assert.equal(dropsOf(table, { inode: 7220, port: 0x1283 }), 30)
  assert.equal(dropsOf(table, { inode: undefined, port: 0x1283 }), 42)
  assert.equal(dropsOf(table, { inode: 7300, port: 0x1284 }), 5)
  assert.equal(dropsOf(table, { inode: 1, port: 0x1283 }), undefined)
  assert.equal(dropsOf('', { inode: undefined, port: 1 }), undefined)
})

test('counts what the kernel dropped at a socket that is not read', async t => {
  const sink = { begin() {}, fromText() {}, fromIPv4() {}, fromIPv6() {} }
  const listener = new UdpListener(
    { name: 'u', address: '127.0.0.1', port: 0, receiveBufferOctets: 4096 },
    { sink, reader: undefined, log: silentLog() }
  )
  await listener.start()
  const sender = createSocket('udp4')
  t.after(async () => {
    sender.close()
    await listener.stop()
  })
  assert.ok(listener.receiveBufferGranted > 0)
  await new Promise<void>(resolve => sender.connect(listener.port, '127.0.0.1', resolve))
  // All in one turn of the event loop, so that nobody reads meanwhile.
  const sent = Array.from({ length: 200 }, () => new Promise(resolve => sender.send(new Uint8Array(1400), resolve)))
  await Promise.all(sent)
  while (listener.kernelDrops === 0) {
    listener.readKernelDrops(readUdpTables())
    await new Promise(resolve => sender.send(new Uint8Array(1400), resolve))
  }
  assert.ok(listener.kernelDrops > 0)
})
