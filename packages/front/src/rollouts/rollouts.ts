import { randomBytes } from 'node:crypto'
import { HttpProblem, notFound } from '@weir/http'
import { mergePatch, withOwnKeys, withoutOwnKeys } from '@weir/config'
import type { FleetRevision, WeirConfig } from '@weir/config'
import { errorCode, errorMessage } from '@weir/runtime'
import type { Clock, Log, Timer } from '@weir/runtime'
import type { RedisRevisionStore } from '@weir/templates/redis'
import { anyObject } from '../fleet/fleet-config.ts'
import type { FleetConfig, PodStanding } from '../fleet/fleet-config.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Pod } from '../fleet/pod-list.ts'
import { plansOf } from '../routes/config.ts'
import { baselineOf, judge, sightOf } from './pod-sight.ts'
import type { PodSight } from './pod-sight.ts'
import { progressOf, viewOf, withEvent } from './rollout.ts'
import type { Gates, Progress, RolloutView, Stored } from './rollout.ts'

export type FleetStore = RedisRevisionStore<WeirConfig>

/** What is to come to the pods; one of the first three. */
export interface RolloutRequest {
  readonly document?: unknown
  readonly patch?: unknown
  readonly revision?: number | undefined
  readonly reason?: string | undefined
  readonly gates: Gates
  /** Names of pods that go first; the others follow. */
  readonly first?: readonly string[] | undefined
  /** Go on although a pod does not answer: it takes the revision when it is back. */
  readonly isAwayLeftOut?: boolean | undefined
}

const STEP_MS = 500
/** Each write of who drives it says that he lives. */
const SIGN_MS = 1_500
/** A roll-out of which nothing was heard for so long is driven on by whoever sees that first. */
const ORPHAN_MS = 5_000

/** What a step came to. */
type Step =
  | { readonly next: Progress; readonly pods: readonly string[] }
  | { readonly failed: string; readonly progress: Progress }
  | { readonly isThrough: true; readonly progress: Progress }

/**
 * Roll-outs: a document comes to one pod after the other, and each has to stand the gates before the next has its turn. All that is known of one is
 * in the store of revisions, each change on condition that nobody else has made one: so any front shows it, cancels it, and drives it on
 * when the one that did is gone.
 */
export class Rollouts {
  readonly #store: FleetStore
  readonly #fleet: Fleet
  readonly #config: FleetConfig
  readonly #clock: Clock
  readonly #log: Log
  readonly #name = randomBytes(6).toString('hex')
  #seen: { readonly key: string; readonly atMs: number } | undefined
  #signedAtMs = 0
  /** Since when something lacks at the pod that has its turn; undefined: nothing does. */
  #lackingSinceMs: number | undefined
  /** Since when the pod has its turn in its present state, as this front has seen it. */
  #turn: { readonly key: string; readonly sinceMs: number } | undefined
  #timer: Timer | undefined
  #stepping: Promise<void> | undefined

  constructor(store: FleetStore, fleet: Fleet, config: FleetConfig, clock: Clock, log: Log) {
    this.#store = store
    this.#fleet = fleet
    this.#config = config
    this.#clock = clock
    this.#log = log
  }

  async start(): Promise<void> {
    await this.#store.start()
    this.#timer = this.#clock.setPeriodic(STEP_MS, () => this.#wake()).unref()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#stepping
    await this.#store.close()
  }

  /** The one that is going on, and those that have ended, the newest first. @throws HttpProblem 503 */
  async list(): Promise<RolloutView[]> {
    const seen = await this.#look()
    const ended = await this.#store.endedRollouts().catch(throwAway)
    const all = [...(seen.rollout === undefined ? [] : [seen.rollout]), ...ended]
    return all.flatMap(rollout => {
      const progress = progressOf(rollout)
      return progress === undefined ? [] : [viewOf(progress)]
    })
  }

  /** @throws HttpProblem 404, 503 */
  async get(id: string): Promise<RolloutView> {
    const found = (await this.list()).find(each => each.id === id)
    if (found === undefined) throw notFound('roll-out', id, 'GET /api/v1/config/rollouts lists them')
    return found
  }

  /**
   * Begin one; it is driven from then on.
   *
   * @throws HttpProblem 409 if another one is going on, or a pod cannot take it; 422 for a wrong document; 503.
   */
  async begin(request: RolloutRequest, author: string): Promise<RolloutView> {
    const { head, rollout } = await this.#look()
    if (rollout !== undefined) throw running(rollout.id)
    if (head === undefined) throw storeAway()
    const { standings, pods: reports, isPartial } = await this.#config.standing()
    if (isPartial && request.isAwayLeftOut !== true) {
      const names = reports.filter(({ isAnswered }) => !isAnswered).map(({ pod }) => pod)
      const detail = `${names.join(', ')} do not answer; bring them back, or leave them out (isAwayLeftOut): they take the revision when they are back.`
      throw new HttpProblem(409, 'PODS_AWAY', detail)
    }
    const wanted = await this.#wanted(request, head, standings[0]!)
    await this.#mustBeTaken(standings, wanted)
    const nowMs = this.#clock.nowMs()
    const waiting = inOrder(standings, request.first ?? []).map(({ pod, status }) => ({
      pod: pod.name,
      id: status.pod!,
      state: 'waiting' as const,
      sinceMs: nowMs,
      detail: null
    }))
    const id = randomBytes(8).toString('hex')
    const { gates, reason = '' } = request
    const about = { id, state: 'running' as const, after: head.number, revision: null, author, reason, gates }
    const times = { createdAtMs: nowMs, endedAtMs: null, detail: null }
    const begun = { ...about, ...times, pods: waiting, events: [], driver: this.#name, baseline: null }
    const progress = withEvent(begun, nowMs, null, `begun by ${author}, for ${waiting.length} pods`)
    const next: Stored = { id, version: 1, after: head.number, document: wanted, pods: [], progress }
    await this.#write(head.number, { known: undefined, next })
    this.#wake()
    return viewOf(progress)
  }

  /** End it: all pods go back to the revision that holds. @throws HttpProblem 404, 409 if it has ended, 503 */
  async cancel(id: string, author: string): Promise<RolloutView> {
    for (;;) {
      const { rollout } = await this.#look()
      if (rollout?.id !== id) {
        const { state } = await this.get(id)
        throw new HttpProblem(409, 'ROLLOUT_ENDED', `Roll-out ${id} has ended already: it is ${state}.`)
      }
      const progress = progressOf(rollout)
      const detail = `cancelled by ${author}`
      const ended = progress === undefined ? undefined : this.#ended(progress, 'cancelled', detail)
      try {
        await this.#write(rollout.after, { known: rollout, ended: { ...rollout, progress: ended } })
        return viewOf(ended ?? ((await this.get(id)) as Progress))
      } catch (error) {
        // It has gone a step further meanwhile.
        if (!(error instanceof HttpProblem) || error.problem.code !== 'ROLLOUT_RUNNING') throw error
      }
    }
  }

  #wake(): void {
    this.#stepping ??= this.#step()
      .catch((error: unknown) => {
        if (!(error instanceof HttpProblem)) this.#log.warn('rollout_failed', `a roll-out: ${errorMessage(error)}`)
      })
      .finally(() => (this.#stepping = undefined))
  }

  /** One step of the roll-out that is going on, if it is this front that drives it. */
  async #step(): Promise<void> {
    const seen = await this.#store.look()
    const rollout = seen?.rollout
    if (rollout === undefined) return
    const progress = progressOf(rollout)
    const nowMs = this.#clock.monotonicMs()
    const key = `${rollout.id}-${rollout.version}`
    if (this.#seen?.key !== key) this.#seen = { key, atMs: nowMs }
    if (progress === undefined) return
    if (progress.driver !== this.#name) {
      if (nowMs - this.#seen.atMs < ORPHAN_MS) return
      const taken = { ...progress, driver: this.#name }
      const what = 'driven on by another front: nothing was heard of the one before'
      return this.#goOn(rollout, withEvent(taken, this.#clock.nowMs(), null, what), rollout.pods)
    }
    const step = await this.#stepOf(rollout, progress)
    if ('failed' in step) return this.#fail(rollout, step.progress, step.failed)
    if ('isThrough' in step) return this.#finish(rollout, step.progress)
    if (step.next === progress && nowMs - this.#signedAtMs < SIGN_MS) return
    return this.#goOn(rollout, step.next, step.pods)
  }

  async #stepOf(rollout: Stored, progress: Progress): Promise<Step> {
    const at = progress.pods.findIndex(({ state }) => state !== 'passed')
    const turn = progress.pods[at]
    if (turn === undefined) return { isThrough: true, progress }
    const pod = await this.#podOf(turn.pod)
    if (pod === undefined) return { failed: `${turn.pod} is no pod of the fleet any more`, progress }
    const sight = await sightOf(this.#fleet, pod)
    const key = `${rollout.id} ${turn.id} ${turn.state}`
    const nowMs = this.#clock.monotonicMs()
    if (this.#turn?.key !== key) {
      this.#turn = { key, sinceMs: nowMs }
      this.#lackingSinceMs = undefined
    }
    const sinceMs = nowMs - this.#turn.sinceMs
    if (turn.state === 'waiting') return this.#tell(rollout, progress, at, sight, sinceMs)
    if (turn.state === 'applying') return this.#awaitDocument(rollout, progress, at, sight, sinceMs)
    return this.#soak(rollout, progress, at, sight, sinceMs)
  }

  /** The pod's turn begins, if it is well. */
  #tell(rollout: Stored, progress: Progress, at: number, sight: PodSight, sinceMs: number): Step {
    const { id, pod } = progress.pods[at]!
    const { gates } = progress
    const lacking =
      sight.config === undefined
        ? 'it does not answer'
        : gates.requireReady && sight.unready?.length !== 0
          ? `it is not ready: ${sight.unready?.join('; ') ?? 'it does not answer'}`
          : undefined
    if (lacking !== undefined) {
      if (sinceMs > gates.graceMs) return { failed: `${pod}, before its turn: ${lacking}`, progress }
      return { next: progress, pods: rollout.pods }
    }
    const told = this.#withState({ ...progress, baseline: baselineOf(sight) }, at, 'applying', 'has its turn')
    return { next: told, pods: [...rollout.pods, id] }
  }

  #awaitDocument(rollout: Stored, progress: Progress, at: number, { config }: PodSight, sinceMs: number): Step {
    const { pod } = progress.pods[at]!
    if (config?.rollout?.id === rollout.id && config.rollout.isHeld && config.isConverged) {
      return { next: this.#withState(progress, at, 'soaking', 'has the document in force'), pods: rollout.pods }
    }
    const isRefused = config?.isConverged === false && config.code !== null && !config.code.startsWith('CONTROL_')
    const reason = config === undefined ? 'it does not answer' : (config.reason ?? 'it has not taken it yet')
    if (isRefused && config.rollout?.id === rollout.id)
      return { failed: `${pod} does not take it: ${reason}`, progress }
    if (sinceMs > progress.gates.applyMs) return { failed: `${pod} has not taken it in time: ${reason}`, progress }
    return { next: progress, pods: rollout.pods }
  }

  #soak(rollout: Stored, progress: Progress, at: number, sight: PodSight, sinceMs: number): Step {
    const { pod } = progress.pods[at]!
    const { gates } = progress
    const isLast = sinceMs >= gates.soakMs
    const baseline = progress.baseline ?? { ready: [], counted: {} }
    const { fatal, lacking } = judge(sight, baseline, gates, isLast)
    if (fatal !== undefined) return { failed: `${pod}: ${fatal}`, progress }
    const nowMs = this.#clock.monotonicMs()
    if (lacking === undefined) {
      this.#lackingSinceMs = undefined
      if (!isLast) return { next: progress, pods: rollout.pods }
      return { next: this.#withState(progress, at, 'passed', 'has passed the gates'), pods: rollout.pods }
    }
    this.#lackingSinceMs ??= nowMs
    if (nowMs - this.#lackingSinceMs >= gates.graceMs) return { failed: `${pod}: ${lacking}`, progress }
    return { next: progress, pods: rollout.pods }
  }

  #withState(progress: Progress, at: number, state: Progress['pods'][number]['state'], what: string): Progress {
    const nowMs = this.#clock.nowMs()
    const pods = progress.pods.map((each, index) => (index === at ? { ...each, state, sinceMs: nowMs } : each))
    return withEvent({ ...progress, pods }, nowMs, pods[at]!.pod, what)
  }

  async #goOn(rollout: Stored, progress: Progress, pods: readonly string[]): Promise<void> {
    const next = { ...rollout, version: rollout.version + 1, progress, pods }
    await this.#store.changeRollout(rollout.after, { known: rollout, next }).catch(ignoreLost)
    this.#signedAtMs = this.#clock.monotonicMs()
  }

  /** The revision holds again at all pods as soon as they see it; that is one step, and nobody need be there for the rest. */
  async #fail(rollout: Stored, progress: Progress, detail: string): Promise<void> {
    this.#log.warn('rollout_failed', `roll-out ${rollout.id} has failed: ${detail}`)
    const ended = this.#ended(progress, 'failed', detail)
    await this.#store
      .changeRollout(rollout.after, { known: rollout, ended: { ...rollout, progress: ended } })
      .catch(ignoreLost)
  }

  async #finish(rollout: Stored, progress: Progress): Promise<void> {
    const head = (await this.#store.look())?.head
    if (head?.number !== rollout.after) return
    const nowMs = this.#clock.nowMs()
    const done: Progress = { ...progress, state: 'done', endedAtMs: nowMs, revision: rollout.after + 1 }
    const ended = withEvent(done, nowMs, null, `it is revision ${rollout.after + 1}`)
    const { author } = progress
    const reason = `roll-out ${rollout.id}${progress.reason === '' ? '' : `: ${progress.reason}`}`
    const revision = { author, reason, atMs: nowMs, baseHash: head.baseHash, document: rollout.document }
    await this.#store
      .append(revision, rollout.after, { known: rollout, ended: { ...rollout, progress: ended } })
      .catch(ignoreLost)
  }

  #ended(progress: Progress, state: 'failed' | 'cancelled', detail: string): Progress {
    const nowMs = this.#clock.nowMs()
    const at = progress.pods.findIndex(each => each.state === 'applying' || each.state === 'soaking')
    const pods = progress.pods.map((each, index) => {
      if (each.state === 'waiting') return each
      const isFailed = state === 'failed' && index === at
      return { ...each, state: isFailed ? ('failed' as const) : ('back' as const), sinceMs: nowMs }
    })
    const after = `; revision ${progress.after} holds at all pods`
    return withEvent({ ...progress, state, detail, endedAtMs: nowMs, pods }, nowMs, null, `${state}: ${detail}${after}`)
  }

  /** The whole document, as the store is to have it. @throws HttpProblem */
  async #wanted(request: RolloutRequest, head: FleetRevision, { pod, status }: PodStanding): Promise<WeirConfig> {
    const { document, patch, revision } = request
    const { ownKeys } = status
    let sent: unknown = document
    if (patch !== undefined) sent = mergePatch(withoutOwnKeys(head.document, ownKeys), patch)
    if (revision !== undefined) {
      const found = await this.#store.get(revision).catch(throwAway)
      if (found === undefined) throw notFound('revision', String(revision), 'GET /api/v1/config/revisions lists them')
      sent = withoutOwnKeys(found.document, ownKeys)
    }
    const checked = await this.#config.ask(pod, '/v1/config/validate', anyObject, { method: 'POST', body: sent })
    return withOwnKeys(checked as WeirConfig, head.document, ownKeys)
  }

  /** @throws HttpProblem 409 with what is wrong at each pod. */
  async #mustBeTaken(standings: readonly PodStanding[], document: WeirConfig): Promise<void> {
    const unlike = standings.filter(({ status }) => !status.isConverged || status.pod === null)
    if (unlike.length > 0) {
      const errors = unlike.map(({ pod, status }) => ({ path: pod.name, message: status.reason ?? 'it has not begun' }))
      const detail = 'Not all pods have the newest revision in force; `errors` says why. Mend that first.'
      throw new HttpProblem(409, 'NOT_CONVERGED', detail, errors)
    }
    const plans = await plansOf(this.#config, standings, withoutOwnKeys(document, standings[0]!.status.ownKeys))
    const errors = plans.flatMap(({ pod, plan, detail }) => {
      if (plan === null) return [{ path: pod, message: detail ?? 'it has no plan' }]
      const restarts = plan.steps.filter(({ action }) => action === 'restart').map(({ id }) => id)
      return restarts.length === 0 ? [] : [{ path: pod, message: `wants a restart for ${restarts.join(', ')}` }]
    })
    if (errors.length === 0) return
    throw new HttpProblem(
      409,
      'RESTART_NEEDED',
      'Not all pods can take it; `errors` says why. Nothing was changed.',
      errors
    )
  }

  async #podOf(name: string): Promise<Pod | undefined> {
    return (await this.#fleet.list.current()).pods.find(pod => pod.name === name)
  }

  async #look() {
    const seen = await this.#store.look()
    if (seen === undefined) throw storeAway()
    return seen
  }

  async #write(after: number, change: Parameters<FleetStore['changeRollout']>[1]): Promise<void> {
    try {
      await this.#store.changeRollout(after, change)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ROLLOUT_RUNNING') throw new HttpProblem(409, code, `It was not changed: ${errorMessage(error)}.`)
      if (code === 'REVISION_CONFLICT') {
        throw new HttpProblem(412, 'CHANGED_MEANWHILE', `${errorMessage(error)}; nothing was changed.`)
      }
      throwAway(error)
    }
  }
}

function inOrder(standings: readonly PodStanding[], first: readonly string[]): PodStanding[] {
  const unknown = first.find(name => !standings.some(({ pod }) => pod.name === name))
  if (unknown !== undefined) throw notFound('pod', unknown, 'GET /api/v1/fleet lists them')
  const rank = (name: string): number => (first.includes(name) ? first.indexOf(name) : first.length)
  return standings.toSorted((one, other) => rank(one.pod.name) - rank(other.pod.name))
}

/** Another front was quicker, or the store is away: the next look shows what there is. */
function ignoreLost(error: unknown): void {
  const code = errorCode(error) ?? ''
  if (!['ROLLOUT_RUNNING', 'REVISION_CONFLICT', 'REVISION_STORE_AWAY'].includes(code)) throw error
}

const running = (id: string): HttpProblem =>
  new HttpProblem(409, 'ROLLOUT_RUNNING', `Roll-out ${id} is going on; wait until it has ended, or cancel it.`)

const storeAway = (): HttpProblem =>
  new HttpProblem(503, 'STORE_AWAY', 'The store of revisions does not answer. Ask again.', undefined, {
    'retry-after': '1'
  })

function throwAway(error: unknown): never {
  throw errorCode(error) === 'REVISION_STORE_AWAY' ? storeAway() : error
}
