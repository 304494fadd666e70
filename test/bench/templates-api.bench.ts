// GET /v1/templates of a whole pod with 200,000 live templates: node test/bench/templates-api.bench.ts [requests]
//
// 10,000 exporters (addresses of loopback) announce 20 templates each. Wall time of requests over HTTP, one after the other, in
// milliseconds. Case ids are stable.
import { createSocket } from 'node:dgram'
import { cpus } from 'node:os'
import { buildMessage } from '@weir/ipfix/testing'
import { startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const EXPORTERS = 10_000
const TEMPLATES = 20
/** Sent before the collector is waited for: its socket holds more. */
const AT_ONCE = 500
/** Messages after which a session is believed (L-02). */
const MESSAGES = 3

interface Page {
  readonly total: number
  readonly next: string | null
}

const addressOf = (index: number): string => `127.1.${index >> 8}.${index & 255}`

function messageOf(sequence: number): Uint8Array {
  const message = buildMessage({ odid: 1, sequence })
  for (let template = 0; template < TEMPLATES; template++) {
    message.template(
      256 + template,
      `8:4 12:4 7:2 11:2 4:1 85:${1 + (template % 8)} 23:${1 + (template >> 3)} 2:8 1:8 152:8 153:8`
    )
  }
  return message.octets()
}

async function announceFrom(address: string, port: number): Promise<void> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, address, resolve))
  for (let sequence = 0; sequence < MESSAGES; sequence++) {
    await new Promise<void>(resolve => socket.send(messageOf(0), port, '127.0.0.1', () => resolve()))
  }
  await new Promise<void>(resolve => socket.close(resolve))
}

const requests = Number(process.argv[2] ?? 30)
const limits = { udpNewSessionsPerSec: 1_000_000, templateOctetsTotal: 1_073_741_824, udpUnverifiedSessions: 50_000 }
const weir = await startWeir(tempFolder('bench-api'), { config: { collector: { limits } } })
for (let index = 0; index < EXPORTERS; index++) {
  await announceFrom(addressOf(index), weir.port)
  if ((index + 1) % AT_ONCE !== 0) continue
  await until(
    'templates are live',
    async () => (await weir.api.get<Page>('/v1/templates?limit=1')).total === (index + 1) * TEMPLATES
  )
}
const { total } = await weir.api.get<Page>('/v1/templates?limit=1')
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${total} live templates`)

const cases: readonly (readonly [id: string, path: string])[] = [
  ['api/templates-first-page', '/v1/templates?limit=100'],
  ['api/templates-sorted', '/v1/templates?limit=100&sort=-lastSeenAtMs'],
  ['api/templates-by-field', '/v1/templates?limit=100&field=octetDeltaCount'],
  ['api/templates-by-exporter', `/v1/templates?limit=100&exporter=${addressOf(77)}`],
  ['api/exporters-first-page', '/v1/exporters?limit=100'],
  ['api/exporters-sorted', '/v1/exporters?limit=100&sort=-records']
]
for (const [id, path] of cases) {
  const timesMs: number[] = []
  for (let request = 0; request < requests; request++) {
    const startMs = performance.now()
    await weir.api.get<Page>(path)
    timesMs.push(performance.now() - startMs)
  }
  timesMs.sort((one, other) => one - other)
  const at = (share: number): string => timesMs[Math.trunc((requests - 1) * share)]!.toFixed(1).padStart(7)
  console.log(`${id.padEnd(26)} median ${at(0.5)} ms, 95th ${at(0.95)} ms, at most ${at(1)} ms`)
}
const ended = await weir.stop()
process.exitCode = ended.code ?? 1
