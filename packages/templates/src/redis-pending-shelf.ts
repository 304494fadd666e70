import { hash, randomBytes } from 'node:crypto'
import type { EntrySeal } from './entry-seal.ts'
import type { Claim, PendingShelf, ShelvedSet } from './pending-shelf.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { RedisArgument, RedisCommand, RedisLink, RedisReply } from './redis-link.ts'
import { shelfClaimScript, shelfDoneScript, shelvePutScript } from './redis-shelf-scripts.ts'
import { decodeShelvedSet, encodeShelvedSet } from './shelved-set-codec.ts'
import type { Place } from './stored-entry.ts'
import type { TemplateStoreStats } from './template-store.ts'

export interface RedisShelfParts {
  readonly keys: RedisKeys
  readonly seal: EntrySeal
  readonly link: RedisLink
  readonly stats: TemplateStoreStats
  /** Shards of a Cluster are counted apart: each has its part of the whole. */
  readonly isCluster: boolean
  readonly octetsTotal: number
  readonly octetsPerPlace: number
  readonly keepMs: number
  readonly leaseMs: number
}

const MAX_CLAIM_OCTETS = 4_194_304
/** No Message waits for the shelf: megabytes may take longer than an entry. */
const TIMEOUT_MS = 2_000
/** Of an element: when it was put. */
const HEAD_OCTETS = 8
const SEAL_FIELD = 'p'

/** @returns undefined where nothing may be put. */
export function createRedisShelf(parts: RedisShelfParts): PendingShelf | undefined {
  return parts.octetsTotal > 0 && parts.octetsPerPlace > 0 ? new RedisShelf(parts) : undefined
}

class RedisShelf implements PendingShelf {
  readonly #parts: RedisShelfParts

  constructor(parts: RedisShelfParts) {
    this.#parts = parts
  }

  async put(sets: readonly ShelvedSet[], token: string): Promise<number> {
    let taken = 0
    while (taken < sets.length) {
      const end = endOfPlace(sets, taken)
      const ofPlace = sets.slice(taken, end)
      const count = await this.#putPlace(ofPlace, `${token}|${taken}`)
      taken += count
      if (count < ofPlace.length) break
    }
    return taken
  }

  async claim(place: Place, templateId: number, by: string): Promise<Claim> {
    const { link, leaseMs, keepMs } = this.#parts
    const { shard, list, head } = this.#namesOf(place, templateId)
    const id = `${by.slice(0, 64)}.${randomBytes(9).toString('base64url')}`
    const held = this.#held(shard)
    const keys = [list, `${list}:l`, `${list}:${id}`, held]
    const args = [id, leaseMs, MAX_CLAIM_OCTETS, keepMs]
    const reply = await this.#ask(shard, { script: shelfClaimScript, keys, args })
    const elements = Array.isArray(reply) ? (reply as Buffer[]) : []
    const sets = elements.map(element => this.#open(place, templateId, list, element)).filter(set => set !== undefined)
    const done = async (): Promise<boolean> => {
      if (elements.length === 0) return true
      const command = { script: shelfDoneScript, keys: [...keys, `${head}:d${id}`], args: [id] }
      const answer = await link.exchange([{ shard, commands: [command] }], TIMEOUT_MS)
      return answer?.[0][0] === 1
    }
    // Nothing to deliver, but what is not to be believed has to go.
    if (sets.length === 0 && elements.length > 0) await done()
    return { sets, done }
  }

  async #putPlace(sets: readonly ShelvedSet[], token: string): Promise<number> {
    const { seal, keepMs, octetsPerPlace, octetsTotal, isCluster } = this.#parts
    const { shard, head } = this.#namesOf(sets[0], sets[0].templateId)
    const lists = [...new Set(sets.map(set => this.#namesOf(set, set.templateId).list))]
    const keys = [`${head}:k${hash('sha256', token, 'base64url')}`, this.#held(shard), this.#ends(shard), ...lists]
    const args: RedisArgument[] = [keepMs, octetsPerPlace, isCluster ? Math.ceil(octetsTotal / 16) : octetsTotal]
    for (const set of sets) {
      const { list } = this.#namesOf(set, set.templateId)
      args.push(lists.indexOf(list) + 1, seal.seal(list, SEAL_FIELD, encodeShelvedSet(set)))
    }
    const taken = await this.#ask(shard, { script: shelvePutScript, keys, args })
    return typeof taken === 'number' ? taken : 0
  }

  /** Asks again when an answer was lost, which changes nothing: the caller may take none for "no" while the ring is up. */
  async #ask(shard: number, command: RedisCommand): Promise<RedisReply> {
    const { link } = this.#parts
    do {
      const replies = await link.exchange([{ shard, commands: [command] }], TIMEOUT_MS)
      if (replies !== undefined) return replies[0][0]
    } while (link.health === 'up')
    return undefined
  }

  #open(place: Place, templateId: number, list: string, element: Buffer): ShelvedSet | undefined {
    const octets = this.#parts.seal.open(list, SEAL_FIELD, element.subarray(HEAD_OCTETS))
    const set = octets === undefined ? undefined : decodeShelvedSet(octets)
    if (set?.scope === place.scope && set.odid === place.odid && set.templateId === templateId) return set
    this.#parts.stats.rejected++
    if (octets !== undefined && set === undefined) this.#parts.stats.codecErrors++
    return undefined
  }

  #namesOf(place: Place, templateId: number): { shard: number; head: string; list: string } {
    const { shard, entries } = this.#parts.keys.placeOf(place)
    const head = entries.slice(0, -2)
    return { shard, head, list: `${head}:p${templateId}` }
  }

  #held(shard: number): string {
    return this.#parts.keys.shard(this.#parts.isCluster ? shard : 0, 'held')
  }

  #ends(shard: number): string {
    return this.#parts.keys.shard(this.#parts.isCluster ? shard : 0, 'ends')
  }
}

function endOfPlace(sets: readonly ShelvedSet[], from: number): number {
  const { scope, odid } = sets[from]
  let end = from + 1
  while (end < sets.length && sets[end].scope === scope && sets[end].odid === odid) end++
  return end
}
