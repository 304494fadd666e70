import { HttpProblem, notFound } from '@weir/http'
import { isDeepStrictEqual } from 'node:util'
import { resolve } from 'node:path'
import {
  fillOwnKeys,
  unlikeOwnKeys,
  formerRevisionPath,
  hashOf,
  openRevisions,
  resolveConfig,
  setRevisionAside,
  TargetPolicy,
  hasSameOutput
} from '@weir/config'
import type { FleetRevision, LocalRevisions, Revision, RevisionInfo, RevisionStore, WeirConfig } from '@weir/config'
import { ConfigError, UnavailableError, errorCode, errorMessage } from '@weir/runtime'
import type { Clock, ConfigIssue, Log } from '@weir/runtime'
import { FleetFollower } from './fleet-follower.ts'
import type { FleetStanding, FollowerDeps } from './fleet-follower.ts'
import { planOf } from './plan.ts'
import type { PlanStep } from './plan.ts'
import type { PodChanges } from './pod-changes.ts'

/** Who changes the document, why, and what he has seen. */
export interface ChangeNote {
  readonly author: string
  readonly reason: string
  /** ETag of the document that the caller has seen; undefined or `*`: whatever is there. */
  readonly ifMatch?: string | undefined
  /** The document wanted does not depend on the one in force. */
  readonly isWhole?: boolean
}

export interface ConfigBookDeps {
  readonly changes: PodChanges
  readonly clock: Clock
  readonly log: Log
  /** What pods have in common; undefined: each has revisions of its own. */
  readonly fleet?: Pick<FollowerDeps, 'store' | 'ownKeys' | 'emit'> | undefined
}

/**
 * The document in force and all its revisions. A change is checked, taken by the processes that it is for, then kept; if either
 * fails, the processes are told the former again, and that holds. One change at a time.
 */
export class ConfigBook {
  readonly #base: WeirConfig
  readonly #baseHash: string
  readonly #deps: ConfigBookDeps
  /** Where destinations may send to. */
  readonly targets: TargetPolicy
  #document: WeirConfig
  #head: RevisionInfo
  #store: LocalRevisions | undefined
  #fleet: FleetFollower | undefined
  #queue: Promise<unknown> = Promise.resolve()

  /**
   * @param document - in force now; `runDir` is that which the operator wrote.
   * @param base - the document of file and environment.
   */
  constructor(document: WeirConfig, base: WeirConfig, baseHash: string, deps: ConfigBookDeps) {
    this.#document = document
    this.#base = base
    this.targets = new TargetPolicy(base)
    this.#baseHash = baseHash
    this.#deps = deps
    this.#head = { number: 0, author: 'file', atMs: 0, reason: '', hash: hashOf(document), baseHash }
  }

  get document(): WeirConfig {
    return this.#document
  }

  /** What is said of the revision in force. */
  get head(): RevisionInfo {
    return this.#head
  }

  /** How this pod stands to its fleet; undefined: it has none. */
  get standing(): FleetStanding | undefined {
    return this.#fleet?.standing
  }

  /** Identity of the document in force, for ETag and If-Match. */
  get etag(): string {
    return etagOf(this.#head)
  }

  /** Open the revisions; what file and environment say is one too, if it is not the newest already. @throws UnavailableError */
  async start(): Promise<void> {
    const { stateDir } = this.#document
    try {
      this.#store = openRevisions(stateDir)
      await this.#begin(this.#store)
    } catch (error) {
      const why = `revisions.db in ${stateDir} cannot be used: ${errorMessage(error)}`
      throw new UnavailableError('REVISIONS', `${why}; make room there, or move the file away`, {}, error)
    }
    await setRevisionAside(formerRevisionPath(stateDir), this.#deps.clock.nowMs())
  }

  async close(): Promise<void> {
    await this.#fleet?.close()
    await this.#store?.close()
  }

  /** Run something after the changes before it, and before those after it. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }

  /**
   * Make another document the one in force.
   *
   * @param make - from the document in force to the one wanted, checked; it is called in turn.
   * @returns the revision in force then; the same as before if nothing is different.
   * @throws HttpProblem 412, 409 for what only a restart changes, those of the processes, 507; then the former holds.
   */
  change(note: ChangeNote, make: (document: WeirConfig) => WeirConfig | Promise<WeirConfig>): Promise<RevisionInfo> {
    return this.inTurn(async () => {
      const newest = await this.#fleet?.readyForChange()
      this.#match(note, newest)
      const before = this.#document
      const after = await make(before)
      refusePodKeys(unlikeOwnKeys(before, after, this.ownKeys))
      if (isDeepStrictEqual(before, after) && this.#fleet?.standing.isConverged !== false) return this.#head
      await this.#apply(before, after)
      try {
        this.#head = infoOf(await this.#keep(note, after, newest))
      } catch (error) {
        await this.#takeBack(after, before)
        throw error
      }
      this.#document = after
      return this.#head
    })
  }

  /** Make a document that another pod has made the one in force. In turn. @throws as {@link change} */
  async adopt(document: WeirConfig, info: RevisionInfo): Promise<void> {
    const after = this.validated(document)
    await this.#apply(this.#document, after)
    this.#document = after
    this.#head = info
  }

  /** Tell a process that has just come what holds. */
  reconcile(process: 'collector' | 'mediator'): Promise<void> {
    const { changes } = this.#deps
    return this.inTurn(() =>
      process === 'mediator' ? changes.giveMediator(this.#document) : changes.giveCollector(this.#document)
    ).finally(() => this.#fleet?.retry())
  }

  /** Paths of the keys that are this pod's own, whatever its fleet has in common; none without a fleet. */
  get ownKeys(): readonly string[] {
    return this.#deps.fleet?.ownKeys ?? []
  }

  /**
   * Check a whole document. Where it says nothing of `runDir` and `stateDir`, in a fleet of all that is a pod's own, that of
   * this pod is meant.
   *
   * @throws HttpProblem 422 with every error.
   */
  validated(value: unknown): WeirConfig {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const ownKeys = ['runDir', 'stateDir', ...this.ownKeys]
    // No file is read because a request names it: those in force hold until a restart, whatever it says.
    const { elementFiles: filesInForce } = this.#document.collector
    try {
      const { config } = resolveConfig(
        isObject ? fillOwnKeys(value as Record<string, unknown>, this.#document, ownKeys) : (value ?? []),
        { elementFiles: filesInForce }
      )
      const elementFiles = config.collector.elementFiles.map(path => resolve(path))
      const document = {
        ...config,
        stateDir: resolve(config.stateDir),
        collector: { ...config.collector, elementFiles }
      }
      this.#refuseTargets(this.#document, document)
      return document
    } catch (error) {
      if (error instanceof ConfigError) throw invalid(error.issues)
      throw error
    }
  }

  /** @throws HttpProblem 404 */
  async revision(number: number): Promise<Revision> {
    const found = this.#fleet === undefined ? await this.#opened.get(number) : await this.#fleet.revision(number)
    if (found === undefined) throw notFound('revision', String(number), 'GET /v1/config/revisions lists them')
    return found
  }

  revisions(offset: number, limit: number): ReturnType<RevisionStore['list']> {
    return this.#fleet?.revisions(offset, limit) ?? this.#opened.list(offset, limit)
  }

  get #opened(): LocalRevisions {
    if (this.#store === undefined) throw new HttpProblem(503, 'STARTING', 'The revisions are not open yet; ask again.')
    return this.#store
  }

  /** What is new in a document and may not be sent to. Destinations that are there stay, and are told by their own state. */
  #refuseTargets(before: WeirConfig, after: WeirConfig): void {
    const known = new Map(before.destinations.map(each => [each.id, each]))
    const issues = after.destinations.flatMap((destination, index) => {
      const former = known.get(destination.id)
      if (former !== undefined && hasSameOutput(former, destination)) return []
      return this.targets.issuesOf(destination, `destinations[${index}]`)
    })
    if (issues.length > 0) throw invalid(issues)
  }

  async #begin(store: LocalRevisions): Promise<void> {
    const { fleet, clock, log } = this.#deps
    if (fleet === undefined) return this.#settle(store)
    this.#fleet = new FleetFollower(store, this.#base, this, { ...fleet, clock, log })
    const { newest } = this.#fleet
    if (newest !== undefined) this.#head = infoOf(newest)
    await this.#fleet.start()
  }

  /** @throws HttpProblem; then the former holds. */
  async #apply(before: WeirConfig, after: WeirConfig): Promise<void> {
    refuseRestarts(planOf(before, after))
    this.#refuseTargets(before, after)
    try {
      await this.#deps.changes.apply(before, after)
    } catch (error) {
      // What was taken back may have come too late, or not at all.
      for (const process of ['collector', 'mediator'] as const) this.#giveAgain(process)
      throw error
    }
  }

  #giveAgain(process: 'collector' | 'mediator'): void {
    const { changes } = this.#deps
    this.inTurn(() =>
      process === 'mediator' ? changes.giveMediator(this.#document) : changes.giveCollector(this.#document)
    ).catch(() => undefined)
  }

  /** @throws HttpProblem; it may have to be taken back. */
  async #keep(note: ChangeNote, after: WeirConfig, newest: FleetRevision | undefined): Promise<RevisionInfo> {
    if (this.#fleet !== undefined && newest !== undefined) return this.#fleet.append(after, note, newest)
    const { author, reason } = note
    const revision = { author, reason, atMs: this.#deps.clock.nowMs(), baseHash: this.#baseHash, document: after }
    try {
      return await this.#opened.append(revision, this.#head.number)
    } catch (error) {
      throw notKept(error, this.#document.stateDir)
    }
  }

  async #settle(store: RevisionStore): Promise<void> {
    const atMs = this.#deps.clock.nowMs()
    const baseHash = this.#baseHash
    const file = { author: 'file', atMs, baseHash, document: this.#base }
    let head: RevisionInfo | undefined = await store.head()
    if (head === undefined) head = await store.append({ ...file, reason: 'file and environment' }, -1)
    else if (head.baseHash !== baseHash) {
      head = await store.append({ ...file, reason: 'file or environment have changed' }, head.number)
    }
    if (head.hash !== hashOf(this.#document)) {
      const reason = 'what an earlier version kept, or what of the newest revision could be taken'
      head = await store.append({ ...file, author: 'start', reason, document: this.#document }, head.number)
    }
    this.#head = infoOf(head)
  }

  async #takeBack(from: WeirConfig, to: WeirConfig): Promise<void> {
    const { changes, log } = this.#deps
    await changes.apply(from, to).catch((error: unknown) => {
      log.warn('undo_failed', `a change could not be taken back: ${errorMessage(error)}`)
    })
  }

  /** @param newest - of the fleet; undefined: there is none, and the one in force is meant. */
  #match({ ifMatch, isWhole = false }: ChangeNote, newest: RevisionInfo | undefined): void {
    const { number, author } = newest ?? this.#head
    const isMeant = ifMatch === undefined || ifMatch === '*'
    if (!isMeant && !ifMatch.split(/\s*,\s*/).includes(etagOf(newest ?? this.#head))) {
      throw new HttpProblem(
        412,
        'CHANGED_MEANWHILE',
        `The configuration has changed since you read it: revision ${number} by ${author} is in force. Read it again, and make your change to that.`
      )
    }
    const standing = this.#fleet?.standing
    if (standing === undefined || standing.isConverged || isWhole) return
    const why = standing.refusal?.reason ?? 'it has just begun'
    const detail = `This pod has not taken revision ${number} (${why}), so a part of it cannot be changed here; ask another pod, or put a whole document.`
    throw new HttpProblem(409, 'NOT_CONVERGED', detail)
  }
}

/** Identity of a revision, for ETag and If-Match. */
export const etagOf = ({ number, hash }: RevisionInfo): string => `"${number}-${hash.slice(0, 16)}"`

function infoOf({ number, author, atMs, reason, hash, baseHash }: RevisionInfo): RevisionInfo {
  return { number, author, atMs, reason, hash, baseHash }
}

function invalid(issues: readonly ConfigIssue[]): HttpProblem {
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more, see errors)` : ''
  const where = first!.path === '' ? 'The document' : first!.path
  return new HttpProblem(422, 'CONFIG_INVALID', `${where} ${first!.message}${more}.`, issues)
}

function refuseRestarts(steps: readonly PlanStep[]): void {
  const restarts = steps.filter(({ action }) => action === 'restart')
  if (restarts.length === 0) return
  const processes = [...new Set(restarts.flatMap(step => step.processes))].join(', ')
  const errors = restarts.map(step => ({
    path: step.id,
    message: `holds only after a restart of the ${step.processes.join(', ')}`,
    allowed: 'as it is now; or set it in weir.yaml or the environment and restart Weir'
  }))
  const detail = `${restarts[0]!.id}${restarts.length > 1 ? ` and ${restarts.length - 1} more` : ''} cannot be changed while the ${processes} runs; nothing was changed. Leave them as they are, or set them in weir.yaml and restart.`
  throw new HttpProblem(409, 'RESTART_NEEDED', detail, errors)
}

/** In a fleet: nobody else would hear of it, and the next start would not know it. */
function refusePodKeys(keys: readonly string[]): void {
  if (keys.length === 0) return
  const allowed = 'as it is now; or set it in weir.yaml or the environment of this pod and restart it'
  const errors = keys.map(path => ({ path, message: "is each pod's own", allowed }))
  const detail = `${keys.join(', ')} cannot be changed for a fleet: that is each pod's own. Leave it out, or set it in weir.yaml or the environment of the pod.`
  throw new HttpProblem(409, 'POD_KEY', detail, errors)
}

function notKept(error: unknown, stateDir: string): HttpProblem {
  if (errorCode(error) === 'REVISION_CONFLICT') {
    return new HttpProblem(
      412,
      'CHANGED_MEANWHILE',
      `The change was taken back: ${errorMessage(error)}; read it again.`
    )
  }
  return new HttpProblem(
    507,
    'CHANGE_NOT_KEPT',
    `The change could not be kept in ${stateDir} (${errorMessage(error)}), and was taken back. Make room there and repeat it.`
  )
}
