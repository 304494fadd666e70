import { readFileSync, statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from './clock.ts'
import { ConfigError, errorMessage } from './errors.ts'

/** A file that the configuration names: by which key, and where; null: none. */
export interface NamedFile {
  readonly key: string
  readonly path: string | null
}

const LOOK_MS = 1_000
const MOST_OCTETS = 1_048_576

/**
 * What some files hold, as they are now: secrets and certificates are exchanged while a process runs. They are looked at once a second
 * at most; one that cannot be read, or cannot be right, then leaves what was there before.
 */
export class FollowedFiles<T> {
  readonly #files: readonly NamedFile[]
  readonly #read: (contents: readonly (Buffer | undefined)[]) => T
  readonly #clock: Clock
  #stamps: readonly string[]
  #current: T
  #lookAtMs: number
  /** Times that they have changed. */
  changes = 0

  /**
   * @param read - from the octets of each, undefined where there is none; it throws what is wrong with them.
   * @throws ConfigError with every file that cannot be read now.
   */
  constructor(files: readonly NamedFile[], read: (contents: readonly (Buffer | undefined)[]) => T, clock: Clock) {
    this.#files = files
    this.#read = read
    this.#clock = clock
    this.#stamps = this.#stamp()
    this.#current = read(contentsOf(files))
    this.#lookAtMs = clock.monotonicMs() + LOOK_MS
  }

  get current(): T {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#lookAtMs) return this.#current
    this.#lookAtMs = nowMs + LOOK_MS
    const stamps = this.#stamp()
    if (isDeepStrictEqual(stamps, this.#stamps)) return this.#current
    try {
      this.#current = this.#read(contentsOf(this.#files))
      this.#stamps = stamps
      this.changes++
    } catch {
      // Half of it is written: it is looked at again.
    }
    return this.#current
  }

  #stamp(): string[] {
    return this.#files.map(({ path }) => {
      if (path === null) return ''
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat === undefined ? 'absent' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
    })
  }
}

function contentsOf(files: readonly NamedFile[]): (Buffer | undefined)[] {
  const issues: { path: string; message: string }[] = []
  const contents = files.map(({ key, path }) => {
    if (path === null) return undefined
    try {
      const octets = readFileSync(path)
      if (octets.length > 0 && octets.length <= MOST_OCTETS) return octets
      issues.push({ path: key, message: `${path} is ${octets.length === 0 ? 'empty' : 'too long'}` })
    } catch (error) {
      issues.push({ path: key, message: `cannot be read: ${errorMessage(error)}` })
    }
    return undefined
  })
  if (issues.length > 0) throw new ConfigError(issues)
  return contents
}

const LEAST_TOKEN_OCTETS = 16

/**
 * A secret that two processes share, as a file holds it: without the ends of lines that editors put there.
 *
 * @throws ConfigError if it is too short to be one, or cannot be sent in a header.
 */
export function tokenOf({ key, path }: NamedFile, octets: Buffer): string {
  const token = octets.toString('latin1').replace(/[\r\n]+$/, '')
  if (token.length >= LEAST_TOKEN_OCTETS && /^[\x21-\x7e]+$/.test(token)) return token
  const allowed = `at least ${LEAST_TOKEN_OCTETS} printable characters without spaces, e.g. of: openssl rand -hex 32`
  throw new ConfigError([{ path: key, message: `${path} holds no token`, allowed }])
}
