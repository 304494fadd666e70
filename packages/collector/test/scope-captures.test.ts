import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { FakeClock } from '@weir/runtime'
import {
  captureCases,
  capturesAreAbsent,
  messagesOf,
  type CaptureCase
} from '../../../test/conformance/capture-cases.ts'
import { startRig, type Rig } from './support/rig.ts'

/** One payload, and who sent it: a number for each source address and port. */
interface Sent {
  readonly sender: number
  readonly octets: Uint8Array
}

/** Cases, by the beginning of their names, in which several exporters, or one on several ports or of several domains, send at once. */
const severalSenders = [
  'logstash/Netflow-9-multiple-netflow-exporters',
  'reproducer/pcap_processing-ipfix-multi-sources'
]

const NAT = 0xc0000201

function sentOf(cases: readonly CaptureCase[]): Sent[][] {
  const senders = new Map<string, number>()
  const streams: Sent[][] = []
  for (const [at, each] of cases.entries()) {
    const stream: Sent[] = []
    let index = 0
    for (const { octets, session, transport } of messagesOf(each)) {
      const version = octets.length < 2 ? 0 : octets[0] * 256 + octets[1]
      index++
      if ((version !== 9 && version !== 10) || transport === 'tcp') continue
      // Payloads without addresses are of one exporter each.
      const name = each.format === 'raw-udp' ? `${at} ${index}` : `${at} of session ${session}`
      let sender = senders.get(name)
      if (sender === undefined) senders.set(name, (sender = senders.size))
      stream.push({ sender, octets: octets.slice() })
    }
    streams.push(stream)
  }
  return streams
}

/** One of each in turn: they send at the same time. */
function* inTurns(streams: readonly (readonly Sent[])[]): Generator<Sent> {
  for (let at = 0; streams.some(stream => at < stream.length); at++) {
    for (const stream of streams) if (at < stream.length) yield stream[at]
  }
}

/** What becomes of each sender's records: their octets and how they were read, in no order. */
async function recordsOf(t: TestContext, sent: Iterable<Sent>, isOneAddress: boolean): Promise<Map<number, string[]>> {
  const rig: Rig = await startRig(t, { clock: new FakeClock(1_700_000_000_000) })
  const { intake } = rig.collector.parts.udp[0]
  for (const { sender, octets } of sent) {
    const address = isOneAddress ? NAT : NAT + 256 * (sender + 1)
    intake.begin()
    intake.fromIPv4(address, 1000 + sender, octets, new DataView(octets.buffer), 0, octets.length)
  }
  const records = new Map<number, string[]>()
  for (const { source, layout, hex, isState } of rig.link.entries) {
    if (isState) continue
    const sender = source.port - 1000
    const known = records.get(sender) ?? []
    known.push(`${source.odid} ${layout.key} ${hex}`)
    records.set(sender, known)
  }
  for (const lines of records.values()) lines.sort()
  await rig.stop()
  return records
}

describe('captures of several exporters behind one address', { skip: capturesAreAbsent }, () => {
  for (const name of severalSenders) {
    test(`${name}: decoded as if each sender had an address of its own`, async t => {
      const stream = [...inTurns(sentOf(captureCases.filter(each => each.name.startsWith(name))))]
      const names = stream.map(({ sender, octets }) => `${sender} ${Buffer.from(octets).readUInt32BE(12)}`)
      assert.ok(new Set(names).size > 1, 'it has several senders, or domains')
      const apart = await recordsOf(t, stream, false)
      const together = await recordsOf(t, stream, true)
      assert.ok(apart.size > 0)
      assert.deepEqual(together, apart)
    })
  }

  test('TH-02 all captures of NetFlow v9 and IPFIX at the same time behind one address', async t => {
    const streams = sentOf(captureCases.filter(({ format }) => format !== 'ipfix-file'))
    const sent = [...inTurns(streams)]
    const apart = await recordsOf(t, sent, false)
    const together = await recordsOf(t, sent, true)
    assert.ok(apart.size > 50, `${apart.size} senders`)
    for (const [sender, records] of apart) assert.deepEqual(together.get(sender), records, `sender ${sender}`)
    assert.equal(together.size, apart.size)
  })
})
