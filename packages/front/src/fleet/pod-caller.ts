import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { FollowedFiles, systemClock, tokenOf } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import type { Pod } from './pod-list.ts'

/** What the configuration says of how the front shows pods who it is. */
export interface PodCredentials {
  readonly tokenFile: string | null
  readonly tls: {
    readonly caFile: string | null
    readonly certFile: string | null
    readonly keyFile: string | null
    readonly serverName: string | null
  } | null
}

export interface PodRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly signal: AbortSignal
}

export interface PodResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: AsyncIterable<Buffer>
}

interface Secrets {
  readonly token: string | undefined
  readonly agent: HttpsAgent
}

const noCredentials: PodCredentials = { tokenFile: null, tls: null }
/** A pod closes what is idle for longer than coordinator.limits.keepAliveMs, which is a second at least. */
const KEPT_MS = 900

/** Asks control APIs of pods, with the token and the certificate that they want; both are read again when their files change. */
export class PodCaller {
  readonly #http = new HttpAgent({ keepAlive: true, timeout: KEPT_MS })
  readonly #secrets: FollowedFiles<Secrets>

  /** @throws ConfigError if a file cannot be read, or holds no token. */
  constructor({ tokenFile, tls }: PodCredentials = noCredentials, clock: Clock = systemClock) {
    const token = { key: 'front.podTokenFile', path: tokenFile }
    const files = [
      token,
      { key: 'front.podTls.caFile', path: tls?.caFile ?? null },
      { key: 'front.podTls.certFile', path: tls?.certFile ?? null },
      { key: 'front.podTls.keyFile', path: tls?.keyFile ?? null }
    ]
    const read = ([secret, ca, cert, key]: readonly (Buffer | undefined)[]): Secrets => ({
      token: secret === undefined ? undefined : tokenOf(token, secret),
      agent: new HttpsAgent({
        keepAlive: true,
        timeout: KEPT_MS,
        minVersion: 'TLSv1.2',
        ca,
        cert,
        key,
        servername: tls?.serverName ?? undefined
      })
    })
    this.#secrets = new FollowedFiles(files, read, clock)
  }

  /** @returns the head of the answer; its body is to be read, or the signal aborted. @throws the system's error */
  async request(pod: Pod, path: string, options: PodRequest): Promise<PodResponse> {
    try {
      return await this.#send(pod, path, options)
    } catch (error) {
      // A connection that was kept, and that the pod had closed by then: nothing was asked.
      if (!(error instanceof StaleConnection)) throw error
      return this.#send(pod, path, options)
    }
  }

  close(): void {
    this.#http.destroy()
    this.#secrets.current.agent.destroy()
  }

  #send(pod: Pod, path: string, { method = 'GET', headers, body, signal }: PodRequest): Promise<PodResponse> {
    const { token, agent } = this.#secrets.current
    const isTls = pod.url.startsWith('https:')
    const text = body === undefined ? undefined : JSON.stringify(body)
    const sent = {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) })
    }
    return new Promise((resolve, reject) => {
      const ask = isTls ? httpsRequest : httpRequest
      const request = ask(pod.url + path, { method, headers: sent, agent: isTls ? agent : this.#http, signal })
      request.once('response', (answer: IncomingMessage) => {
        resolve({ status: answer.statusCode!, headers: answer.headers, body: answer })
      })
      request.once('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && error.code === 'ECONNRESET' && method === 'GET'
        reject(isStale ? new StaleConnection() : error)
      })
      request.end(text)
    })
  }
}

class StaleConnection extends Error {}
