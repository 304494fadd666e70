import { hash } from 'node:crypto'
import type { Clock } from '@weir/runtime'
import type { NatsConnection } from '@nats-io/transport-node'
import type { EntrySeal } from './entry-seal.ts'
import { NatsBucket, type BucketValue } from './nats-bucket.ts'
import { placeHash } from './nats-key.ts'
import type { Claim, PendingShelf, ShelvedSet } from './pending-shelf.ts'
import { decodeSets, encodeSets, type SetBundle } from './shelved-bundle.ts'
import type { Place } from './stored-entry.ts'

export interface NatsPendingShelfOptions {
  /** Of the templates; this one is `<bucket>-pending`. */
  readonly bucket: string
  readonly replicas: number
  readonly seal: EntrySeal
  readonly clock: Clock
  readonly shelfOctetsTotal?: number
  readonly shelfOctetsPerPlace?: number
  /** Sets go after so long. */
  readonly shelfKeepMs?: number
  readonly leaseMs?: number
  readonly onFailure?: ((error: Error) => void) | undefined
}

export interface NatsPendingShelf extends PendingShelf {
  onConnected(connection: NatsConnection): Promise<void>
  onDisconnected(): void
}

const MIB = 1_048_576
/** A batch put again within this is the same one. */
const KNOWN_TOKENS_MS = 600_000
/** Sets wait for their template anyway; nobody waits for these calls. */
const TIMEOUT_MS = 2_000
const CLAIM_HEADER = 'Weir-Claim'
const DONE_HEADER = 'Weir-Done'

/**
 * Data Sets in bundles, one value each: `p.<place>.<template id>.<octets>.<time and order>`. The octets stand in the key,
 * so that one request tells what a place has. A claim writes the bundle over with a lease, if nobody did since; the end of
 * a claim writes an empty value over it, so that a claimer that asks twice learns whether it was the one.
 */
export function createNatsPendingShelf(options: NatsPendingShelfOptions): NatsPendingShelf {
  const { seal, clock, shelfOctetsTotal = 256 * MIB, shelfOctetsPerPlace = 4 * MIB } = options
  const { shelfKeepMs = 1_800_000, leaseMs = 60_000 } = options
  let bucket: NatsBucket | undefined

  /** @returns undefined if it failed. */
  async function attempt<T>(make: (to: NatsBucket) => Promise<T>): Promise<T | undefined> {
    if (bucket === undefined) return undefined
    try {
      return await make(bucket)
    } catch (error) {
      options.onFailure?.(error as Error)
      return undefined
    }
  }

  /**
   * Octets that may still be put, of this place and of all. Pods that ask at once may put a bundle each beyond it. A bound
   * of the bucket would be exact, but the server sets so much aside as if it were used, and a claim needs room too.
   */
  async function roomOf(to: NatsBucket, place: Place): Promise<{ ofPlace: number; ofAll: number }> {
    const { keys, octets } = await to.keysOf(`p.${placeHash(place)}.>`)
    const used = keys.reduce((sum, key) => sum + parseKey(key).octets, 0)
    return { ofPlace: shelfOctetsPerPlace - used, ofAll: shelfOctetsTotal - octets }
  }

  /** @returns the claimed bundle, or undefined if another has it. */
  async function claimKey(to: NatsBucket, key: string, claimId: string, by: string): Promise<Claim | undefined> {
    const value = await to.getFromLeader(key)
    const nowMs = clock.nowMs()
    if (value === undefined || value.headers?.has(DONE_HEADER) === true || leaseEndOf(value) > nowMs) return undefined
    const headers = { [CLAIM_HEADER]: `${nowMs + leaseMs} ${claimId} ${encodeURIComponent(by.toWellFormed())}` }
    const revision = await to.write(key, value.octets, value.revision, headers)
    if (revision === undefined) return undefined
    let isDone = false
    return {
      sets: openSets(key, value.octets),
      done: async () => (isDone ||= await done(key, revision, claimId))
    }
  }

  function openSets(key: string, sealed: Uint8Array): ShelvedSet[] {
    const octets = seal.open(key, '', sealed)
    const sets = octets === undefined ? undefined : decodeSets(octets)
    const { place, templateId } = parseKey(key)
    // The whole bundle or none of it: what is not of its place was put there by somebody else.
    if (sets?.every(set => set.templateId === templateId && placeHash(set) === place) === true) return sets
    options.onFailure?.(new Error('Data Sets on the shelf are damaged or forged; they are not taken'))
    return []
  }

  async function done(key: string, revision: number, claimId: string): Promise<boolean> {
    const isDone = await attempt(async to => {
      const ended = await to.write(key, new Uint8Array(0), revision, { [DONE_HEADER]: claimId })
      if (ended !== undefined) {
        await to.delete(ended).catch(() => undefined)
        return true
      }
      // Somebody wrote since: another claimer, or this one, and the answer was lost.
      return (await to.getFromLeader(key))?.headers?.get(DONE_HEADER) === claimId
    })
    return isDone === true
  }

  return {
    async onConnected(connection) {
      if (shelfOctetsTotal === 0 || shelfOctetsPerPlace === 0) return
      try {
        bucket = await NatsBucket.open(connection, {
          bucket: `${options.bucket}-pending`,
          description: 'Weir: Data Sets that wait for their template',
          replicas: options.replicas,
          ttlMs: Math.max(shelfKeepMs, KNOWN_TOKENS_MS),
          knownIdsMs: KNOWN_TOKENS_MS,
          timeoutMs: TIMEOUT_MS
        })
      } catch (error) {
        // Templates are shared all the same.
        options.onFailure?.(error as Error)
      }
    },
    onDisconnected() {
      bucket = undefined
    },
    async put(sets, token) {
      let taken = 0
      const rooms = new Map<string, { ofPlace: number; ofAll: number }>()
      for (const bundle of bundlesOf(sets)) {
        const isTaken = await attempt(async to => {
          const room = rooms.get(bundle.place) ?? (await roomOf(to, bundle.sets[0]!))
          rooms.set(bundle.place, room)
          const octets = bundle.octets.length
          if (octets > room.ofPlace || octets > room.ofAll) return false
          const order = `${clock.nowMs().toString(36).padStart(9, '0')}${String(taken).padStart(6, '0')}`
          const id = hash('sha256', `${token},${taken}`, 'hex').slice(0, 24)
          const key = `p.${bundle.place}.${bundle.templateId}.${octets}.${order}-${id}`
          await to.add(key, seal.seal(key, '', bundle.octets), id)
          for (const each of rooms.values()) each.ofAll -= octets
          room.ofPlace -= octets
          return true
        })
        if (isTaken !== true) break
        taken += bundle.sets.length
      }
      return taken
    },
    async claim(place, templateId, by) {
      const claimed = await attempt(async to => {
        const { keys } = await to.keysOf(`p.${placeHash(place)}.${templateId}.>`)
        const claimId = hash('sha256', `${by},${clock.nowMs()},${Math.random()}`, 'hex').slice(0, 24)
        const inOrder = keys.map(parseKey).toSorted((a, b) => (a.order < b.order ? -1 : 1))
        for (const { key } of inOrder) {
          const claim = await claimKey(to, key, claimId, by)
          if (claim !== undefined && claim.sets.length > 0) return claim
        }
        return undefined
      })
      return claimed ?? { sets: [], done: async () => true }
    }
  }
}

interface BundleOfPlace extends SetBundle {
  readonly place: string
}

/** Cut a batch where place or template change and where a bundle is long enough; the same batch always alike. */
function* bundlesOf(sets: readonly ShelvedSet[]): Generator<BundleOfPlace> {
  for (const bundle of encodeSets(sets)) yield { ...bundle, place: placeHash(bundle.sets[0]!) }
}

interface BundleKey {
  readonly key: string
  readonly place: string
  readonly templateId: number
  readonly octets: number
  readonly order: string
}

function parseKey(key: string): BundleKey {
  const [, place = '', templateId = '', octets = '', order = ''] = key.split('.')
  return { key, place, templateId: Number(templateId), octets: Number(octets) || 0, order }
}

function leaseEndOf(value: BucketValue): number {
  return Number.parseInt(value.headers?.get(CLAIM_HEADER) ?? '', 10) || 0
}
