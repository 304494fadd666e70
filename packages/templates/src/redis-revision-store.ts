import { randomBytes } from 'node:crypto'
import { PeerError, systemClock, type Clock, type Timer } from '@weir/runtime'
import { EntrySeal } from './entry-seal.ts'
import { RedisLink, type RedisLinkOptions, type RedisReply } from './redis-link.ts'
import { changeScript, listScript, lookScript, restoreScript } from './redis-revision-scripts.ts'
import type { RedisScript } from './redis-scripts.ts'
import type { RedisArgument } from './redis-link.ts'
import {
  isRollout,
  isSharedRevision,
  isSharedRevisionInfo,
  type Rollout,
  type SharedHead,
  type SharedRevision,
  type SharedRevisionInfo
} from './shared-revision.ts'
import { emptyStats, type StoreHealth } from './template-store.ts'

export interface RedisRevisionStoreOptions<Document> extends RedisLinkOptions {
  readonly prefix: string
  /** Seals what is stored; undefined: whoever can write to the server is believed. */
  readonly hmacKey?: Uint8Array | undefined
  /** Content hash of a document. */
  readonly hashOf: (document: Document) => string
  /** How often the connections are looked after. */
  readonly tendMs?: number
  /** Told once when the server cannot be reached or does not answer, until it does again. */
  readonly onFailure?: (error: Error) => void
  readonly clock?: Clock
}

/** A change of the roll-out: it begins or goes on as `next`, or it ends as `ended`. */
export interface RolloutChange<Document> {
  /** `version` of the one that goes on, as the caller knows it; undefined: none does. */
  readonly known: Rollout<Document> | undefined
  readonly next?: Rollout<Document>
  /** How it ended; kept for a while, without its document. */
  readonly ended?: Rollout<Document>
}

/** As many are kept, and of documents so many octets together; the newest always. */
const MAX_REVISIONS = 1_000
const MAX_OCTETS = 67_108_864
const MAX_ENDED = 100
const TEND_MS = 5_000

type New<Document> = Omit<SharedRevision<Document>, 'fleet' | 'number' | 'hash'>

/** The revisions of the document that a fleet of pods has in common, in Redis: one server, Sentinels, or a Cluster. */
export class RedisRevisionStore<Document> {
  readonly #options: RedisRevisionStoreOptions<Document>
  readonly #clock: Clock
  readonly #link: RedisLink
  readonly #seal: EntrySeal
  readonly #listeners = new Set<() => void>()
  readonly #publish: string
  #head: { readonly tag: string; readonly revision: SharedRevision<Document> } | undefined
  #rollout: { readonly tag: string; readonly rollout: Rollout<Document> } | undefined
  #tending: Timer | undefined

  constructor(options: RedisRevisionStoreOptions<Document>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#seal = new EntrySeal(options.hmacKey)
    this.#publish = options.mode === 'cluster' ? 'SPUBLISH' : 'PUBLISH'
    const tell = (): void => {
      for (const listener of this.#listeners) listener()
    }
    this.#link = new RedisLink(options, this.#clock, emptyStats(), {
      onUp: tell,
      onLost: tell,
      onPush: tell,
      onMissed: tell,
      onFailure: error => options.onFailure?.(error)
    })
  }

  get health(): StoreHealth {
    return this.#link.health
  }

  /** Resolves when it is up, or `connectTimeoutMs` have passed. Never rejects because the server is away. */
  async start(): Promise<void> {
    if (this.#tending !== undefined) return
    this.#tending = this.#clock.setPeriodic(this.#options.tendMs ?? TEND_MS, () => this.#link.tend()).unref()
    await this.#link.start([this.#key('changed')])
  }

  /** Told when something may have changed; it is looked up by {@link look}. @returns ends it. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The newest revision and the roll-out that is going on; undefined: the server does not answer, or is not believed. */
  async look(): Promise<SharedHead<Document> | undefined> {
    const reply = await this.#ask(
      lookScript,
      ['head', 'whole', 'rollout'],
      [this.#head?.tag ?? '', this.#rollout?.tag ?? '']
    )
    if (!Array.isArray(reply)) return undefined
    const [head = '', , rollout = ''] = reply.map(String)
    if (head === '') this.#head = undefined
    else if (head !== this.#head?.tag) {
      const revision = this.#open('whole', head.slice(0, head.indexOf('-')), reply[1], isSharedRevision<Document>)
      if (revision === undefined || tagOf(revision) !== head) return undefined
      this.#head = { tag: head, revision }
    }
    if (rollout === '') this.#rollout = undefined
    else if (rollout !== this.#rollout?.tag) {
      const opened = this.#open('rollout', rollout, reply[3], isRollout<Document>)
      if (opened === undefined) return undefined
      this.#rollout = { tag: rollout, rollout: opened }
    }
    return { head: this.#head?.revision, rollout: this.#rollout?.rollout }
  }

  /** The newest; undefined if there is none. @throws PeerError REVISION_STORE_AWAY */
  async head(): Promise<SharedRevision<Document> | undefined> {
    const seen = await this.look()
    if (seen === undefined) throw away()
    return seen.head
  }

  /** @throws PeerError REVISION_STORE_AWAY */
  async get(number: number): Promise<SharedRevision<Document> | undefined> {
    const reply = await this.#command('HGET', this.#key('whole'), number)
    if (reply === undefined) throw away()
    return this.#open('whole', String(number), reply, isSharedRevision<Document>)
  }

  /** Newest first; those that are not believed are left out. @throws PeerError REVISION_STORE_AWAY */
  async list(offset: number, limit: number): Promise<{ items: SharedRevisionInfo[]; total: number }> {
    const reply = await this.#ask(listScript, ['head', 'first', 'infos'], [offset, limit])
    if (!Array.isArray(reply)) throw away()
    const items: SharedRevisionInfo[] = []
    for (let at = 1; at + 1 < reply.length; at += 2) {
      const info = this.#open('infos', String(reply[at]), reply[at + 1], isSharedRevisionInfo)
      if (info !== undefined) items.push(info)
    }
    return { items, total: Number(reply[0]) }
  }

  /**
   * Add one, whole or not at all.
   *
   * @param after - number of the newest as the caller knows it; -1 = there is none.
   * @param rollout - the roll-out that ends with it.
   * @throws PeerError REVISION_CONFLICT if that is not so any more; ROLLOUT_RUNNING if another roll-out than that is going on;
   * REVISION_STORE_AWAY, and it may have been added all the same.
   */
  async append(
    revision: New<Document>,
    after: number,
    rollout: RolloutChange<Document> = { known: undefined }
  ): Promise<SharedRevision<Document>> {
    const fleet = after === -1 ? randomBytes(9).toString('base64url') : (await this.#headIs(after)).fleet
    const { author, atMs, reason, baseHash, document } = revision
    const hash = this.#options.hashOf(document)
    const added = { fleet, number: after + 1, author, atMs, reason, hash, baseHash, document }
    await this.#change(after, added, rollout)
    return added
  }

  /** Begin a roll-out, let it go on, or end it. @throws as {@link append} */
  changeRollout(after: number, change: RolloutChange<Document>): Promise<void> {
    return this.#change(after, undefined, change)
  }

  /** Roll-outs that have ended, the newest first. @throws PeerError REVISION_STORE_AWAY */
  async endedRollouts(): Promise<Rollout<null>[]> {
    const ids = await this.#command('LRANGE', this.#key('endings'), 0, -1)
    if (!Array.isArray(ids)) throw away()
    if (ids.length === 0) return []
    const reply = await this.#command('HMGET', this.#key('ended'), ...ids.map(String))
    if (!Array.isArray(reply)) throw away()
    return ids.flatMap((id, at) => this.#open('ended', String(id), reply[at], isRollout<null>) ?? [])
  }

  /** Whether a revision was ever made from what file and environment said then. @throws PeerError REVISION_STORE_AWAY */
  async knowsBase(baseHash: string): Promise<boolean> {
    const reply = await this.#command('HEXISTS', this.#key('bases'), baseHash)
    if (typeof reply !== 'number') throw away()
    return reply === 1
  }

  /**
   * Put a revision back that the server has lost, with its number, if it has none as new.
   *
   * @throws PeerError REVISION_STORE_AWAY
   */
  async restore(revision: SharedRevision<Document>): Promise<void> {
    const args = [this.#key('changed'), this.#publish, revision.number, ...this.#revisionArgs(revision)]
    if ((await this.#ask(restoreScript, CHANGED_KEYS, args)) === undefined) throw away()
  }

  async close(): Promise<void> {
    this.#tending?.cancel()
    this.#link.close()
  }

  async #headIs(number: number): Promise<SharedRevision<Document>> {
    const head = this.#head?.revision.number === number ? this.#head.revision : await this.head()
    if (head === undefined || head.number !== number) throw conflict(head?.number ?? -1)
    return head
  }

  async #change(
    after: number,
    revision: SharedRevision<Document> | undefined,
    { known, next, ended }: RolloutChange<Document>
  ): Promise<void> {
    const knownTag = known === undefined ? '' : rolloutTagOf(known)
    const nextTag = next === undefined ? '' : rolloutTagOf(next)
    const reply = await this.#ask(changeScript, CHANGED_KEYS, [
      this.#key('changed'),
      this.#publish,
      after,
      knownTag,
      ...(revision === undefined ? ['', '', '', '', 0, 0] : this.#revisionArgs(revision)),
      nextTag,
      next === undefined ? '' : this.#sealed('rollout', nextTag, next),
      ended?.id ?? '',
      ended === undefined ? '' : this.#sealed('ended', ended.id, { ...ended, document: null }),
      MAX_ENDED
    ])
    if (!Array.isArray(reply)) throw away()
    const [what, found = ''] = reply.map(String)
    if (what === 'head') throw conflict(Number(found))
    if (what === 'rollout') {
      throw new PeerError(
        'ROLLOUT_RUNNING',
        found === '' ? 'the roll-out has ended meanwhile' : `roll-out ${found.slice(0, found.indexOf('-'))} is going on`
      )
    }
  }

  #revisionArgs(revision: SharedRevision<Document>): RedisArgument[] {
    const { document: _, ...info } = revision
    const number = String(revision.number)
    const whole = this.#sealed('whole', number, revision)
    return [tagOf(revision), whole, this.#sealed('infos', number, info), revision.baseHash, MAX_REVISIONS, MAX_OCTETS]
  }

  #key(name: string): string {
    return `${this.#options.prefix}:{revisions}:${name}`
  }

  #sealed(name: string, field: string, value: object): Uint8Array {
    return this.#seal.seal(this.#key(name), field, Buffer.from(JSON.stringify(value)))
  }

  #open<T>(name: string, field: string, sealed: unknown, isRight: (value: unknown) => value is T): T | undefined {
    if (!Buffer.isBuffer(sealed)) return undefined
    const octets = this.#seal.open(this.#key(name), field, sealed)
    if (octets === undefined) return undefined
    try {
      const value: unknown = JSON.parse(Buffer.from(octets).toString('utf8'))
      return isRight(value) ? value : undefined
    } catch {
      return undefined
    }
  }

  /** @returns undefined if the server does not answer, or refuses. */
  async #ask(script: RedisScript, names: readonly string[], args: readonly RedisArgument[]): Promise<RedisReply> {
    const keys = names.map(name => this.#key(name))
    const replies = await this.#link.exchange([{ shard: 0, commands: [{ script, keys, args }] }])
    const reply = replies?.[0]?.[0]
    return reply instanceof Error ? undefined : reply
  }

  /** As {@link #ask}; a value that is not there is null. */
  async #command(name: string, ...args: RedisArgument[]): Promise<RedisReply> {
    const replies = await this.#link.exchange([{ shard: 0, commands: [[name, ...args]] }])
    const reply = replies?.[0]?.[0]
    return reply instanceof Error ? undefined : reply
  }
}

const CHANGED_KEYS = ['head', 'whole', 'infos', 'first', 'octets', 'bases', 'rollout', 'ended', 'endings']

const tagOf = ({ number, hash }: SharedRevisionInfo): string => `${number}-${hash.slice(0, 16)}`
const rolloutTagOf = ({ id, version }: Rollout<unknown>): string => `${id}-${version}`

const away = (): PeerError => new PeerError('REVISION_STORE_AWAY', 'the store of revisions does not answer')
const conflict = (newest: number): PeerError =>
  new PeerError('REVISION_CONFLICT', `revision ${newest} has been made meanwhile`, { newest })
