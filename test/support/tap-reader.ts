import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'

/** A line of a tap as NDJSON: a record, counts, or the end. */
export interface TapLine {
  readonly recordType?: string
  readonly pod?: string
  readonly reason?: string
  readonly dropped?: number
  readonly shown?: number
  readonly counts?: Readonly<Record<string, number>>
  readonly [key: string]: unknown
}

/** Reads a tap over HTTP, or does not. */
export class TapReader {
  readonly lines: TapLine[] = []
  hasEnded = false
  readonly #response: IncomingMessage
  #rest = ''

  private constructor(response: IncomingMessage) {
    this.#response = response
    // One that a failed test has left open must not keep its file from ending.
    response.socket.unref()
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n')
      this.#rest = parts.pop()!
      for (const line of parts) if (line !== '') this.lines.push(JSON.parse(line) as TapLine)
    })
    response.once('close', () => (this.hasEnded = true))
    response.on('error', () => undefined)
  }

  /** @param url - of the route, with its query; resolves when it is served. */
  static open(url: string, headers: Record<string, string> = {}): Promise<TapReader> {
    return new Promise((resolve, reject) => {
      const asked = request(url, { headers: { accept: 'application/x-ndjson', ...headers } }, response => {
        if (response.statusCode !== 200) reject(new Error(`${url} is answered ${response.statusCode}`))
        else resolve(new TapReader(response))
      })
      asked.once('error', reject)
      asked.end()
    })
  }

  get records(): TapLine[] {
    return this.lines.filter(({ recordType }) => recordType === undefined)
  }

  /** What was said last of the counts. */
  get counts(): Readonly<Record<string, number>> | undefined {
    const last = this.lines.findLast(({ recordType }) => recordType === 'counts' || recordType === 'closed')
    return last?.counts ?? (last as Readonly<Record<string, number>> | undefined)
  }

  pause(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  /** Leave, without a word. */
  leave(): void {
    this.#response.destroy()
  }
}
