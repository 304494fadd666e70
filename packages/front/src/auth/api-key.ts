import { createHash, randomBytes } from 'node:crypto'
import { roles } from './role.ts'
import type { Role } from './role.ts'

/** A key as it is kept: of the secret only its hash. */
export interface StoredKey {
  readonly id: string
  /** What it is for, in its owner's words. */
  readonly name: string
  readonly role: Role
  /** SHA-256 of the secret, hex: the secret has 256 random bits, so there is nothing to guess and nothing to slow down. */
  readonly hash: string
  readonly createdAtMs: number
  /** Id of the key that made it; null: made by the process at its first start. */
  readonly createdBy: string | null
  readonly revokedAtMs: number | null
}

const pattern = /^wk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** A fresh key, `wk_<id>_<secret>`. */
export function makeToken(): { readonly id: string; readonly token: string } {
  const id = randomBytes(8).toString('hex')
  return { id, token: `wk_${id}_${randomBytes(32).toString('base64url')}` }
}

/** @returns id and hash of the secret; undefined if it is no key at all. */
export function readToken(token: string): { readonly id: string; readonly hash: Buffer } | undefined {
  const match = pattern.exec(token)
  if (match === null) return undefined
  return { id: match[1]!, hash: createHash('sha256').update(match[2]!).digest() }
}

/** True if it is a key as it is kept. */
export function isKey(value: unknown): value is StoredKey {
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
