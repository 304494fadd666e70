import assert from 'node:assert/strict'
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { descendantsOf, isAlive } from '../support/process-tree.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { weir } from '../support/weir-command.ts'

const WORKERS = 3
const CONNECTIONS = 12

/** One connection to whichever process the system gives it to. */
class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  open(method: string, path: string, key?: string, body?: object): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    }
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${this.url}${path}`, { agent: this.#agent, method, headers }, resolve)
      request.once('error', reject)
      request.end(text)
    })
  }

  async call(method: string, path: string, key?: string, body?: object): Promise<{ status: number; text: string }> {
    const answer = await this.open(method, path, key, body)
    let text = ''
    for await (const part of answer.setEncoding('utf8') as AsyncIterable<string>) text += part
    return { status: answer.statusCode!, text }
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function startFront(limits: object = {}) {
  const folder = tempFolder('front-workers')
  const pod = createServer((request, response) => {
    const isStream = request.url!.startsWith('/v1/events?')
    response.setHeader('content-type', 'application/json')
    if (isStream) return void response.write('\n')
    response.end(JSON.stringify({ items: [], reasons: [], total: 0, next: null }))
  })
  await new Promise<void>(resolve => pod.listen(0, '127.0.0.1', resolve))
  pod.unref()
  const pods = [`http://127.0.0.1:${(pod.address() as AddressInfo).port}`]
  const config = join(folder, 'weir.json')
  const front = { port: 0, pods, workers: WORKERS, limits: { requestsPerSec: 10_000, ...limits } }
  writeFileSync(config, JSON.stringify({ stateDir: folder, front }))
  const child = weir(['front', '--config', config])
  await child.waitForText(/"process":"front",[^\n]*"process_ready"/)
  const url = /"url":"(http[^"]+)"/.exec(child.stderr)![1]!
  const adminKey = readFileSync(join(folder, 'admin.key'), 'utf8').trim()
  const connections = Array.from({ length: CONNECTIONS }, () => new Connection(url))
  const all = <T>(each: (connection: Connection) => Promise<T>): Promise<T[]> => Promise.all(connections.map(each))
  const makeKey = async (role: string): Promise<{ id: string; token: string }> => {
    const { text } = await connections[0]!.call('POST', '/api/v1/keys', adminKey, { name: role, role })
    return JSON.parse(text) as { id: string; token: string }
  }
  const stop = async (): Promise<void> => {
    for (const connection of connections) connection.close()
    pod.closeAllConnections()
    child.kill()
    assert.equal((await child.waitForEnd()).code, 0, child.said)
  }
  return { child, folder, url, adminKey, connections, all, makeKey, stop }
}

const metric = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0
  )

test('a key that is made opens in every HTTP process, and one that is revoked opens in none, nor do its streams go on', async () => {
  const { all, connections, makeKey, adminKey, folder, stop } = await startFront({ failedLoginsPerMin: 1_000 })
  const { id, token } = await makeKey('reader')
  assert.deepEqual(
    new Set((await all(each => each.call('GET', '/version', token))).map(({ status }) => status)),
    new Set([200])
  )
  const streams = await all(each => each.open('GET', '/api/v1/events?format=ndjson', token))
  const told = streams.map(async stream => {
    let text = ''
    for await (const part of stream.setEncoding('utf8') as AsyncIterable<string>) text += part
    return text
  })
  const others = connections.map(() => new Connection(connections[0]!.url))
  await Promise.all(others.map(each => each.call('GET', '/version', token)))
  assert.equal((await others[0]!.call('DELETE', `/api/v1/keys/${id}`, adminKey)).status, 204)
  const after = await Promise.all(others.map(each => each.call('GET', '/version', token)))
  assert.deepEqual(new Set(after.map(({ status }) => status)), new Set([401]), 'with the answer it opens nowhere')
  for (const text of await Promise.all(told)) assert.match(text, /"type":"closed".*revoked/)
  const missing = await connections[1]!.call('DELETE', '/api/v1/keys/nobody', adminKey)
  assert.deepEqual([missing.status, (JSON.parse(missing.text) as { code: string }).code], [404, 'NOT_FOUND'])
  for (const each of others) each.close()
  await stop()
  const lines = readFileSync(join(folder, 'audit.log'), 'utf8').trimEnd().split('\n')
  assert.deepEqual(
    lines.map(line => (JSON.parse(line) as { method: string; status: number }).status),
    [201, 204, 404]
  )
})

test('limits and metrics are of all HTTP processes together', async () => {
  const { all, connections, makeKey, adminKey, stop } = await startFront({ requestsPerSec: 40 })
  const { token } = await makeKey('reader')
  const startMs = performance.now()
  const answers = (
    await all(each => Promise.all(Array.from({ length: 20 }, () => each.call('GET', '/version', token))))
  ).flat()
  const seconds = (performance.now() - startMs) / 1_000
  const passed = answers.filter(({ status }) => status === 200).length
  assert.ok(passed >= 30 && passed <= 40 * (1 + seconds) + 1, `${passed} of ${answers.length} in ${seconds} s`)
  assert.equal(answers.filter(({ status }) => status === 429).length, answers.length - passed)
  const wrong = (await all(each => each.call('GET', '/version', 'wk_wrong'))).map(({ status }) => status)
  assert.deepEqual(wrong.toSorted(), [...Array<number>(10).fill(401), 429, 429])
  const { text, status } = await connections[3]!.call('GET', '/metrics', adminKey)
  assert.equal(status, 200)
  assert.deepEqual([metric(text, 'weir_front_workers'), metric(text, 'weir_front_worker_restarts_total')], [WORKERS, 0])
  const requests = [...text.matchAll(/^weir_front_http_requests_total\{([^}]*)\} (\d+)$/gm)]
  const ofVersion = requests.filter(([, labels]) => labels!.includes('/version'))
  assert.equal(
    ofVersion.reduce((sum, [, , count]) => sum + Number(count), 0),
    answers.length + wrong.length
  )
  assert.ok(metric(text, 'process_resident_memory_bytes') > 0)
  await stop()
})

/** Established TCP connections that a process has at a port of its own, as /proc tells. */
function connectionsOf(pid: number, port: number): number {
  const sockets = readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? []
    return inode ?? []
  })
  const own = new Set(sockets)
  const at = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([, local, , state, , , , , , inode]) => local?.endsWith(at) && state === '01' && own.has(inode!)).length
}

test('an HTTP process that is killed is begun anew, and the others do not notice', async () => {
  const { child, url, all, connections, adminKey, stop } = await startFront()
  const workers = descendantsOf(child.pid)
  assert.equal(workers.length, WORKERS)
  await all(each => each.call('GET', '/version', adminKey))
  // The kernel gives connections to whichever process is awake: it may have few of them, or many.
  const its = connectionsOf(workers[0]!, Number(new URL(url).port))
  process.kill(workers[0]!, 'SIGKILL')
  const results = await Promise.allSettled(connections.map(each => each.call('GET', '/version', adminKey)))
  const well = results.filter(each => each.status === 'fulfilled' && each.value.status === 200).length
  assert.ok(well >= CONNECTIONS - its, `${well} of ${CONNECTIONS}, of which it had ${its}`)
  await until('there are as many as before', async () => {
    const fresh = new Connection(url)
    const { text } = await fresh.call('GET', '/metrics', adminKey)
    fresh.close()
    return metric(text, 'weir_front_workers') === WORKERS && metric(text, 'weir_front_worker_restarts_total') === 1
  })
  assert.equal(descendantsOf(child.pid).length, WORKERS)
  assert.ok(!descendantsOf(child.pid).includes(workers[0]!))
  await stop()
  await until('none is left', () => workers.every(pid => !isAlive(pid)))
})

test('when the first process is killed the others end too', async () => {
  const { child, connections } = await startFront()
  const workers = descendantsOf(child.pid)
  child.kill('SIGKILL')
  await child.waitForEnd()
  await until('none is left', () => workers.every(pid => !isAlive(pid)), 30_000)
  for (const each of connections) each.close()
})

test('a port that somebody has is told as it is with one process', async () => {
  const folder = tempFolder('front-workers-port')
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  const config = join(folder, 'weir.json')
  writeFileSync(config, JSON.stringify({ stateDir: folder, front: { port, workers: 2 } }))
  const child = weir(['front', '--config', config])
  const { code } = await child.waitForEnd()
  assert.equal(code, 69, child.said)
  assert.match(child.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`))
  taken.close()
})
