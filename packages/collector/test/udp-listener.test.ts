import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '@weir/runtime'
import { UdpListener } from '../src/udp-listener.ts'
import type { LogFields } from '@weir/runtime'

interface Started {
  readonly listener: UdpListener
  /** Fields of the warnings about the receive buffer. */
  readonly warnings: LogFields[]
}

async function start(receiveBufferOctets: number): Promise<Started> {
  const warnings: LogFields[] = []
  const log = {
    ...silentLog(),
    warn: (code: string, _message: string, fields: LogFields = {}) => {
      if (code === 'receive_buffer') warnings.push(fields)
    }
  }
  const listener = new UdpListener(
    { name: 'u', address: '127.0.0.1', port: 0, receiveBufferOctets },
    { sink: { begin() {}, fromText() {}, fromIPv4() {}, fromIPv6() {} }, reader: undefined, log }
  )
  await listener.start()
  return { listener, warnings }
}

test('L-64: a receive buffer that is granted is told in the unit in which it was asked, without a warning', async t => {
  const { listener, warnings } = await start(65_536)
  t.after(() => listener.stop())
  assert.equal(listener.receiveBufferAsked, 65_536)
  assert.equal(listener.receiveBufferGranted, 65_536)
  assert.deepEqual(warnings, [])
})

test('L-64: a receive buffer that is granted in part is warned of with two numbers that can be compared', async t => {
  const askedOctets = 2 ** 30 - 1
  const { listener, warnings } = await start(askedOctets)
  t.after(() => listener.stop())
  const grantedOctets = listener.receiveBufferGranted
  if (grantedOctets >= askedOctets) return t.skip('net.core.rmem_max of this machine grants all that can be asked')
  assert.deepEqual(warnings, [{ listener: 'u', askedOctets, grantedOctets }])
})
