import type { StoredKey } from '../auth/api-key.ts'
import { findKey, shownKey, verifyToken } from '../auth/key-book.ts'
import type { Keys, NewKey, ShownKey } from '../auth/key-book.ts'
import type { Role } from '../auth/role.ts'
import type { IpcPeer } from './ipc-peer.ts'

/** The keys as a worker of a front has them: read here, changed by the primary, which tells all workers before it answers. */
export class KeyMirror implements Keys {
  readonly #primary: IpcPeer
  readonly #listeners: ((id: string) => void)[] = []
  #keys: ReadonlyMap<string, StoredKey> = new Map()

  constructor(primary: IpcPeer) {
    this.#primary = primary
  }

  /** All keys there are, from now on. */
  replace(keys: readonly StoredKey[]): void {
    const before = this.#keys
    this.#keys = new Map(keys.map(key => [key.id, key]))
    for (const { id, revokedAtMs } of before.values()) {
      const now = this.#keys.get(id)
      const isGone = revokedAtMs === null && (now === undefined || now.revokedAtMs !== null)
      if (isGone) for (const listener of this.#listeners) listener(id)
    }
  }

  list(): ShownKey[] {
    return [...this.#keys.values()].map(shownKey)
  }

  get(id: string): ShownKey {
    return findKey(this.#keys, id)
  }

  verify(token: string): ShownKey | undefined {
    return verifyToken(this.#keys, token)
  }

  create(name: string, role: Role, createdBy: string): Promise<NewKey> {
    return this.#primary.call<NewKey>('createKey', name, role, createdBy)
  }

  revoke(id: string): Promise<void> {
    return this.#primary.call('revokeKey', id)
  }

  onRevoked(listener: (id: string) => void): void {
    this.#listeners.push(listener)
  }
}
