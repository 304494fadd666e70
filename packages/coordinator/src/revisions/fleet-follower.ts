import { HttpProblem } from '@weir/http'
import { fleetHash, hashOf, isAhead, isFileNewer, withOwnKeys } from '@weir/config'
import type { FleetRecord, FleetRevision, LocalRevisions, Revision, RevisionInfo, WeirConfig } from '@weir/config'
import type { PodEvent } from '@weir/link'
import { errorCode, errorMessage } from '@weir/runtime'
import type { Clock, Log, Timer } from '@weir/runtime'
import type { Rollout, SharedHead } from '@weir/templates'
import type { RedisRevisionStore } from '@weir/templates/redis'

export type FleetStore = RedisRevisionStore<WeirConfig>

/** What a follower does to the document in force; each is called in turn with the changes of the API. */
export interface Followed {
  /** Run something after the changes before it, and before those after it. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  /** Check a document, and make it the one in force. @throws HttpProblem; then the former holds. */
  adopt(document: WeirConfig, info: RevisionInfo): Promise<void>
}

export interface FollowerDeps {
  readonly store: FleetStore
  readonly ownKeys: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly emit: (event: PodEvent, data: Readonly<Record<string, string | number>>) => void
}

/** How a pod stands to its fleet. */
export interface FleetStanding {
  /** Name of this pod in roll-outs. */
  readonly pod: string
  readonly store: 'up' | 'away'
  /** The newest that is known. */
  readonly newest: RevisionInfo | undefined
  /** What should be in force here is. */
  readonly isConverged: boolean
  readonly refusal: { readonly code: string; readonly reason: string; readonly triedAtMs: number } | undefined
  readonly rollout: { readonly id: string; readonly isHeld: boolean } | undefined
}

interface Refusal {
  readonly tag: string
  readonly code: string
  readonly reason: string
  readonly triedAtMs: number
  readonly times: number
  readonly againAtMs: number
}

/** A push that was lost costs so long at most, and a moment. */
const LOOK_MS = 800
const LONGEST_PAUSE_MS = 30_000

/**
 * Follows the revisions that the pods of a fleet have in common: the newest is taken live, and kept on disk; in a roll-out that has
 * reached this pod, the document of that. What cannot be taken is tried again, and the former holds meanwhile.
 */
export class FleetFollower {
  readonly #local: LocalRevisions
  readonly #base: WeirConfig
  readonly #baseHash: string
  readonly #followed: Followed
  readonly #deps: FollowerDeps
  readonly #pod: string
  #record: FleetRecord | undefined
  /** undefined: the store has not answered yet, or does not now. */
  #seen: SharedHead<WeirConfig> | undefined
  #newest: FleetRevision | undefined
  /** It has been seen whether file and environment say something new. */
  #isSettled = false
  /** What is in force, of the fleet's. */
  #held: string | undefined
  #refusal: Refusal | undefined
  #timer: Timer | undefined
  #unwatch: (() => void) | undefined
  #isLooking = false
  #isWoken = false
  #wasAway = false

  /** @param base - the document of file and environment. */
  constructor(local: LocalRevisions, base: WeirConfig, followed: Followed, deps: FollowerDeps) {
    this.#local = local
    this.#base = base
    this.#baseHash = fleetHash(base, deps.ownKeys)
    this.#followed = followed
    this.#deps = deps
    this.#pod = local.podId()
    this.#record = local.fleetRecord()
    this.#newest = this.#record?.revision
  }

  /** Connect, take what is there, and follow from then on; without the store, go on with what is on disk. */
  async start(): Promise<void> {
    const { store, clock } = this.#deps
    await store.start()
    await this.look()
    this.#unwatch = store.watch(() => this.wake())
    this.#timer = clock.setPeriodic(LOOK_MS, () => this.wake())
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#unwatch?.()
    await this.#deps.store.close()
  }

  get standing(): FleetStanding {
    const rollout = this.#seen?.rollout
    const refusal = this.#refusal
    return {
      pod: this.#pod,
      store: this.#seen === undefined ? 'away' : 'up',
      newest: this.#newest,
      isConverged: refusal === undefined && (this.#held !== undefined || this.#isOfRecord),
      refusal,
      rollout: rollout === undefined ? undefined : { id: rollout.id, isHeld: this.#held === rolloutTag(rollout) }
    }
  }

  /** The store has not answered yet, and what was taken at the start is what is on disk. */
  get #isOfRecord(): boolean {
    return this.#seen === undefined && this.#record?.baseHash === this.#baseHash
  }

  /** The newest revision that is known; undefined before the first. */
  get newest(): FleetRevision | undefined {
    return this.#newest
  }

  /** Look now, and once more if that is asked for meanwhile. */
  wake(): void {
    this.#isWoken = true
    if (this.#isLooking) return
    this.#isLooking = true
    void (async () => {
      while (this.#isWoken) {
        this.#isWoken = false
        await this.look()
      }
      this.#isLooking = false
    })()
  }

  /** A process has come: what could not be taken without it is tried at once. */
  retry(): void {
    if (this.#refusal !== undefined) this.#refusal = { ...this.#refusal, againAtMs: 0 }
    this.wake()
  }

  /** Look what there is, and take it. Never rejects. */
  look(): Promise<void> {
    return this.#followed
      .inTurn(() => this.#follow())
      .catch((error: unknown) => {
        this.#deps.log.warn('follow_failed', `the revisions of the fleet could not be followed: ${errorMessage(error)}`)
      })
  }

  /**
   * The newest revision, as it is now, before a change of the API; taken here, if it can be. In turn.
   *
   * @throws HttpProblem 503 if the store is away; 409 while a roll-out is going on.
   */
  async readyForChange(): Promise<FleetRevision> {
    await this.#follow()
    const seen = this.#seen
    if (seen?.head === undefined) throw storeAway()
    if (seen.rollout !== undefined) throw rolloutRunning(seen.rollout.id)
    return seen.head
  }

  /**
   * Make a document that is in force here the newest of the fleet. In turn.
   *
   * @param after - the newest, from which the change was made.
   * @throws HttpProblem 412, 409, 503; then it is not.
   */
  async append(
    document: WeirConfig,
    note: { readonly author: string; readonly reason: string },
    after: FleetRevision
  ): Promise<FleetRevision> {
    const { store, clock, ownKeys } = this.#deps
    // What is a pod's own is in a revision as it was in the first one: it means nothing to the others.
    const shared = withOwnKeys(document, after.document, ownKeys)
    const { author, reason } = note
    const revision = { author, reason, atMs: clock.nowMs(), baseHash: after.baseHash, document: shared }
    try {
      const added = await store.append(revision, after.number)
      this.#taken(revisionTag(added), added)
      this.wake()
      return added
    } catch (error) {
      this.wake()
      throw notAppended(error)
    }
  }

  async revision(number: number): Promise<Revision | undefined> {
    const found = await this.#deps.store.get(number).catch(throwAway)
    return found === undefined ? undefined : { ...found, document: this.#rendered(found.document) }
  }

  revisions(offset: number, limit: number): ReturnType<FleetStore['list']> {
    return this.#deps.store.list(offset, limit).catch(throwAway)
  }

  async #follow(): Promise<void> {
    const seen = await this.#current()
    this.#noteStore(seen !== undefined)
    this.#seen = seen
    if (seen?.head === undefined) return
    const { head, rollout } = seen
    if (this.#newest?.number !== head.number || this.#newest.hash !== head.hash) this.#newest = head
    if (!this.#isSettled && !(await this.#settle(head))) return
    const isHeld = rollout !== undefined && rollout.pods.includes(this.#pod)
    await (isHeld
      ? this.#take(rolloutTag(rollout), rollout.document, rollout)
      : this.#take(revisionTag(head), head.document, head))
  }

  /** What the store has; what it has lost is put back, and the first revision made, if there is none. */
  async #current(): Promise<SharedHead<WeirConfig> | undefined> {
    const { store, clock } = this.#deps
    const seen = await store.look()
    if (seen === undefined) return undefined
    try {
      if (isAhead(this.#record, seen.head)) await store.restore(this.#record.revision)
      else if (seen.head === undefined) {
        const reason = 'file and environment'
        await store.append(
          { author: 'file', atMs: clock.nowMs(), reason, baseHash: this.#baseHash, document: this.#base },
          -1
        )
      } else return seen
    } catch (error) {
      // Another pod was quicker.
      if (errorCode(error) === 'REVISION_STORE_AWAY') return undefined
    }
    return store.look()
  }

  /** What file and environment say that is new to the fleet is its newest revision. @returns false: to be tried again. */
  async #settle(head: FleetRevision): Promise<boolean> {
    const { store, clock } = this.#deps
    try {
      const isBaseKnown = await store.knowsBase(this.#baseHash)
      if (isFileNewer(this.#baseHash, this.#record, { head, isBaseKnown })) {
        const document = withOwnKeys(this.#base, head.document, this.#deps.ownKeys)
        const reason = 'file or environment have changed'
        const revision = { author: 'file', atMs: clock.nowMs(), reason, baseHash: this.#baseHash, document }
        const added = await store.append(revision, head.number)
        this.#isSettled = true
        this.#newest = added
        await this.#take(revisionTag(added), added.document, added)
        return false
      }
      this.#isSettled = true
      return true
    } catch (error) {
      // It is tried again with the next look: the roll-out ends, or what was added meanwhile is seen.
      this.#refuse('not-settled', errorCode(error) ?? 'INTERNAL', errorMessage(error))
      return false
    }
  }

  async #take(tag: string, document: WeirConfig, from: FleetRevision | Rollout<WeirConfig>): Promise<void> {
    const { clock } = this.#deps
    if (this.#held === tag && this.#refusal === undefined) return
    if (this.#refusal?.tag === tag && clock.monotonicMs() < this.#refusal.againAtMs) return
    const rendered = this.#rendered(document)
    const isRevision = 'number' in from
    const head = this.#newest!
    const info = isRevision ? infoOf(from) : { ...infoOf(head), hash: hashOf(rendered), reason: `roll-out ${from.id}` }
    try {
      await this.#followed.adopt(rendered, info)
    } catch (error) {
      const code = error instanceof HttpProblem ? error.problem.code : 'INTERNAL'
      this.#refuse(tag, code, errorMessage(error))
      return
    }
    this.#taken(tag, isRevision ? from : undefined)
    this.#deps.emit(
      'config_taken',
      isRevision ? { revision: from.number } : { revision: head.number, rollout: from.id }
    )
  }

  /** @param revision - undefined: the document of a roll-out, which is nothing to come back to. */
  #taken(tag: string, revision: FleetRevision | undefined): void {
    this.#held = tag
    this.#refusal = undefined
    if (revision === undefined) return
    this.#newest = revision
    this.#record = { revision, baseHash: this.#baseHash }
    try {
      this.#local.keepFleetRecord(this.#record)
    } catch (error) {
      const why = `revision ${revision.number} could not be kept in ${this.#base.stateDir}: ${errorMessage(error)}`
      this.#deps.log.warn('revision_not_kept', why)
    }
  }

  #refuse(tag: string, code: string, reason: string): void {
    const { clock, log, emit } = this.#deps
    const former = this.#refusal
    const isSame = former?.tag === tag && former.code === code
    const times = isSame ? former.times + 1 : 1
    const againAtMs = clock.monotonicMs() + Math.min(LOOK_MS * 2 ** times, LONGEST_PAUSE_MS)
    this.#refusal = { tag, code, reason, triedAtMs: clock.nowMs(), times, againAtMs }
    // A process that is not there yet, or slow, is no reason to speak of it.
    if (times !== (code.startsWith('CONTROL_') ? 4 : 1)) return
    log.warn('revision_refused', `the newest revision of the fleet cannot be taken here: ${reason}`, { code })
    emit('config_refused', { revision: this.#newest?.number ?? -1, code, reason: reason.slice(0, 256) })
  }

  #noteStore(isUp: boolean): void {
    const { log, emit } = this.#deps
    if (isUp === !this.#wasAway) return
    this.#wasAway = !isUp
    if (isUp) log.info('revision_store_up', 'the store of revisions answers again')
    else
      log.warn(
        'revision_store_down',
        'the store of revisions does not answer, or not as it should (keyFile?); this pod goes on with what it has'
      )
    emit(isUp ? 'revision_store_up' : 'revision_store_down', {})
  }

  #rendered(document: WeirConfig): WeirConfig {
    return withOwnKeys(document, this.#base, this.#deps.ownKeys)
  }
}

const revisionTag = ({ number, hash }: RevisionInfo): string => `${number}-${hash}`
const rolloutTag = ({ id, document }: Rollout<WeirConfig>): string => `rollout-${id}-${hashOf(document)}`

function infoOf({ number, author, atMs, reason, hash, baseHash }: RevisionInfo): RevisionInfo {
  return { number, author, atMs, reason, hash, baseHash }
}

const storeAway = (detail = 'nothing was changed, and this pod goes on with what it has'): HttpProblem =>
  new HttpProblem(503, 'STORE_AWAY', `The store of revisions does not answer; ${detail}. Ask again.`, undefined, {
    'retry-after': '1'
  })

const rolloutRunning = (id: string): HttpProblem =>
  new HttpProblem(409, 'ROLLOUT_RUNNING', `Roll-out ${id} is going on; wait until it has ended, or cancel it.`)

function throwAway(error: unknown): never {
  throw errorCode(error) === 'REVISION_STORE_AWAY' ? storeAway() : error
}

function notAppended(error: unknown): unknown {
  const code = errorCode(error)
  if (code === 'REVISION_STORE_AWAY') {
    return storeAway('it may have taken the change all the same: read GET /v1/config/status before you repeat it')
  }
  if (code === 'ROLLOUT_RUNNING') {
    return new HttpProblem(409, code, `The change was taken back: ${errorMessage(error)}.`)
  }
  if (code !== 'REVISION_CONFLICT') return error
  return new HttpProblem(412, 'CHANGED_MEANWHILE', `The change was taken back: ${errorMessage(error)}; read it again.`)
}
