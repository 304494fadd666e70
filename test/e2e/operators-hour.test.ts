import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir, weir } from '../support/weir-command.ts'

type Json = Readonly<Record<string, unknown>>
interface Destination {
  readonly matched: number
  readonly sent: number
  readonly queued: number
  readonly filtered: number
  readonly dropped: Readonly<Record<string, number>>
}
interface Ledger {
  readonly isClosed: boolean
  readonly items: readonly [
    { readonly ledger: { readonly mediator: { readonly destinations: Readonly<Record<string, Destination>> } } }
  ]
}

const linesOf = (text: string): Json[] =>
  text
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Json)

test("a new operator's hour: everything by weir ctl, from the first key to the way back", async () => {
  const folder = tempFolder('operators-hour')
  const capture = fixtureCapture('softflowd-v9')
  const apiPort = await freePort()
  const frontPort = await freePort()
  const front = { port: frontPort, pods: [`http://127.0.0.1:${apiPort}`], cache: { freshMs: 0 } }

  // Start. The admin key is where the greeting says.
  const running = await launchWeir(folder, await freePort(), apiPort, {
    config: { front, shutdown: { drainMs: 1_000 } }
  })
  await running.waitUntilReady()
  await running.child.waitForText('Weir is ready')
  const WEIR_URL = `http://127.0.0.1:${frontPort}`
  const admin = { WEIR_URL, WEIR_KEY_FILE: join(folder, 'var/admin.key') }

  // A key for the day's work.
  const WEIR_KEY = (await runWeir(['ctl', 'key', 'create', 'operator', '--role', 'operator'], { env: admin })).stdout
  const env = { WEIR_URL, WEIR_KEY: WEIR_KEY.trim() }
  const ctl = (args: readonly string[], code = 0) => runWeir(['ctl', ...args], { env, code })
  const ledger = async (): Promise<Ledger> => JSON.parse((await ctl(['get', 'ledger', '-o', 'json'])).stdout) as Ledger
  const out = async (): Promise<Destination> => (await ledger()).items[0].ledger.mediator.destinations.out!
  const replay = () => runWeir(['replay', capture.path, '--to', running.udp, '--as-fast-as-possible'])

  // What is in a capture? And how much of it is TCP, by another way through the same file.
  const analysis = await ctl(['job', 'run', 'analyse', capture.path, '--out', join(folder, 'report')])
  assert.match(analysis.stdout, new RegExp(`^records: ${capture.summary.dataRecords}$`, 'm'))
  const decoded = linesOf((await runWeir(['decode', capture.path, '--format', 'json'])).stdout)
  const tcp = decoded.filter(
    ({ scope, values }) => scope === undefined && (values as Json).protocolIdentifier === 6
  ).length
  assert.ok(tcp > 0 && tcp < capture.summary.dataRecords, `${tcp} of ${capture.summary.dataRecords}`)

  // A destination with a filter: look at the plan, then apply.
  const sink = weir(['receive', '--listen', `tcp://127.0.0.1:${await freePort()}`, '--format', 'json'])
  const target = /tcp:\/\/\S+/.exec(await sink.waitForText('listening on').then(() => sink.said))![0]
  const document = (await ctl(['get', 'config'])).stdout
  const file = join(folder, 'edited.yaml')
  const destination = `{id: out, type: ipfix, url: '${target}', filter: proto = tcp, reconnectMinMs: 100}`
  writeFileSync(file, document.replace(/^destinations: .*$/m, `destinations:\n  - ${destination}`))
  assert.match((await ctl(['apply', file, '--dry-run'])).stderr, /\nadd +destination +out/)
  const applied = (await ctl(['apply', file, '--reason', 'only TCP'])).stdout
  const revision = Number(/^Revision (\d+) holds/.exec(applied)?.[1])

  // Watch the tap while records go by.
  const tap = weir(['ctl', 'tap', '--destination', 'out', '--rate', '10000', '--limit', '5', '-o', 'json'], { env })
  await until('the tap is open', async () => (await running.metric('mediator', 'weir_mediator_taps')) === 1)
  await replay()
  assert.equal((await tap.waitForEnd()).code, 0, tap.said)
  const shown = linesOf(tap.stdout)
  assert.equal(shown.length, 5)
  // Options records pass every filter.
  const seen = shown.filter(({ recordType }) => recordType === undefined)
  assert.deepEqual([...new Set(seen.map(line => line.protocolIdentifier))], [6])
  await until('the destination has them', async () => (await out()).sent >= tcp)
  const whole = await out()
  assert.equal(whole.filtered, capture.summary.dataRecords - tcp)

  // The destination breaks: events and ledger say so, and nothing is lost silently.
  sink.kill('SIGKILL')
  await until('it is told', async () => /destination_lost/.test((await ctl(['events', '--limit', '100'])).stdout))
  await replay()
  await until('records wait', async () => {
    const { queued, matched, sent, filtered, dropped } = await out()
    const lost = Object.values(dropped).reduce((sum, each) => sum + each, 0)
    assert.equal(matched, filtered + sent + queued + lost)
    return queued > 0
  })
  assert.match((await ctl(['get', 'pipeline'])).stdout, / destination +out +waiting /)

  // Back to what was before: the destination goes, and what it held is in the ledger to the unit.
  await ctl(['rollback', String(revision - 1), '--reason', 'the collector is away'])
  assert.match((await ctl(['get', 'revisions'])).stdout, /back to revision \d+: the collector is away/)
  const { items } = await running.api.get<{ readonly items: readonly unknown[] }>('/v1/destinations')
  assert.deepEqual(items, [])
  await until('what it held is counted as dropped', async () => {
    const { isClosed, items: pods } = await ledger()
    const { queued, dropped } = pods[0].ledger.mediator.destinations.out!
    return isClosed && queued === 0 && dropped.shutdown! > 0
  })
})
