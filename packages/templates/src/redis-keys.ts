import { hash } from 'node:crypto'
import { placeKey, type Place } from './stored-entry.ts'

/*
 * Keys of the Redis ring. All of one shard have one hash tag, so they stand on one node of a Cluster, and one script may
 * write a place, its history and the index together.
 *
 *   <prefix>:{i<shard>}:<place>:e   hash: field of the entry -> sealed entry
 *   <prefix>:{i<shard>}:<place>:v   hash: definitions that are live: t<id> -> sealed template, s<id> -> last seen, ms
 *   <prefix>:{i<shard>}:<place>:h   list: definitions that ended, the oldest first
 *   <prefix>:{i<shard>}:seen        sorted set: place -> last seen, ms
 *   <prefix>:{i<shard>}:epoch       a random value: another one means that the server lost what was written
 *   <prefix>:{i<shard>}:changed     channel: writer and places
 *
 * <place> is 128 bits of a SHA-256: of one length, whatever a scope is made of. The place itself stands inside each
 * entry and is compared.
 */

/** Shards of the ring; a Cluster spreads them over its nodes. */
export const SHARDS = 16

const MAX_MEMBER_CHARACTERS = 2048

/** Where one place stands. */
export interface PlaceKeys {
  readonly shard: number
  readonly entries: string
  readonly versions: string
  readonly ended: string
}

export class RedisKeys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  placeOf(place: Place): PlaceKeys {
    const name = hash('sha256', placeKey(place), 'base64url').slice(0, 22)
    const shard = shardOf(name)
    const head = this.shard(shard, name)
    return { shard, entries: `${head}:e`, versions: `${head}:v`, ended: `${head}:h` }
  }

  /** A key of a shard that is of no place alone. */
  shard(shard: number, name: string): string {
    return `${this.#prefix}:{i${shard}}:${name}`
  }

  seen(shard: number): string {
    return this.shard(shard, 'seen')
  }

  epoch(shard: number): string {
    return this.shard(shard, 'epoch')
  }

  channel(shard: number): string {
    return this.shard(shard, 'changed')
  }
}

const shardOf = (name: string): number => (name.codePointAt(0)! * 31 + name.codePointAt(1)!) % SHARDS

/** A place as it stands in the index and in pushes. */
export const memberOf = (place: Place): string => JSON.stringify([place.odid, place.scope])

/** @returns undefined for what {@link memberOf} never makes. */
export function parseMember(text: string): Place | undefined {
  if (text.length > MAX_MEMBER_CHARACTERS) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [odid, scope] = value as unknown[]
  if (typeof scope !== 'string' || scope === '') return undefined
  if (typeof odid !== 'number' || !Number.isInteger(odid) || odid < 0 || odid > 0xffff_ffff) return undefined
  return { scope, odid }
}
