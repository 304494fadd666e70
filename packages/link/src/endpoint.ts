import { readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import { UnavailableError } from '@weir/runtime'

/** Longest path of a unix socket on every system that we know. */
const MAX_PATH_OCTETS = 103
/** A live zeromq peer, and our own unix channel, greet at once; a hung one never. */
const GREETING_TIMEOUT_MS = 1000

/** Path of an `ipc://` endpoint. @throws UnavailableError LINK_ENDPOINT if it is none, or too long for a socket. */
export function pathOf(endpoint: string): string {
  const path = endpoint.startsWith('ipc://') ? endpoint.slice(6) : ''
  if (!path.startsWith('/') || Buffer.byteLength(path) > MAX_PATH_OCTETS) {
    throw new UnavailableError(
      'LINK_ENDPOINT',
      `${endpoint} is not usable: it must be ipc:// and an absolute path of at most ${MAX_PATH_OCTETS} octets; set a shorter runDir`,
      { endpoint }
    )
  }
  return path
}

/** Whoever holds an endpoint, as its owner file says. */
export class EndpointClaim {
  readonly endpoint: string
  readonly #path: string
  readonly #token: string

  constructor(endpoint: string, epoch: string) {
    this.endpoint = endpoint
    this.#path = pathOf(endpoint)
    this.#token = JSON.stringify({ pid: process.pid, epoch })
  }

  /**
   * Become the owner. bind() on an ipc path takes it from whoever has it, so ask first: if somebody greets there, it is
   * owned; if nobody answers or the owner is hung, it is taken over, and the owner file tells the other one so.
   *
   * @throws UnavailableError LINK_ENDPOINT_BUSY if a live process owns it.
   */
  async take(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    if (await isAnswered(this.#path)) {
      throw new UnavailableError(
        'LINK_ENDPOINT_BUSY',
        `${this.endpoint} is served by another process${ownerText(this.#ownerFile)}; stop it, or use another runDir`,
        { endpoint: this.endpoint }
      )
    }
    await rm(this.#path, { force: true })
    const temporary = `${this.#ownerFile}.${process.pid}.tmp`
    await writeFile(temporary, this.#token, { mode: 0o600 })
    await rename(temporary, this.#ownerFile)
  }

  /** False when another process has taken the endpoint over. */
  isHeld(): boolean {
    try {
      return readFileSync(this.#ownerFile, 'utf8') === this.#token
    } catch {
      return false
    }
  }

  /** Give it up, unless another process has it. */
  async release(): Promise<void> {
    if (!this.isHeld()) return
    await rm(this.#ownerFile, { force: true })
    await rm(this.#path, { force: true })
  }

  get #ownerFile(): string {
    return `${this.#path}.owner`
  }
}

function ownerText(ownerFile: string): string {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile, 'utf8'))
    return typeof owner === 'object' && owner !== null && 'pid' in owner ? ` (pid ${String(owner.pid)})` : ''
  } catch {
    return ''
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ path })
    const done = (answer: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => done(false), GREETING_TIMEOUT_MS)
    socket.on('data', () => done(true))
    socket.on('error', () => done(false))
    socket.on('end', () => done(false))
  })
}
