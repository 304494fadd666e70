import { timingSafeEqual } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HttpProblem, notFound } from '@weir/http'
import { ConfigError, errorCode, writeFileAtomic } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import { makeToken, readToken } from './api-key.ts'
import type { StoredKey } from './api-key.ts'
import { roles } from './role.ts'
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

/** Who may do what: the keys, in `<stateDir>/keys.json` (0600), of each secret only its hash. */
export class KeyBook implements Keys {
  readonly adminKeyPath: string
  readonly #path: string
  readonly #clock: Clock
  readonly #limit: number
  #keys = new Map<string, StoredKey>()
  #writes: Promise<unknown> = Promise.resolve()
  readonly #listeners: ((id: string) => void)[] = []
  readonly #watchers: ((keys: readonly StoredKey[]) => Promise<void>)[] = []

  /** @param limit - keys that are kept. */
  constructor(stateDir: string, clock: Clock, limit: number) {
    this.#path = join(stateDir, 'keys.json')
    this.adminKeyPath = join(stateDir, 'admin.key')
    this.#clock = clock
    this.#limit = limit
  }

  /**
   * Read the keys; with no admin among them one is made and kept in `<stateDir>/admin.key` (0600).
   *
   * @returns whether it was made now.
   * @throws ConfigError if the file is not as it was written: nobody is let in by half a list.
   */
  async load(): Promise<{ readonly isAdminKeyNew: boolean }> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    const text = await readOr(this.#path, '[]')
    this.#keys = new Map(keysOf(text, this.#path).map(key => [key.id, key]))
    if (this.#liveAdmins().length > 0) return { isAdminKeyNew: false }
    const kept = readToken((await readOr(this.adminKeyPath, '')).trim())
    if (kept !== undefined && !this.#keys.has(kept.id)) {
      await this.#add(kept.id, kept.hash, 'admin', 'admin', null)
      return { isAdminKeyNew: false }
    }
    const { id, token } = makeToken()
    await writeFileAtomic(this.adminKeyPath, `${token}\n`)
    await this.#add(id, readToken(token)!.hash, 'admin', 'admin', null)
    return { isAdminKeyNew: true }
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
    const key = await this.#add(id, readToken(token)!.hash, name, role, createdBy)
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

  /** It opens nothing from now on. @throws HttpProblem 404; 409 if nobody could make keys any more. */
  async revoke(id: string): Promise<void> {
    await this.#change(keys => {
      const key = keys.get(id)
      if (key === undefined) throw notFound('key', id, 'GET /api/v1/keys lists them')
      if (key.revokedAtMs !== null) return
      const admins = this.#liveAdmins()
      if (admins.length === 1 && admins[0]!.id === id) {
        const detail = 'This is the last key of an admin: nobody could make keys any more. Make another one first.'
        throw new HttpProblem(409, 'LAST_ADMIN_KEY', detail)
      }
      keys.set(id, { ...key, revokedAtMs: this.#clock.nowMs() })
    })
    for (const listener of this.#listeners) listener(id)
  }

  #liveAdmins(): StoredKey[] {
    return [...this.#keys.values()].filter(({ role, revokedAtMs }) => role === 'admin' && revokedAtMs === null)
  }

  async #add(id: string, hash: Buffer, name: string, role: Role, createdBy: string | null): Promise<StoredKey> {
    const createdAtMs = this.#clock.nowMs()
    const key = { id, name, role, hash: hash.toString('hex'), createdAtMs, createdBy, revokedAtMs: null }
    await this.#change(keys => {
      if (keys.size >= this.#limit) this.#forgetRevoked(keys)
      keys.set(id, key)
    })
    return key
  }

  #forgetRevoked(keys: Map<string, StoredKey>): void {
    const oldest = [...keys.values()].find(({ revokedAtMs }) => revokedAtMs !== null)
    if (oldest === undefined) {
      const detail = `There are ${this.#limit} keys already (front.limits.keys); revoke those that nobody needs.`
      throw new HttpProblem(409, 'KEYS_LIMIT', detail)
    }
    keys.delete(oldest.id)
  }

  /** One change after the other; it holds once it is on disk, else not at all. */
  #change(change: (keys: Map<string, StoredKey>) => void): Promise<void> {
    const done = this.#writes.then(async () => {
      const keys = new Map(this.#keys)
      change(keys)
      await writeFileAtomic(this.#path, `${JSON.stringify([...keys.values()], undefined, 2)}\n`)
      this.#keys = keys
      await Promise.all(this.#watchers.map(watcher => watcher(this.stored)))
    })
    this.#writes = done.catch(() => undefined)
    return done
  }
}

async function readOr(path: string, absent: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return absent
    throw error
  }
}

function keysOf(text: string, path: string): StoredKey[] {
  const wrong = (message: string): ConfigError => new ConfigError([{ path: '', message }], path)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw wrong('is not JSON; put back a copy, or remove it: admin.key then still opens')
  }
  if (!Array.isArray(parsed) || !parsed.every(isKey)) {
    throw wrong('is no list of keys; put back a copy, or remove it: admin.key then still opens')
  }
  return parsed
}

function isKey(value: unknown): value is StoredKey {
  const key = value as Partial<StoredKey> | null
  return (
    typeof key === 'object' &&
    typeof key?.id === 'string' &&
    typeof key.name === 'string' &&
    roles.includes(key.role as Role) &&
    /^[0-9a-f]{64}$/.test(String(key.hash)) &&
    typeof key.createdAtMs === 'number' &&
    (key.revokedAtMs === null || typeof key.revokedAtMs === 'number')
  )
}
