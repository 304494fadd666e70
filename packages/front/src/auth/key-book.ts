import { timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HttpProblem, notFound } from '@weir/http'
import { errorCode, errorMessage, writeFileAtomic } from '@weir/runtime'
import type { Clock, Log, Timer } from '@weir/runtime'
import { makeToken, readToken } from './api-key.ts'
import type { StoredKey } from './api-key.ts'
import { KeyFile } from './key-store.ts'
import type { KeyStore, VersionedKeys } from './key-store.ts'
import type { Role } from './role.ts'

/** A key without what proves it. */
export type ShownKey = Omit<StoredKey, 'hash'>

/** A key that was just made, with what proves it. */
export type NewKey = ShownKey & { readonly token: string }

/** Who may do what. */
export interface Keys {
  /** All that were ever made, the oldest first. */
  list(): ShownKey[]
  /** @throws HttpProblem 404 */
  get(id: string): ShownKey
  /** @returns the key that a token is, if it is one that holds. */
  verify(token: string): ShownKey | undefined
  /** @throws HttpProblem 409 if there are too many. */
  create(name: string, role: Role, createdBy: string): Promise<NewKey>
  /** @throws HttpProblem 404; 409 if nobody could make keys any more. */
  revoke(id: string): Promise<void>
  /** Told of each key that was revoked. */
  onRevoked(listener: (id: string) => void): void
}

const unknownHash = Buffer.alloc(32)

export const shownKey = ({ hash: _hash, ...key }: StoredKey): ShownKey => key

/** @throws HttpProblem 404 */
export function findKey(keys: ReadonlyMap<string, StoredKey>, id: string): ShownKey {
  const key = keys.get(id)
  if (key === undefined) throw notFound('key', id, 'GET /api/v1/keys lists them')
  return shownKey(key)
}

/** @returns the key that a token is, if it is one that holds. Takes as long for a wrong secret as for a right one. */
export function verifyToken(keys: ReadonlyMap<string, StoredKey>, token: string): ShownKey | undefined {
  const read = readToken(token)
  if (read === undefined) return undefined
  const key = keys.get(read.id)
  const isRight = timingSafeEqual(read.hash, key === undefined ? unknownHash : Buffer.from(key.hash, 'hex'))
  return isRight && key !== undefined && key.revokedAtMs === null ? shownKey(key) : undefined
}

export interface KeyBookOptions {
  readonly stateDir: string
  readonly clock: Clock
  /** Keys that are kept. */
  readonly limit: number
  /** Keys that several fronts have in common; undefined: they are in `<stateDir>/keys.json` (0600). */
  readonly store?: KeyStore | undefined
  readonly log?: Log
}

/** How soon a change by another front is seen at the latest, if no word of it comes. */
const LOOK_MS = 500
const MOST_TRIES = 10

/** Who may do what: the keys, of each secret only its hash. */
export class KeyBook implements Keys {
  readonly adminKeyPath: string
  readonly #stateDir: string
  readonly #store: KeyStore
  /** What was last seen of shared keys, for a start without their store. */
  readonly #copy: KeyFile
  readonly #clock: Clock
  readonly #limit: number
  readonly #log: Log | undefined
  #keys: ReadonlyMap<string, StoredKey> = new Map()
  #version = -1
  #writes: Promise<unknown> = Promise.resolve()
  #timer: Timer | undefined
  readonly #listeners: ((id: string) => void)[] = []
  readonly #watchers: ((keys: readonly StoredKey[]) => Promise<void>)[] = []

  constructor({ stateDir, clock, limit, store, log }: KeyBookOptions) {
    this.#stateDir = stateDir
    this.#copy = new KeyFile(join(stateDir, 'keys.json'))
    this.#store = store ?? this.#copy
    this.adminKeyPath = join(stateDir, 'admin.key')
    this.#clock = clock
    this.#limit = limit
    this.#log = log
  }

  /**
   * Read the keys; with no admin among them one is made and kept in `<stateDir>/admin.key` (0600). Where the store of shared keys is
   * away, those that were last seen here hold until it answers.
   *
   * @returns whether it was made now.
   * @throws ConfigError if the file is not as it was written: nobody is let in by half a list.
   */
  async load(): Promise<{ readonly isAdminKeyNew: boolean }> {
    await mkdir(this.#stateDir, { recursive: true, mode: 0o700 })
    await this.#store.start()
    const seen = await this.#store.read()
    if (this.#store.isShared) {
      this.#store.watch(() => this.#wake())
      this.#timer = this.#clock.setPeriodic(LOOK_MS, () => this.#wake()).unref()
    }
    if (seen === undefined) {
      this.#keys = mapOf((await this.#copy.read()).keys)
      this.#log?.warn('keys_away', 'the store of keys does not answer: those last seen here hold', {
        keys: this.#keys.size
      })
      return { isAdminKeyNew: false }
    }
    await this.#take(seen)
    return { isAdminKeyNew: await this.#makeAdmin() }
  }

  /** Look no more for what others change. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    await this.#writes
    await this.#store.close()
  }

  /** With no admin among the keys, whoever has the one that is kept is one, or a new one is made. @returns it is new. */
  async #makeAdmin(): Promise<boolean> {
    if (liveAdmins(this.#keys).length > 0) return false
    const kept = readToken((await readOr(this.adminKeyPath, '')).trim())
    const isUsable = kept !== undefined && !this.#keys.has(kept.id)
    const { id, token } = makeToken()
    const read = isUsable ? kept : readToken(token)!
    const admin = this.#keyOf(isUsable ? kept.id : id, read.hash, 'admin', 'admin', null)
    if (!isUsable) await writeFileAtomic(this.adminKeyPath, `${token}\n`)
    // Another front may have made one at the same time; then that is the admin.
    const isMade = await this.#change(keys => {
      if (liveAdmins(keys).length > 0) return false
      keys.set(admin.id, admin)
      return true
    })
    if (!isMade && !isUsable) await rm(this.adminKeyPath, { force: true })
    return isMade && !isUsable
  }

  /** All that were ever made, the oldest first. */
  list(): ShownKey[] {
    return [...this.#keys.values()].map(shownKey)
  }

  /** @throws HttpProblem 404 */
  get(id: string): ShownKey {
    return findKey(this.#keys, id)
  }

  /** @returns the key that a token is, if it is one that holds. Takes as long for a wrong secret as for a right one. */
  verify(token: string): ShownKey | undefined {
    return verifyToken(this.#keys, token)
  }

  /**
   * Make a key.
   *
   * @returns it with its token, which is kept nowhere.
   * @throws HttpProblem 409 if there are too many.
   */
  async create(name: string, role: Role, createdBy: string): Promise<NewKey> {
    const { id, token } = makeToken()
    const key = this.#keyOf(id, readToken(token)!.hash, name, role, createdBy)
    await this.#change(keys => {
      if (keys.size >= this.#limit) this.#forgetRevoked(keys)
      keys.set(id, key)
      return true
    })
    return { ...shownKey(key), token }
  }

  /** All keys with their hashes. */
  get stored(): readonly StoredKey[] {
    return [...this.#keys.values()]
  }

  /** Told of all keys after each change, which is not over before it is done. */
  onChange(watcher: (keys: readonly StoredKey[]) => Promise<void>): void {
    this.#watchers.push(watcher)
  }

  /** Told of each key that was revoked. */
  onRevoked(listener: (id: string) => void): void {
    this.#listeners.push(listener)
  }

  /** It opens nothing from now on. @throws HttpProblem 404; 409 if nobody could make keys any more; 503 if their store is away. */
  async revoke(id: string): Promise<void> {
    await this.#change(keys => {
      const key = keys.get(id)
      if (key === undefined) throw notFound('key', id, 'GET /api/v1/keys lists them')
      if (key.revokedAtMs !== null) return false
      const admins = liveAdmins(keys)
      if (admins.length === 1 && admins[0]!.id === id) {
        const detail = 'This is the last key of an admin: nobody could make keys any more. Make another one first.'
        throw new HttpProblem(409, 'LAST_ADMIN_KEY', detail)
      }
      keys.set(id, { ...key, revokedAtMs: this.#clock.nowMs() })
      return true
    })
  }

  #keyOf(id: string, hash: Buffer, name: string, role: Role, createdBy: string | null): StoredKey {
    const createdAtMs = this.#clock.nowMs()
    return { id, name, role, hash: hash.toString('hex'), createdAtMs, createdBy, revokedAtMs: null }
  }

  #forgetRevoked(keys: Map<string, StoredKey>): void {
    const oldest = [...keys.values()].find(({ revokedAtMs }) => revokedAtMs !== null)
    if (oldest === undefined) {
      const detail = `There are ${this.#limit} keys already (front.limits.keys); revoke those that nobody needs.`
      throw new HttpProblem(409, 'KEYS_LIMIT', detail)
    }
    keys.delete(oldest.id)
  }

  /**
   * One change after the other; it holds once it is stored, else not at all.
   *
   * @param change - called again if another front was quicker; false: nothing is to be changed.
   * @returns what it said last.
   */
  #change(change: (keys: Map<string, StoredKey>) => boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      for (let tries = 1; ; tries++) {
        const after = this.#store.isShared ? await this.#follow() : this.#version
        if (after === undefined) throw storeAway()
        const keys = new Map(this.#keys)
        if (!change(keys)) return false
        try {
          await this.#store.write([...keys.values()], after, after + 1)
        } catch (error) {
          if (errorCode(error) === 'DOCUMENT_STORE_AWAY') throw storeAway()
          if (errorCode(error) !== 'DOCUMENT_CONFLICT' || tries === MOST_TRIES) throw error
          continue
        }
        await this.#take({ version: after + 1, keys: [...keys.values()] })
        return true
      }
    })
  }

  #wake(): void {
    this.#inTurn(() => this.#follow())
      // It was away at the start.
      .then(async version => version !== undefined && (await this.#makeAdmin()))
      .catch((error: unknown) => {
        this.#log?.warn('keys_failed', `keys that have changed could not be taken: ${errorMessage(error)}`)
      })
  }

  /** Take what others have changed. @returns the version there is; undefined if the store is away. */
  async #follow(): Promise<number | undefined> {
    const seen = await this.#store.read()
    if (seen === undefined) return undefined
    if (seen.version >= this.#version) {
      await this.#take(seen)
      return seen.version
    }
    // It has lost some: they are put back, as later than all that was ever seen.
    const version = this.#version + 1
    try {
      await this.#store.write(this.stored, seen.version, version)
    } catch (error) {
      if (errorCode(error) === 'DOCUMENT_CONFLICT') return this.#follow()
      if (errorCode(error) === 'DOCUMENT_STORE_AWAY') return undefined
      throw error
    }
    this.#version = version
    return version
  }

  /** These hold from now on. */
  async #take({ version, keys }: VersionedKeys): Promise<void> {
    if (version === this.#version) return
    const before = this.#keys
    this.#keys = mapOf(keys)
    this.#version = version
    await Promise.all(this.#watchers.map(watcher => watcher(this.stored)))
    for (const { id, revokedAtMs } of before.values()) {
      const now = this.#keys.get(id)
      const isGone = revokedAtMs === null && (now === undefined || now.revokedAtMs !== null)
      if (isGone) for (const listener of this.#listeners) listener(id)
    }
    if (!this.#store.isShared) return
    await this.#copy.write(keys).catch((error: unknown) => {
      this.#log?.warn('keys_not_kept', `keys could not be written to ${this.#stateDir}: ${errorMessage(error)}`)
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writes.then(work)
    this.#writes = done.catch(() => undefined)
    return done
  }
}

const mapOf = (keys: readonly StoredKey[]): Map<string, StoredKey> => new Map(keys.map(key => [key.id, key]))

const liveAdmins = (keys: ReadonlyMap<string, StoredKey>): StoredKey[] =>
  [...keys.values()].filter(({ role, revokedAtMs }) => role === 'admin' && revokedAtMs === null)

const storeAway = (): HttpProblem =>
  new HttpProblem(503, 'STORE_AWAY', 'The store of keys does not answer; nothing was changed. Ask again.', undefined, {
    'retry-after': '1'
  })

async function readOr(path: string, absent: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return absent
    throw error
  }
}
