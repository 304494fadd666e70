import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { launchWeir, startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { TapReader } from '../support/tap-reader.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir } from '../support/weir-command.ts'

const folder = tempFolder('tap')
const capture = fixtureCapture('pmacctd-ipfix')

const replay = (weir: RunningWeir) => runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
const tapOf = (url: string, query: Readonly<Record<string, string | number>>): string =>
  `${url}/v1/tap?${new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))}`
const openTaps = (weir: RunningWeir) => weir.metric('mediator', 'weir_mediator_taps')

describe('a tap', () => {
  test('shows what matches, as the JSON destination writes it; a wrong filter is refused with its place; who leaves closes it', async () => {
    const path = join(folder, 'flows.json')
    const weir = await startWeir(join(folder, 'one'), {
      destinations: [
        { id: 'lines', type: 'json', target: `file:${path}`, filter: 'proto = tcp' },
        {
          id: 'bare',
          type: 'ipfix-file',
          path: join(folder, 'files/'),
          filter: 'proto = udp',
          plan: { lineage: false }
        }
      ]
    })
    const url = weir.api.origin
    const filter = 'proto = tcp and dstport = 443'
    const all = await TapReader.open(tapOf(url, { filter, rate: 10_000 }))
    const bare = await TapReader.open(tapOf(url, { destination: 'bare', rate: 10_000, exporter: '127.0.0.1' }))
    const other = await TapReader.open(tapOf(url, { exporter: '192.0.2.1' }))
    assert.equal(await openTaps(weir), 3)
    await replay(weir)
    await weir.checkLedger()
    const written = readFileSync(path, 'utf8').trim().split('\n')
    const wanted = written
      .map(line => JSON.parse(line) as Record<string, unknown>)
      .filter(line => line.destinationTransportPort === 443)
    assert.ok(wanted.length > 3, 'the capture has some')
    await until('all are shown', () => all.records.length === wanted.length)
    assert.deepEqual(all.records, wanted)
    await until('the counts are told', () => all.counts?.shown === wanted.length)
    const { passed, matched, dropped, unasked } = all.counts!
    assert.deepEqual([passed, matched, dropped, unasked], [capture.records, wanted.length, 0, 0])
    await until('those of the destination are shown', () => bare.records.length > 0)
    for (const record of bare.records) {
      assert.deepEqual([record.protocolIdentifier, 'exporter' in record, 'odid' in record], [17, false, false])
    }
    assert.equal(other.records.length, 0)

    for (const path of ['/v1/tap?filter=proto+%3D+tcp+and+srcprt+%3D+1']) {
      const { status, body } = await weir.api.call('GET', path)
      const { code, errors } = body as { code: string; errors: { path: string; message: string; allowed: string }[] }
      assert.deepEqual([status, code, errors[0]!.path], [400, 'FILTER_INVALID', 'filter'])
      assert.equal(errors[0]!.message, 'at character 17: "srcprt" is no field; did you mean srcport?')
    }
    assert.equal((await weir.api.call('GET', '/v1/tap?destination=none')).status, 404)
    assert.equal((await weir.api.call('GET', '/v1/tap?rate=0')).status, 400)

    for (const reader of [all, bare, other]) reader.leave()
    await until('the mediator has closed them', async () => (await openTaps(weir)) === 0)
    const sse = await fetch(tapOf(url, { limit: 2 }), { headers: { accept: 'text/event-stream' } })
    assert.match(sse.headers.get('content-type')!, /^text\/event-stream/)
    await replay(weir)
    const text = await sse.text()
    const names = [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)
    assert.deepEqual(
      names.filter(name => name !== 'counts'),
      ['record', 'record', 'closed']
    )
    assert.match(text, /event: closed\ndata: \{"reason":"limit",/)

    const survives = await TapReader.open(tapOf(url, { rate: 10_000 }))
    await weir.crash('mediator')
    await weir.waitUntilReady()
    await until('the tap is open again', async () => (await openTaps(weir)) === 1)
    await replay(weir)
    await until('it goes on', () => survives.records.length > 0)
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    await until('the reader is told', () => survives.hasEnded)
    assert.equal(survives.lines.at(-1)!.reason, 'stopping')
  })

  test('TH-37 whose reader stops reading while 50,000 records a second flow: nothing is lost elsewhere, and what he missed is counted', async () => {
    const receiver = await startReceiver('tcp')
    const weir = await startWeir(join(folder, 'slow'), {
      destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }]
    })
    const records = 300_000
    const query = { rate: 10_000, limit: 10_000_000 }
    const stuck = await TapReader.open(tapOf(weir.api.origin, query))
    stuck.pause()
    const reads = await TapReader.open(tapOf(weir.api.origin, query))
    const generator = startGenerator({ to: weir.tcp, records, rate: 50_000 })
    const { code } = await generator.waitForEnd()
    assert.equal(code, 0, generator.said)
    const { mediator } = await weir.checkLedger()
    assert.equal(mediator.destinations.truth!.sent, records)
    await until('the counts are told', () => (reads.counts?.passed ?? 0) >= records)
    // How many it is, is a matter of the CPU time that is left: taps have a share of it.
    assert.ok(reads.records.length > 1_000, `${reads.records.length} were shown in 6 s at 10,000 a second`)
    stuck.resume()
    await until('he is told what he missed', () => (stuck.counts?.passed ?? 0) >= records)
    const { dropped, shown, matched, skipped } = stuck.counts!
    assert.ok(dropped! > 0, JSON.stringify(stuck.counts))
    assert.equal(matched, shown! + skipped! + dropped!)
    await until('he has what was kept for him', () => stuck.records.length === shown)
    stuck.leave()
    reads.leave()
    await until('the mediator has closed them', async () => (await openTaps(weir)) === 0)
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    const { unique, lost, duplicates } = await receiver.stop()
    assert.deepEqual({ unique, lost, duplicates }, { unique: records, lost: 0, duplicates: 0 })
  })

  test('of a fleet: each record has its pod, the limit is that of all, a wrong filter is refused in the pods’ words', async () => {
    const ports = [await freePort(), await freePort()]
    const frontPort = await freePort()
    const pods = ports.map(port => `http://127.0.0.1:${port}`)
    const front = { port: frontPort, pods, limits: { podTimeoutMs: 5_000 } }
    const second = await launchWeir(join(folder, 'b'), await freePort(), ports[1]!, { config: { front } })
    const first = await launchWeir(join(folder, 'a'), await freePort(), ports[0]!)
    await Promise.all([first.waitUntilReady(), second.waitUntilReady()])
    await second.child.waitForText('Weir is ready')
    const key = readFileSync(join(folder, 'b/var/admin.key'), 'utf8').trim()
    const headers = { authorization: `Bearer ${key}` }
    const url = `http://127.0.0.1:${frontPort}/api`
    const wrong = await fetch(tapOf(url, { filter: 'port = ' }), { headers })
    const problem = (await wrong.json()) as { code: string; errors: { message: string }[] }
    assert.deepEqual([wrong.status, problem.code], [400, 'FILTER_INVALID'])
    assert.match(problem.errors[0]!.message, /^at character 8/)
    assert.equal((await fetch(tapOf(url, { pod: 'nobody' }), { headers })).status, 404)
    assert.equal((await fetch(tapOf(url, {}))).status, 401)

    const reader = await TapReader.open(tapOf(url, { filter: 'proto = tcp', rate: 10_000, limit: 60 }), headers)
    await until('both are tapped', async () => (await openTaps(first)) === 1 && (await openTaps(second)) === 1)
    await replay(first)
    await until('the first is seen', () => reader.records.length > 10)
    assert.equal(reader.hasEnded, false)
    while (!reader.hasEnded) await replay(second)
    assert.equal(reader.records.length, 60)
    const seen = new Set(reader.records.map(({ pod, protocolIdentifier }) => `${pod} ${String(protocolIdentifier)}`))
    assert.deepEqual([...seen].toSorted(), ports.map(port => `127.0.0.1:${port} 6`).toSorted())
    assert.equal(reader.lines.at(-1)!.reason, 'limit')
    await until(
      'the taps of the pods are closed',
      async () => (await openTaps(first)) === 0 && (await openTaps(second)) === 0
    )
    for (const weir of [first, second]) assert.equal((await weir.stop()).code, 0, weir.child.said)
  })
})
