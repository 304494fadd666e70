import { hash, randomBytes } from 'node:crypto'
import { delay, type Clock } from '@weir/runtime'
import type { NatsConnection } from '@nats-io/transport-node'
import type { EntrySeal } from './entry-seal.ts'
import { NatsBucket, NatsRefusal, type BucketValue } from './nats-bucket.ts'
import { placeHash } from './nats-key.ts'
import type { Claim, PendingShelf, ShelvedSet } from './pending-shelf.ts'
import { decodeSets, encodeSets, setOctets } from './shelved-bundle.ts'
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
  /** Called when nobody knows what became of a batch: the ring is away until it can be put again. */
  readonly renew: () => void
  readonly onFailure?: (error: Error) => void
}

const MIB = 1_048_576
/** A batch put again within this is the same one. */
const KNOWN_TOKENS_MS = 600_000
/** Sets wait for their template anyway; nobody waits for these calls. */
const TIMEOUT_MS = 2_000
/** How long the end of a claim is tried, and the pause between. */
const DONE_MS = 5_000
const DONE_PAUSE_MS = 250
const WEAK = 'Data Sets are not shared: replicas need nats-server 2.10 or later for it; set replicas to 1'
const CLAIM_HEADER = 'Weir-Claim'
const DONE_HEADER = 'Weir-Done'

/**
 * Data Sets in bundles, one value each: `p.<place>.<template id>.<octets>.<time and order>`. The octets stand in the key,
 * so that one request tells what a place has. Before its bundles, what will be taken of a batch is written under its token
 * (`k.<token>`), and each bundle has an id that the server knows again: so a batch that is put again goes on where it was.
 *
 * A claim writes the bundle over with a lease, if nobody did since; its end writes an empty value over that, so that a
 * claimer that asks twice learns whether it was the one.
 */
export class NatsPendingShelf implements PendingShelf {
  readonly #options: NatsPendingShelfOptions
  readonly #octetsTotal: number
  readonly #octetsPerPlace: number
  #bucket: NatsBucket | undefined
  #isWeak = false

  constructor(options: NatsPendingShelfOptions) {
    this.#options = options
    this.#octetsTotal = options.shelfOctetsTotal ?? 256 * MIB
    this.#octetsPerPlace = options.shelfOctetsPerPlace ?? 4 * MIB
  }

  /** Opens its bucket over this connection, if it is not open. */
  async open(connection: NatsConnection): Promise<void> {
    if (this.#bucket !== undefined || this.#isWeak || this.#octetsTotal === 0 || this.#octetsPerPlace === 0) return
    const { bucket, replicas, shelfKeepMs = 1_800_000 } = this.#options
    try {
      const opened = await NatsBucket.open(connection, {
        bucket: `${bucket}-pending`,
        description: 'Weir: Data Sets that wait for their template',
        replicas,
        ttlMs: Math.max(shelfKeepMs, KNOWN_TOKENS_MS),
        knownIdsMs: KNOWN_TOKENS_MS,
        timeoutMs: TIMEOUT_MS
      })
      // Two claimers could both be told that they are the one.
      this.#isWeak = opened.isWeak
      if (opened.isWeak) this.#options.onFailure?.(new Error(WEAK))
      else this.#bucket = opened
    } catch (error) {
      // Templates are shared all the same; it is tried again.
      this.#options.onFailure?.(error as Error)
    }
  }

  onDisconnected(): void {
    this.#bucket = undefined
    this.#isWeak = false
  }

  async put(sets: readonly ShelvedSet[], token: string): Promise<number> {
    const bucket = this.#bucket
    if (bucket === undefined || sets.length === 0) return 0
    let before = 0
    try {
      const taken = await this.#plan(bucket, sets, token)
      for (const bundle of encodeSets(sets.slice(0, taken))) {
        const { clock, seal } = this.#options
        const order = `${clock.nowMs().toString(36).padStart(9, '0')}${String(before).padStart(6, '0')}`
        const id = idOf(token, before)
        const octets = bundle.octets.length
        const key = `p.${placeHash(bundle.sets[0]!)}.${bundle.templateId}.${octets}.${order}-${id}`
        await bucket.add(key, seal.seal(key, '', bundle.octets), id)
        before += bundle.sets.length
      }
      return taken
    } catch (error) {
      this.#options.onFailure?.(error as Error)
      if (error instanceof NatsRefusal) return before
      // The same batch is put again when the ring is back; until then nobody knows what is there of it.
      this.#options.renew()
      return 0
    }
  }

  async claim(place: Place, templateId: number, by: string): Promise<Claim> {
    const none: Claim = { sets: [], done: async () => true }
    const bucket = this.#bucket
    if (bucket === undefined) return none
    try {
      const { keys } = await bucket.keysOf(`p.${placeHash(place)}.${templateId}.>`)
      for (const { key } of keys.map(parseKey).toSorted((a, b) => (a.order < b.order ? -1 : 1))) {
        const claim = await this.#claimKey(bucket, key, by)
        if (claim !== undefined && claim.sets.length > 0) return claim
      }
    } catch (error) {
      // A claim without an answer ends by itself.
      this.#options.onFailure?.(error as Error)
    }
    return none
  }

  /** @returns how many of the first ones there is room for; under the same token always the same. */
  async #plan(bucket: NatsBucket, sets: readonly ShelvedSet[], token: string): Promise<number> {
    const key = `k.${hash('sha256', token, 'base64url').slice(0, 22)}`
    const planned = await bucket.getFromLeader(key)
    if (planned !== undefined) return countOf(planned, sets.length)
    const taken = await this.#roomFor(bucket, sets)
    if (taken === 0) return 0
    const plan = Buffer.alloc(4)
    plan.writeUInt32BE(taken)
    if ((await bucket.write(key, plan, 0)) !== undefined) return taken
    const faster = await bucket.getFromLeader(key)
    return faster === undefined ? taken : countOf(faster, sets.length)
  }

  /**
   * Sets that still may be put. Pods that ask at once may put a batch each beyond the bounds. A bound of the bucket would be
   * exact, but the server sets so much aside as if it were used, and a claim needs room too.
   */
  async #roomFor(bucket: NatsBucket, sets: readonly ShelvedSet[]): Promise<number> {
    const rooms = new Map<string, number>()
    let ofAll = Infinity
    for (const [index, set] of sets.entries()) {
      const place = placeHash(set)
      let ofPlace = rooms.get(place)
      if (ofPlace === undefined) {
        const { keys, octets } = await bucket.keysOf(`p.${place}.>`)
        ofPlace = this.#octetsPerPlace - keys.reduce((sum, key) => sum + parseKey(key).octets, 0)
        if (ofAll === Infinity) ofAll = this.#octetsTotal - octets
      }
      const octets = setOctets(set)
      if (octets > ofPlace || octets > ofAll) return index
      rooms.set(place, ofPlace - octets)
      ofAll -= octets
    }
    return sets.length
  }

  /** @returns undefined if another has it, or had it. */
  async #claimKey(bucket: NatsBucket, key: string, by: string): Promise<Claim | undefined> {
    const { clock, leaseMs = 60_000 } = this.#options
    const value = await bucket.getFromLeader(key)
    const nowMs = clock.nowMs()
    if (value === undefined || value.headers?.has(DONE_HEADER) === true || leaseEndOf(value) > nowMs) return undefined
    const claimId = randomBytes(12).toString('base64url')
    const headers = { [CLAIM_HEADER]: `${nowMs + leaseMs} ${encodeURIComponent(by.toWellFormed())}` }
    const revision = await bucket.write(key, value.octets, value.revision, headers)
    if (revision === undefined) return undefined
    let isDone = false
    return {
      sets: this.#openSets(key, value.octets),
      done: async () => (isDone ||= await this.#done(key, revision, claimId))
    }
  }

  #openSets(key: string, sealed: Uint8Array): ShelvedSet[] {
    const octets = this.#options.seal.open(key, '', sealed)
    const sets = octets === undefined ? undefined : decodeSets(octets)
    const { place, templateId } = parseKey(key)
    // The whole bundle or none of it: what is not of its place was put there by somebody else.
    if (sets?.every(set => set.templateId === templateId && placeHash(set) === place) === true) return sets
    this.#options.onFailure?.(new Error('Data Sets on the shelf are damaged or forged: they are not taken'))
    return []
  }

  /** Asks until it is answered, for some time: a claim whose end is not known would be lost. */
  async #done(key: string, revision: number, claimId: string): Promise<boolean> {
    const { clock } = this.#options
    let isTried = false
    for (const endMs = clock.monotonicMs() + DONE_MS; clock.monotonicMs() < endMs; await delay(clock, DONE_PAUSE_MS)) {
      const bucket = this.#bucket
      if (bucket === undefined && !isTried) return false
      if (bucket === undefined) continue
      isTried = true
      try {
        const ended = await bucket.write(key, new Uint8Array(0), revision, { [DONE_HEADER]: claimId })
        // Somebody wrote since: another claimer, or this one, and the answer was lost.
        if (ended === undefined) return (await bucket.getFromLeader(key))?.headers?.get(DONE_HEADER) === claimId
        await bucket.delete(ended).catch(() => undefined)
        return true
      } catch (error) {
        if (error instanceof NatsRefusal) return false
      }
    }
    return false
  }
}

const idOf = (token: string, before: number): string => hash('sha256', `${token},${before}`, 'hex').slice(0, 24)

const countOf = ({ octets }: BucketValue, most: number): number =>
  octets.length === 4 ? Math.min(Buffer.from(octets).readUInt32BE(), most) : 0

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

const leaseEndOf = (value: BucketValue): number => Number.parseInt(value.headers?.get(CLAIM_HEADER) ?? '', 10) || 0
