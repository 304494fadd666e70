import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, silentLog } from '@weir/runtime'
import { Chunk } from '../../src/destinations/chunk.ts'
import { UdpOutput } from '../../src/outputs/udp-output.ts'
import { UdpSink } from '../support/sinks.ts'

/** The next of these events. */
class Events {
  readonly seen: string[] = []
  #onEvent: (() => void) | undefined

  add(name: string): void {
    this.seen.push(name)
    this.#onEvent?.()
  }

  async until(count: number): Promise<void> {
    while (this.seen.length < count) await new Promise<void>(resolve => (this.#onEvent = resolve))
  }
}

test('a name is looked up again, and a new session begins when none of its addresses is that of the old one', async () => {
  const clock = new FakeClock()
  const events = new Events()
  const sink = await new UdpSink().listen()
  let addresses = ['127.0.0.1', '127.0.0.3']
  let lookups = 0
  const output = new UdpOutput(
    {
      host: 'flows.example',
      port: sink.port,
      reconnectMinMs: 60_000,
      reconnectMaxMs: 60_000,
      sendBufferOctets: 65_536
    },
    {
      clock,
      log: silentLog(),
      lookup: (_host, _options, onFound) => {
        lookups++
        if (addresses.length === 0) onFound(new Error('no answer'), [])
        else
          onFound(
            null,
            addresses.map(address => ({ address, family: 4 }))
          )
      },
      events: {
        onReady: () => events.add('ready'),
        onLost: () => events.add('lost'),
        onWritten: () => events.add('written'),
        onUncertain: () => events.add('uncertain')
      }
    }
  )
  output.open()
  await events.until(1)
  const later = (): void => {
    clock.advance(60_000)
    output.tick()
  }
  output.tick()
  assert.equal(lookups, 1)
  // In another order, and not answered: it stays.
  addresses = ['127.0.0.3', '127.0.0.1']
  later()
  addresses = []
  later()
  assert.deepEqual([lookups, events.seen], [3, ['ready']])
  addresses = ['127.0.0.2']
  later()
  await events.until(3)
  assert.deepEqual(events.seen, ['ready', 'lost', 'ready'])
  assert.equal(output.state.sessions, 2)
  const chunk = new Chunk(1_000)
  chunk.octets.fill(7, 0, 20)
  chunk.closeMessage(20, 1)
  output.write(chunk)
  await events.until(4)
  assert.equal(events.seen[3], 'written')
  await output.close(1_000)
  await sink.close()
})
