import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listenError } from './errors.ts'
import type { Component } from './component.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What `/readyz` says: ready, or the reasons why not. */
export interface Readiness {
  readonly isReady: boolean
  readonly reasons: readonly string[]
}

export interface HttpHealthConfig {
  readonly address: string
  /** 0 = any free port. */
  readonly port: number
}

export interface HttpHealthDeps {
  readonly log: Log
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  /** Never asks a peer: listeners bound, templates warm, link up as far as this process knows. */
  readonly readiness: () => Readiness
}

export interface HttpHealth extends Component {
  /** The port in use, 0 before start. */
  readonly port: number
}

const MAX_CONNECTIONS = 64
const READ_MS = 3_000
const WRITE_MS = 5_000

/**
 * `/livez`, `/readyz` and `/metrics` of one process on node:http, bounded as L-74 says. `/livez` answers 200 as long as the
 * event loop turns: no dependency in it.
 */
export function createHttpHealth(config: HttpHealthConfig, deps: HttpHealthDeps): HttpHealth {
  let server: Server | undefined
  let port = 0
  return {
    name: 'http-health',
    get port() {
      return port
    },
    async start() {
      server = createServer(
        { headersTimeout: READ_MS, requestTimeout: READ_MS, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 },
        (request, response) => void answer(request, response, deps)
      )
      server.maxConnections = MAX_CONNECTIONS
      server.keepAliveTimeout = WRITE_MS
      server.setTimeout(WRITE_MS, socket => socket.destroy())
      await listen(server, config)
      port = (server.address() as AddressInfo).port
    },
    async stop() {
      const closing = server
      server = undefined
      if (closing === undefined) return
      closing.closeAllConnections()
      await new Promise<void>(resolve => closing.close(() => resolve()))
    }
  }
}

async function listen(server: Server, { address, port }: HttpHealthConfig): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', error =>
      reject(listenError(error, 'health and metrics', `${address.includes(':') ? `[${address}]` : address}:${port}`))
    )
    server.listen({ host: address, port }, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', () => undefined)
}

async function answer(request: IncomingMessage, response: ServerResponse, deps: HttpHealthDeps): Promise<void> {
  const send = (status: number, contentType: string, body: string): void => {
    response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  const sendText = (status: number, body: string): void => send(status, 'text/plain; charset=utf-8', `${body}\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return sendText(405, 'only GET and HEAD')
  }
  const path = (request.url ?? '').split('?', 1)[0]
  if (path === '/livez') return sendText(200, 'live')
  if (path === '/readyz') {
    const { isReady, reasons } = deps.readiness()
    return sendText(isReady ? 200 : 503, isReady ? 'ready' : ['not ready', ...reasons].join('\n'))
  }
  if (path !== '/metrics') return sendText(404, 'here are /livez, /readyz and /metrics')
  try {
    send(200, deps.metrics.contentType, await deps.metrics.text())
  } catch (error) {
    deps.log.error('metrics_failed', 'the metrics could not be read', { error })
    if (!response.headersSent) sendText(500, 'the metrics could not be read')
  }
}
