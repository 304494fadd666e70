import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'

/** A reply: bulk strings are octets; an error of the server is an Error. */
export type WireReply = Buffer | string | number | Error | null | readonly WireReply[]

/** Speaks with a redis-server as anybody can who reaches it: what is written need not be what Weir would write. */
export class RedisWire {
  readonly #socket: Socket
  readonly #waiting: ((reply: WireReply) => void)[] = []
  #octets: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.unref()
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      this.#octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk])
      this.#read()
    })
  }

  static async connect(port: number): Promise<RedisWire> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new RedisWire(socket)
  }

  /** Send commands at once. @returns their replies. */
  send(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<WireReply[]> {
    const replies = commands.map(() => new Promise<WireReply>(resolve => this.#waiting.push(resolve)))
    const parts: Uint8Array[] = []
    for (const command of commands) {
      parts.push(Buffer.from(`*${command.length}\r\n`))
      for (const word of command) {
        const octets = typeof word === 'string' ? Buffer.from(word) : word
        parts.push(Buffer.from(`$${octets.length}\r\n`), octets, Buffer.from('\r\n'))
      }
    }
    this.#socket.write(Buffer.concat(parts))
    return Promise.all(replies)
  }

  /** All fields of hashes. */
  async hashes(keys: readonly string[]): Promise<Map<string, Map<string, Buffer>>> {
    const replies = await this.send(keys.map(key => ['HGETALL', key]))
    return new Map(
      keys.map((key, index) => {
        const items = replies[index] as readonly Buffer[]
        const fields = Array.from({ length: items.length / 2 }, (_, at) => [
          items[at * 2].toString(),
          items[at * 2 + 1]
        ])
        return [key, new Map(fields as [string, Buffer][])]
      })
    )
  }

  /** Names of keys that match a pattern. */
  async keys(pattern: string): Promise<string[]> {
    const [reply] = await this.send([['KEYS', pattern]])
    return (reply as readonly Buffer[]).map(String)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(): void {
    let at = 0
    for (;;) {
      const parsed = parse(this.#octets, at)
      if (parsed === undefined) break
      at = parsed.end
      this.#waiting.shift()?.(parsed.reply)
    }
    this.#octets = this.#octets.subarray(at)
  }
}

/** @returns undefined if it is not whole yet. */
function parse(octets: Buffer, at: number): { reply: WireReply; end: number } | undefined {
  const lineEnd = octets.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = octets.toString('latin1', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCodePoint(octets[at])) {
    case ':':
      return { reply: Number(line), end }
    case '-':
      return { reply: new Error(line), end }
    case '$':
      return bulk(octets, end, Number(line))
    case '*':
      return list(octets, end, Number(line))
    default:
      return { reply: line, end }
  }
}

function bulk(octets: Buffer, at: number, length: number): { reply: WireReply; end: number } | undefined {
  if (length < 0) return { reply: null, end: at }
  if (octets.length < at + length + 2) return undefined
  return { reply: Buffer.from(octets.subarray(at, at + length)), end: at + length + 2 }
}

function list(octets: Buffer, start: number, length: number): { reply: WireReply; end: number } | undefined {
  const items: WireReply[] = []
  let at = start
  for (let index = 0; index < length; index++) {
    const item = parse(octets, at)
    if (item === undefined) return undefined
    items.push(item.reply)
    at = item.end
  }
  return { reply: items, end: at }
}
