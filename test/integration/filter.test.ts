import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { absent, toolPath } from '../support/debian-tools.ts'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { readLedger } from '../support/ledger.ts'
import { startNfcapd } from '../support/nfcapd.ts'
import { startWeir } from '../support/running-weir.ts'
import { TcpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir } from '../support/weir-command.ts'

/** The same question in our words and in nfdump's. */
const questions: Readonly<Record<string, string>> = {
  'proto = tcp': 'proto tcp',
  'port = 53 or port in (22, 80, 443)': 'port 53 or port 22 or port 80 or port 443',
  'src in 10.0.0.0/25 and not proto in (udp, 1)': 'src net 10.0.0.0/25 and not (proto udp or proto icmp)',
  'octetDeltaCount > 1k and packetDeltaCount < 50': 'bytes > 1000 and packets < 50',
  // nfdump keeps the type of ICMP as destination port: TCP alone is asked.
  'dst in 2001:db8::/32 or proto = tcp and dstport > 1024': 'dst net 2001:db8::/32 or (proto tcp and dst port > 1024)',
  'not host = 10.0.0.1': 'not host 10.0.0.1'
}

const folder = tempFolder('filter')

test(
  'destinations with filters are sent what nfdump finds by its own filter in what one without is sent',
  { skip: absent('nfcapd') },
  async () => {
    const nfcapd = await startNfcapd(folder, 'all')
    const sink = await TcpSink.listen()
    const filters = Object.keys(questions)
    const weir = await startWeir(join(folder, 'counted'), {
      destinations: [
        { id: 'all', type: 'ipfix', url: `udp://127.0.0.1:${nfcapd.port}` },
        ...filters.map((filter, index) => ({
          id: `f${index}`,
          type: 'ipfix',
          url: `tcp://127.0.0.1:${sink.port}`,
          filter
        }))
      ]
    })
    const captures = ['softflowd-v5', 'softflowd-v9', 'pmacctd-v9', 'pmacctd-ipfix', 'softflowd-ipfix'].map(
      fixtureCapture
    )
    let messages = 0
    let records = 0
    let options = 0
    for (const capture of captures) {
      await runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
      messages += capture.summary.messages
      records += capture.records
      options += capture.summary.optionsRecords
      await until(`${capture.name} is there`, async () => {
        return (await readLedger(weir.api)).collector.messages.received === messages
      })
    }
    const ledger = await weir.checkLedger()
    const { flows } = await nfcapd.stop()
    assert.equal(ledger.mediator.destinations.all!.filtered, 0)
    assert.equal(flows, records - options)
    for (const [index, filter] of filters.entries()) {
      const args = ['-R', join(folder, 'nfcapd-all'), '-q', '-o', 'fmt:%pr', questions[filter]!]
      const found = execFileSync(toolPath('nfdump'), args, { encoding: 'utf8' }).split('\n').filter(Boolean).length
      const { matched, sent, filtered } = ledger.mediator.destinations[`f${index}`]!
      assert.ok(found > 0 && found < flows, `${filter}: ${found} of ${flows} says little`)
      assert.deepEqual(
        { matched, sent, filtered },
        { matched: records, sent: found + options, filtered: flows - found },
        filter
      )
      const sample = `weir_mediator_destination_filtered_records_total{destination="f${index}"}`
      assert.equal(await weir.metric('mediator', sample), filtered)
    }
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    await sink.close()
  }
)

test('a filter changes in a running Weir: said before in the plan, one that is wrong is refused with its place', async () => {
  const sink = await TcpSink.listen()
  const destination = { id: 'a', type: 'ipfix', url: `tcp://127.0.0.1:${sink.port}` }
  const weir = await startWeir(join(folder, 'changed'), { destinations: [destination] })
  const capture = fixtureCapture('pmacctd-ipfix')
  const sentAfterReplay = async (times: number) => {
    await runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
    await until('it has arrived', async () => {
      return (await readLedger(weir.api)).collector.messages.received === times * capture.summary.messages
    })
    return (await weir.checkLedger()).mediator.destinations.a!
  }
  assert.equal((await sentAfterReplay(1)).filtered, 0)

  const wrong = await weir.api.call('PATCH', '/v1/destinations/a', { filter: 'port = 53 or srcprt = 53' })
  assert.equal(wrong.status, 422)
  const { errors } = wrong.body as { errors: { path: string; message: string; allowed: string }[] }
  assert.deepEqual(
    errors.map(({ path, message }) => [path, message]),
    [['filter', 'at character 14: "srcprt" is no field; did you mean srcport?']]
  )
  assert.match(errors[0]!.allowed, /dstport/)

  const before = await weir.api.get<{ sessions: number; templates: number }>('/v1/destinations/a')
  const document = await weir.api.get<{ config: object }>('/v1/config')
  const plan = await weir.api.post<{ steps: { action: string; id: string; stays: string[] }[] }>('/v1/config/plan', {
    ...document.config,
    destinations: [{ ...destination, filter: 'proto = udp' }]
  })
  assert.deepEqual(
    plan.steps.find(({ id }) => id === 'a'),
    {
      action: 'change',
      what: 'destination',
      id: 'a',
      stays: ['session', 'queue', 'templates'],
      processes: ['mediator']
    }
  )
  assert.equal((await weir.api.call('PATCH', '/v1/destinations/a', { filter: 'proto = udp' })).status, 200)
  const some = await sentAfterReplay(2)
  assert.ok(some.filtered > 0 && some.filtered < capture.records, JSON.stringify(some))
  assert.equal((await weir.api.call('PATCH', '/v1/destinations/a', { filter: null })).status, 200)
  assert.equal((await sentAfterReplay(3)).filtered, some.filtered)
  const after = await weir.api.get<{ sessions: number; templates: number }>('/v1/destinations/a')
  assert.deepEqual([after.sessions, after.templates], [1, before.templates])
  assert.equal(await weir.metric('mediator', 'weir_mediator_destination_withdrawals_total{destination="a"}'), 0)
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  await sink.close()
})
