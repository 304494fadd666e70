import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { VERIFIED_MESSAGES } from '../src/intake.ts'
import { dataMessage, templateMessage } from './support/messages.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-collector-process-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const index = new URL('../src/index.ts', import.meta.url).href
const config = new URL('../../config/src/index.ts', import.meta.url).href
const script = join(folder, 'collector.mjs')
writeFileSync(
  script,
  `import { resolveConfig } from ${JSON.stringify(config)}
import { runCollector } from ${JSON.stringify(index)}
const { config } = resolveConfig(JSON.parse(process.argv[2]))
await runCollector({ config, version: 'test' })`
)

/** Ports that nobody uses now; taken by the collector a moment later. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>(resolve => socket.close(resolve))
  return port
}

async function startProcess(t: TestContext, document: object): Promise<ChildProcess> {
  const child = fork(script, [JSON.stringify(document)], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  t.after(() => void child.kill('SIGKILL'))
  const [message] = (await once(child, 'message')) as [{ type: string }]
  assert.equal(message.type, 'ready', JSON.stringify(message))
  return child
}

const send = (source: Socket, port: number, octets: Uint8Array): Promise<void> =>
  new Promise(resolve => source.send(octets, port, '127.0.0.1', () => resolve()))

/** Resolves when a line of the metrics is there. */
async function untilMetric(port: number, line: string): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    if ((await response.text()).split('\n').includes(line)) return
  }
}

test('F-01 F-03 a killed collector decodes at once when it is back: kill -9 after the write-behind', async t => {
  const [udpPort, httpPort] = [await freePort(), await freePort()]
  const document = {
    runDir: folder,
    stateDir: join(folder, 'state'),
    collector: {
      listeners: [{ name: 'u', transport: 'udp', address: '127.0.0.1', port: udpPort, receiveBufferOctets: 65_536 }],
      http: { address: '127.0.0.1', port: httpPort }
    },
    shutdown: { tcpReadMs: 0, udpSilenceMs: 0, drainMs: 0 }
  }
  const source = createSocket('udp4')
  t.after(() => source.close())
  const first = await startProcess(t, document)
  for (let message = 0; message < VERIFIED_MESSAGES; message++) await send(source, udpPort, templateMessage())
  await untilMetric(httpPort, `weir_collector_messages_total{outcome="decoded_ok"} ${VERIFIED_MESSAGES}`)
  await untilMetric(httpPort, 'weir_collector_store_unflushed{ring="file"} 0')
  first.kill('SIGKILL')
  await once(first, 'exit')

  const second = await startProcess(t, document)
  await send(source, udpPort, dataMessage([1, 2, 3]))
  await untilMetric(httpPort, 'weir_collector_records_total{outcome="admitted"} 3')
  await untilMetric(httpPort, 'weir_collector_template_changes_total{change="restored"} 1')
  second.send({ type: 'stop' })
  const [code] = await once(second, 'exit')
  assert.equal(code, 0)
})
