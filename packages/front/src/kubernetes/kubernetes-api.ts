import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { errorCode, errorMessage } from '@weir/runtime'
import { requestJson, trustedRequest } from '../trusted-request.ts'

export interface KubernetesOptions {
  /** URL of the API server. */
  readonly api: string
  readonly tokenFile: string
  readonly caFile: string
  readonly timeoutMs: number
}

/** An answer of the API server; `reason` is what it says of a refusal. */
export interface KubernetesAnswer {
  readonly status: number
  readonly body: unknown
  readonly reason: string
}

/** There is no answer: no token, no certificate, no server. */
export class KubernetesAwayError extends Error {
  override readonly name = 'KubernetesAwayError'
  /** There is nothing to ask with: this is no pod, or it has no service account. */
  readonly isOutside: boolean

  constructor(message: string, isOutside = false) {
    super(message)
    this.isOutside = isOutside
  }
}

const ANSWER_OCTETS = 16 * 1_048_576
const REASON_CHARACTERS = 300

/** The API server of the cluster, asked as the service account of this pod. Its files are read each time: tokens are exchanged while one runs. */
export class KubernetesApi {
  readonly #options: KubernetesOptions

  constructor(options: KubernetesOptions) {
    this.#options = options
  }

  /** @throws KubernetesAwayError */
  async ask(path: string, change?: { readonly method: string; readonly body: object }): Promise<KubernetesAnswer> {
    const { api, timeoutMs } = this.#options
    const { headers, ca } = await this.#credentials()
    try {
      const { status, body } = await requestJson(api + path, {
        ...(change === undefined ? {} : { method: change.method, body: JSON.stringify(change.body) }),
        headers: { ...headers, 'content-type': 'application/json' },
        ca,
        timeoutMs,
        maxOctets: ANSWER_OCTETS
      })
      return { status, body, reason: reasonOf(body) }
    } catch (error) {
      throw new KubernetesAwayError(`The API server of Kubernetes does not answer: ${errorMessage(error)}.`)
    }
  }

  /** Follow a list. @returns the stream of its changes, a JSON object a line. @throws KubernetesAwayError */
  async watch(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { api, timeoutMs } = this.#options
    const { headers, ca } = await this.#credentials()
    try {
      return await trustedRequest(api + path, { headers, ca, timeoutMs, signal })
    } catch (error) {
      throw new KubernetesAwayError(`The API server of Kubernetes does not answer: ${errorMessage(error)}.`)
    }
  }

  async #credentials(): Promise<{ readonly headers: Readonly<Record<string, string>>; readonly ca: string }> {
    const { tokenFile, caFile } = this.#options
    try {
      const [token, ca] = await Promise.all([readFile(tokenFile, 'utf8'), readFile(caFile, 'utf8')])
      return { headers: { authorization: `Bearer ${token.trim()}`, accept: 'application/json' }, ca }
    } catch (error) {
      const detail = `There is no service account to ask Kubernetes with: ${errorMessage(error)}.`
      throw new KubernetesAwayError(detail, errorCode(error) === 'ENOENT')
    }
  }
}

/** `message` of a Status, so short that it can be passed on. */
function reasonOf(body: unknown): string {
  const { message } = (body ?? {}) as { readonly message?: unknown }
  return typeof message === 'string' ? message.slice(0, REASON_CHARACTERS) : 'no reason given'
}
