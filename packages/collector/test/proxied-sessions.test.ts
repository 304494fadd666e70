import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { FakeClock, silentLog, type Log } from '@weir/runtime'
import { vector } from '../../../test/conformance/vectors.ts'
import { collectorState, exporterState } from '../src/collector-state.ts'
import { dataMessage, recordHex, templateMessage } from './support/messages.ts'
import { ipv4Addresses, proxyV1, proxyV2, tlv } from './support/proxy.ts'
import { dropsOf, startRig, type Rig, type RigOptions } from './support/rig.ts'

const fast = { tcpAcceptsPerSec: 1_000, tcpConnectionsPerAddress: 1_000 }
const behindProxy = (t: TestContext, options: RigOptions = {}): Promise<Rig> =>
  startRig(t, { proxiesFrom: ['127.0.0.0/8', '::1'], ...options })
const counters = (rig: Rig) => rig.collector.parts.tcp[0].counters
const exporterIds = (rig: Rig): string[] => [...rig.collector.parts.exporters.values()].map(({ id }) => id)
const local = (): Uint8Array => proxyV2({ command: 0, family: 0, addresses: new Uint8Array(0) })

/** A log that keeps its warnings. */
function keptLog(): { log: Log; warnings: { code: string; fields: unknown }[] } {
  const warnings: { code: string; fields: unknown }[] = []
  const log: Log = { ...silentLog(), warn: (code, _message, fields) => void warnings.push({ code, fields }) }
  return { log, warnings }
}

describe('the exporter is', () => {
  for (const [name, header] of [
    ['version 1', proxyV1('TCP4 192.0.2.1 192.0.2.254 4321 4739')],
    ['version 2', proxyV2()],
    ['version 2 with the TLV of an AWS endpoint', proxyV2({ tlvs: tlv(0xea, 22) })]
  ] as const) {
    test(`that of the header, ${name}, with the first Message in the same segment`, async t => {
      const rig = await behindProxy(t)
      const balancer = await rig.tcpSource()
      await balancer.send(Buffer.concat([header, vector('V01')]))
      await rig.untilMessages(1)
      assert.equal(rig.link.records, 5)
      const [{ source }] = rig.link.entries
      assert.equal(source.exporterId, '192.0.2.1')
      assert.deepEqual(source.address.slice(0, 4), Uint8Array.of(192, 0, 2, 1))
      assert.equal(source.port, 4321)
      const exporter = rig.collector.parts.exporters.get('192.0.2.1')!
      const [session] = exporterState(rig.collector.parts, exporter).sessionList
      assert.equal(session.via, '127.0.0.1')
      assert.equal(session.port, 4321)
      assert.match(session.scope, /192\.0\.2\.1/)
      assert.deepEqual(exporterIds(rig), ['192.0.2.1'])
    })
  }

  test('that of the header, wherever header and Message are cut', async t => {
    const rig = await behindProxy(t, { limits: fast })
    let messages = 0
    for (const header of [proxyV1('TCP4 192.0.2.1 192.0.2.254 4321 4739'), proxyV2({ tlvs: tlv(4, 20) })]) {
      const stream = Buffer.concat([header, vector('V01')])
      for (let cut = 1; cut < stream.length; cut++) {
        const balancer = await rig.tcpSource()
        await balancer.send(stream.subarray(0, cut))
        const isSeen = (): boolean => {
          const [stranger] = rig.collector.parts.tcp[0].lobby.strangers
          const [connection] = rig.collector.parts.tcp[0].connections
          if (cut < header.length) return stranger?.header.octets === Math.min(cut, keptOf(header))
          return connection?.partialOctets === cut - header.length
        }
        await rig.until(isSeen)
        await balancer.send(stream.subarray(cut))
        await rig.untilMessages(++messages)
        await balancer.close()
        await rig.until(() => rig.collector.parts.sessions.tcpSessions === 0)
      }
    }
    assert.equal(rig.link.records, messages * 5)
    assert.ok(rig.link.entries.every(({ source }) => source.exporterId === '192.0.2.1'))
    assert.equal(counters(rig).peer, messages)
    assert.deepEqual(dropsOf(rig.collector), {})
  })

  test('another for each connection of one balancer, each with its own templates', async t => {
    const rig = await behindProxy(t)
    const one = await rig.tcpSource()
    const other = await rig.tcpSource()
    await one.send(proxyV2(), templateMessage(), dataMessage([1]))
    await other.send(proxyV2({ addresses: ipv4Addresses('192.0.2.2', 5) }), dataMessage([2]))
    await rig.untilMessages(3)
    assert.deepEqual(rig.link.hex, [recordHex(1)])
    assert.deepEqual(exporterIds(rig), ['192.0.2.1', '192.0.2.2'])
  })

  for (const [name, header] of [
    ['LOCAL', local()],
    ['UNKNOWN', proxyV1('UNKNOWN')],
    ['UNSPEC', proxyV2({ family: 0, addresses: new Uint8Array(0) })],
    ['UNIX', proxyV2({ family: 0x31, addresses: new Uint8Array(216) })]
  ] as const) {
    test(`the balancer itself when the header names nobody: ${name}`, async t => {
      const rig = await behindProxy(t)
      const balancer = await rig.tcpSource()
      await balancer.send(Buffer.concat([header, vector('V01')]))
      await rig.untilMessages(1)
      assert.equal(rig.link.entries[0].source.exporterId, '127.0.0.1')
      assert.equal(rig.link.entries[0].source.port, balancer.port)
    })
  }

  test('the sender of a connection from elsewhere, which needs no header', async t => {
    const rig = await startRig(t, { proxiesFrom: ['192.0.2.0/24'] })
    const source = await rig.tcpSource()
    await source.send(vector('V01'))
    await rig.untilMessages(1)
    assert.equal(rig.link.entries[0].source.exporterId, '127.0.0.1')
    assert.equal(
      exporterState(rig.collector.parts, rig.collector.parts.exporters.get('127.0.0.1')!).sessionList[0].via,
      null
    )
  })
})

describe('closes', () => {
  for (const [fault, first] of [
    ['PROXY_SIGNATURE', vector('V01')],
    ['PROXY_VERSION', proxyV2({ version: 1 })],
    ['PROXY_COMMAND', proxyV2({ command: 2 })],
    ['PROXY_ADDRESS', proxyV2({ length: 4 })],
    ['PROXY_TOO_LONG', proxyV2({ length: 65_535 })]
  ] as const) {
    test(`a balancer's connection without a right header: ${fault}, counted, nothing decoded`, async t => {
      const { log, warnings } = keptLog()
      const rig = await behindProxy(t, { log })
      const balancer = await rig.tcpSource()
      await balancer.send(Buffer.concat([first, vector('V01')]))
      await balancer.closed
      assert.equal(counters(rig).proxy_header, 1)
      assert.equal(counters(rig).accepted, 0)
      assert.equal(rig.collector.parts.ledger.messages.received, 0)
      assert.equal(rig.collector.parts.gate.count, 0)
      assert.deepEqual(warnings, [{ code: 'proxy_header', fields: { via: '127.0.0.1', listener: 't', fault } }])
    })
  }

  test('a header that ends with its connection', async t => {
    const { log, warnings } = keptLog()
    const rig = await behindProxy(t, { log })
    const balancer = await rig.tcpSource()
    await balancer.send(proxyV2().subarray(0, 20))
    await balancer.close()
    await rig.until(() => counters(rig).proxy_header === 1)
    assert.deepEqual(warnings[0].fields, { via: '127.0.0.1', listener: 't', fault: 'PROXY_CUT' })
  })

  test('a PROXY header from a sender that is not listed, with a word on what to do', async t => {
    const said: string[] = []
    const log: Log = { ...silentLog(), warn: (_code, message) => void said.push(message) }
    const rig = await startRig(t, { log })
    const source = await rig.tcpSource()
    await source.send(Buffer.concat([proxyV2(), vector('V01')]))
    await source.closed
    assert.equal(counters(rig).framing, 1)
    assert.equal(rig.link.records, 0)
    assert.match(said[0], /proxyProtocol\.from/)
  })

  test('L-07 TH-14 a header that drips, at the time for the first one of a Message', async t => {
    const clock = new FakeClock()
    const rig = await behindProxy(t, { clock })
    const balancer = await rig.tcpSource()
    await balancer.send(proxyV2().subarray(0, 1))
    await rig.until(() => [...rig.collector.parts.tcp[0].lobby.strangers].some(({ header }) => header.octets === 1))
    clock.advance(9_000)
    await balancer.send(proxyV2().subarray(1, 2))
    await rig.until(() => [...rig.collector.parts.tcp[0].lobby.strangers].some(({ header }) => header.octets === 2))
    clock.advance(1_000)
    await balancer.closed
    assert.equal(counters(rig).proxy_header, 1)
  })

  test('L-07 an exporter that is named and says nothing, counted from when its connection came', async t => {
    const clock = new FakeClock()
    const rig = await behindProxy(t, { clock })
    const balancer = await rig.tcpSource()
    await rig.until(() => rig.collector.parts.tcp[0].lobby.strangers.size === 1)
    clock.advance(9_000)
    await balancer.send(proxyV2())
    await rig.until(() => rig.collector.parts.tcp[0].connections.size === 1)
    clock.advance(1_000)
    await balancer.closed
    assert.equal(counters(rig).timeout_header, 1)
  })
})

describe('lets in by the exporter, not by the balancer:', () => {
  test('R7011-11.5-1 the allow list', async t => {
    const rig = await behindProxy(t, { collector: { allow: ['192.0.2.1'] } })
    const good = await rig.tcpSource()
    await good.send(proxyV2(), vector('V01'))
    await rig.untilMessages(1)
    const bad = await rig.tcpSource()
    await bad.send(proxyV2({ addresses: ipv4Addresses('192.0.2.2', 1) }), vector('V01'))
    await bad.closed
    assert.deepEqual(exporterIds(rig), ['192.0.2.1'])
    assert.equal(counters(rig).not_allowed, 1)
    assert.equal(rig.collector.parts.gate.count, 1)
  })

  test('the allow list for the balancer itself, once it says more than LOCAL', async t => {
    const rig = await behindProxy(t, { collector: { allow: ['192.0.2.1'] } })
    const balancer = await rig.tcpSource()
    await balancer.send(local(), vector('V01'))
    await balancer.closed
    assert.equal(counters(rig).not_allowed, 1)
    assert.equal(rig.collector.parts.ledger.messages.received, 0)
  })

  test('L-05 connections per address', async t => {
    const rig = await behindProxy(t, { limits: { tcpConnectionsPerAddress: 1 } })
    const sources = [await rig.tcpSource(), await rig.tcpSource(), await rig.tcpSource()]
    await sources[0].send(proxyV2(), vector('V01'))
    await sources[1].send(proxyV2({ addresses: ipv4Addresses('192.0.2.2', 1) }), vector('V01'))
    await rig.untilMessages(2)
    await sources[2].send(proxyV2(), vector('V01'))
    await sources[2].closed
    assert.equal(counters(rig).limit, 1)
    await sources[0].close()
    await rig.until(() => rig.collector.parts.sessions.tcpSessions === 1)
    const again = await rig.tcpSource()
    await again.send(proxyV2(), vector('V01'))
    await rig.untilMessages(3)
    assert.equal(rig.link.records, 15)
  })

  test('L-05 the connections of all, whoever they turn out to be', async t => {
    const rig = await behindProxy(t, { limits: { tcpConnections: 1 } })
    const first = await rig.tcpSource()
    const second = await rig.tcpSource()
    await second.closed
    assert.equal(counters(rig).limit, 1)
    await first.send(proxyV2(), vector('V01'))
    await rig.untilMessages(1)
  })
})

describe('health checks', () => {
  for (const [name, said] of [
    ['that only connect', undefined],
    ['that say LOCAL', local()],
    ['that say UNKNOWN', proxyV1('UNKNOWN')]
  ] as const) {
    test(`${name} are no exporters, and no fault`, async t => {
      const { log, warnings } = keptLog()
      const rig = await behindProxy(t, { log, collector: { allow: ['192.0.2.1'] } })
      const closing = await rig.tcpSource()
      if (said !== undefined) await closing.send(said)
      await closing.close()
      await rig.until(() => counters(rig).proxy_silent === 1)
      const resetting = await rig.tcpSource()
      if (said !== undefined) await resetting.send(said)
      await rig.until(() => {
        const [stranger] = rig.collector.parts.tcp[0].lobby.strangers
        return stranger !== undefined && stranger.header.octets >= (said === undefined ? 0 : 15)
      })
      resetting.socket.resetAndDestroy()
      await rig.until(() => counters(rig).proxy_silent === 2)
      assert.deepEqual([warnings, exporterIds(rig), rig.collector.parts.gate.count], [[], [], 0])
      assert.equal(counters(rig).abnormal, 0)
    })
  }

  test('one that stays is ended with the collector', async t => {
    const rig = await behindProxy(t)
    const balancer = await rig.tcpSource()
    await rig.until(() => rig.collector.parts.tcp[0].lobby.strangers.size === 1)
    const stopping = rig.stop()
    await balancer.closed
    await stopping
    assert.equal(rig.collector.parts.gate.count, 0)
  })
})

describe('when the link is full', () => {
  test('an exporter that is introduced waits, and nothing of it is lost', async t => {
    const rig = await behindProxy(t)
    const first = await rig.tcpSource()
    await first.send(proxyV2(), templateMessage(), dataMessage([1]))
    await rig.untilMessages(2)
    rig.link.fill()
    await first.send(dataMessage([2], { sequence: 1 }))
    await rig.until(() => rig.collector.parts.tcp[0].isBlocked)
    const second = await rig.tcpSource()
    await second.send(
      Buffer.concat([proxyV2({ addresses: ipv4Addresses('192.0.2.2', 1) }), templateMessage(), dataMessage([3])])
    )
    await rig.until(() => [...rig.collector.parts.tcp[0].connections].filter(({ isPaused }) => isPaused).length === 2)
    await second.send(dataMessage([4], { sequence: 1 }))
    rig.link.empty()
    await rig.untilMessages(6)
    assert.deepEqual(rig.link.hex, [1, 2, 3, 4].map(recordHex))
    assert.equal(collectorState(rig.collector.parts).ledger.records.held, 0)
  })
})

/** Octets of a header that are kept while it is read: TLVs are not. */
const keptOf = (header: Uint8Array): number => (header[0] === 0x0d ? 28 : header.length)
