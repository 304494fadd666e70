import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import { FakeClock, createLog } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import type { Task } from '@weir/analysis'
import { createFront } from '../../src/index.ts'
import type { Front, Role } from '../../src/index.ts'
import type { Lookup } from '../../src/fleet/pod-list.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // Whatever the test looks at.
  readonly body: Readonly<Record<string, unknown>> & { readonly code?: string; readonly items?: readonly Item[] }
  readonly text: string
}
type Item = Readonly<Record<string, unknown>>

export interface FrontFixture {
  readonly front: Front
  readonly clock: FakeClock
  readonly stateDir: string
  readonly adminKey: string
  readonly logged: string[]
  keyOf(role: Role): Promise<string>
  /** @param key - undefined: none is given. */
  call(method: string, path: string, key?: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

export interface FrontSettings {
  readonly tasks?: readonly Task[]
  /** Instead of one that stands still. */
  readonly realClock?: Clock
  readonly pods?: readonly string[]
  readonly limits?: object
  /** Default: nothing is kept, so that tests see what is there. */
  readonly cache?: object
  /** Other keys of the section. */
  readonly more?: object
  readonly lookup?: Lookup
}

/** A front on a free port, with a state folder of its own; its clock stands still. */
export async function startFront(
  t: TestContext,
  { pods, limits, lookup, cache, more, tasks, realClock }: FrontSettings = {}
): Promise<FrontFixture> {
  const stateDir = mkdtempSync(join(tmpdir(), 'weir-front-'))
  const { config } = resolveConfig({
    stateDir,
    front: { ...more, port: 0, pods: pods ?? [], limits: limits ?? {}, cache: cache ?? { freshMs: 0, staleMs: 0 } }
  })
  const logged: string[] = []
  const clock = new FakeClock()
  const log = createLog({ name: 'front', level: 'info', destination: { write: line => void logged.push(line) } })
  const front = createFront(config, { log, version: '9.9.9', clock: realClock ?? clock, lookup, tasks })
  await front.start(new AbortController().signal)
  t.after(async () => {
    await front.stop(1_000)
    rmSync(stateDir, { recursive: true, force: true })
  })
  const adminKey = readFileSync(front.adminKeyPath, 'utf8').trim()
  const call: FrontFixture['call'] = async (method, path, key, body, headers = {}) => {
    const response = await fetch(front.url + path, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : {}) as Answer['body'],
      text
    }
  }
  return {
    front,
    clock,
    stateDir,
    adminKey,
    logged,
    call,
    keyOf: async role => String((await call('POST', '/api/v1/keys', adminKey, { name: `a ${role}`, role })).body.token)
  }
}

/** What a stand-in for a pod answers: a document by path, or something of its own. */
export type PodAnswers = (path: URL, request: IncomingMessage, response: ServerResponse) => object | undefined

/** A stand-in for the control API of a pod. @returns its url. */
export async function startPod(t: TestContext, answers: PodAnswers): Promise<string> {
  const server = createServer((request, response) => {
    const body = answers(new URL(request.url!, 'http://pod'), request, response)
    if (body === undefined) return
    const { status = 200 } = body as { status?: unknown }
    response.statusCode = typeof status === 'number' ? status : 200
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
