import { lookup } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { IncomingMessage, RequestOptions } from 'node:http'

/** What became of one attempt: the status of the answer, or none. */
export type Posted =
  | { readonly status: number; readonly retryAfterMs: number | undefined }
  | { readonly status: undefined; readonly failure: 'timeout' | 'denied' | 'network' }

export interface PostOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Which addresses a name may stand for; an address in the URL itself is the word of who wrote it. */
  readonly allows: (address: string) => boolean
}

class AddressDenied extends Error {}

/** POST once. Redirects are not followed, the answer is not read, and what went wrong is told as a class. Never rejects. */
export function post({ url, headers, body, timeoutMs, signal, allows }: PostOptions): Promise<Posted> {
  return new Promise(resolve => {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const options: RequestOptions = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
      signal: ended,
      agent: false,
      lookup: guarded(allows)
    }
    const onAnswer = (answer: IncomingMessage): void => {
      const { statusCode = 0, headers: given } = answer
      const seconds = Number(given['retry-after'])
      resolve({ status: statusCode, retryAfterMs: seconds > 0 ? seconds * 1_000 : undefined })
      answer.destroy()
    }
    const made = url.startsWith('https:') ? httpsRequest(url, options, onAnswer) : httpRequest(url, options, onAnswer)
    made.on('error', error => {
      const failure = error instanceof AddressDenied ? 'denied' : ended.aborted ? 'timeout' : 'network'
      resolve({ status: undefined, failure })
    })
    made.end(body)
  })
}

const guarded =
  (allows: (address: string) => boolean): LookupFunction =>
  (host, { all }, onFound) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error !== null) return onFound(error, [])
      const allowed = addresses.filter(({ address }) => allows(address))
      if (allowed.length === 0) onFound(new AddressDenied(), [])
      else if (all === true) onFound(null, allowed)
      else onFound(null, allowed[0]!.address, allowed[0]!.family)
    })
  }
