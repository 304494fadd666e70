import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** A request to a server of which one knows who has signed its certificate; `fetch` can be told no such thing. */
export interface TrustedRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Certificates (PEM) that it must be signed by; undefined: those of this system. */
  readonly ca?: string
  /** Until the head of the answer is there. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Ask, without following where it is sent elsewhere. @returns its answer, of which nothing is read yet. */
export function trustedRequest(url: string, options: TrustedRequest): Promise<IncomingMessage> {
  const { method = 'GET', headers, body, ca, timeoutMs, signal } = options
  const ask = url.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const late = AbortSignal.timeout(timeoutMs)
    const request = ask(url, { method, headers, ca, agent: false, signal })
    const onLate = (): void => void request.destroy(new Error(`no answer within ${timeoutMs} ms`))
    late.addEventListener('abort', onLate)
    request.once('response', answer => {
      late.removeEventListener('abort', onLate)
      resolve(answer)
    })
    request.once('error', reject)
    request.end(body)
  })
}

/** Ask for a JSON document. @throws if it is longer than `maxOctets`, comes too late, or is no JSON. */
export async function requestJson(
  url: string,
  options: TrustedRequest & { readonly maxOctets: number }
): Promise<{ readonly status: number; readonly body: unknown }> {
  const late = AbortSignal.timeout(options.timeoutMs)
  const signal = options.signal === undefined ? late : AbortSignal.any([options.signal, late])
  const answer = await trustedRequest(url, { ...options, signal })
  const parts: Buffer[] = []
  let octets = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    octets += part.length
    if (octets > options.maxOctets) {
      answer.destroy()
      throw new Error(`the answer is longer than ${options.maxOctets} octets`)
    }
    parts.push(part)
  }
  return { status: answer.statusCode!, body: JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown }
}
