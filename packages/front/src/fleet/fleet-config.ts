import { ConfigStatus, HttpProblem, Problem } from '@weir/http'
import { withoutOwnKeys } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import { Compile } from 'typebox/compile'
import Type from 'typebox'
import type { AskOptions, Shape } from './ask-pod.ts'
import { reportsOf } from './fleet.ts'
import type { Fleet, PodReport } from './fleet.ts'
import type { Pod } from './pod-list.ts'

/** How one pod stands to the configuration. */
export interface PodStanding {
  readonly pod: Pod
  readonly status: ConfigStatus
}

/** How all of them do. */
export interface FleetStanding {
  readonly standings: readonly PodStanding[]
  /** The best to ask: it has the newest revision in force, or is nearest to that. */
  readonly best: PodStanding
  readonly pods: readonly PodReport[]
  readonly isPartial: boolean
}

const statusShape = Compile(ConfigStatus)
/** Of documents that the pod has checked. */
export const anyObject = Compile(Type.Object({}, { additionalProperties: true }))
const anything: Shape<unknown> = { Check: (_value): _value is unknown => true }
const problemShape = Compile(Problem)
/** What a pod says of what it was asked; other statuses are its own trouble. */
const problemStatuses = [400, 404, 405, 409, 412, 413, 415, 422, 428, 503, 507]

/** The configuration of the fleet, through the control APIs of its pods. */
export class FleetConfig {
  readonly #fleet: Fleet

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** @throws HttpProblem 503 if no pod answers. */
  async standing(): Promise<FleetStanding> {
    const { answers, missing } = await this.#fleet.ask(statusShape, () => '/v1/config/status')
    const reports = reportsOf(answers, missing)
    const standings = answers.flatMap(answer => (answer.isAnswered ? [{ pod: answer.pod, status: answer.body }] : []))
    const best = standings.reduce((one, other) => (rankOf(other) > rankOf(one) ? other : one))
    return { standings, best, ...reports }
  }

  /**
   * The pod through which the fleet is changed.
   *
   * @throws HttpProblem 409 if pods have revisions of their own; 503 if the store of those that answer is away.
   */
  async writer(): Promise<PodStanding> {
    const { best, pods } = await this.standing()
    // Those that do not answer now count as well: a change at the only one that does is none of the fleet.
    if (best.status.store === 'own' && pods.length > 1) {
      const detail =
        'The pods have revisions of their own, so there is no document of the fleet: name a store in stores.revisions, or change each pod at its own API.'
      throw new HttpProblem(409, 'NO_SHARED_STORE', detail)
    }
    if (best.status.store !== 'away') return best
    const detail = 'No pod that answers reaches the store of revisions; nothing was changed. Ask again.'
    throw new HttpProblem(503, 'STORE_AWAY', detail, undefined, { 'retry-after': '1' })
  }

  /**
   * Ask one pod, and pass on what it says is wrong.
   *
   * @param shape - of its answer, where nothing is wrong.
   * @throws HttpProblem its own; 503 if it does not answer, or not as a coordinator does.
   */
  async ask<T>(pod: Pod, path: string, shape: Shape<T>, options: AskOptions = {}): Promise<T> {
    const answer = await this.#fleet.askOne(pod, path, anything, { ...options, accepted: problemStatuses })
    if (!answer.isAnswered) throw podAway(pod, answer.failure.detail)
    const { status, body } = answer
    if (status < 400 && shape.Check(body)) return body
    if (status < 400 || !problemShape.Check(body)) {
      throw podAway(pod, `${pod.name} does not answer as a coordinator of this version does.`)
    }
    throw new HttpProblem(status, body.code, body.detail, body.errors)
  }

  /** The document in force at a pod, without what is its own. */
  async document({ pod, status }: PodStanding): Promise<Readonly<Record<string, unknown>>> {
    const document = await this.ask(pod, '/v1/config', anyObject)
    return withoutOwnKeys(document as WeirConfig, status.ownKeys)
  }

  /** A document as it would be in force: checked by a pod, with every default, without what is the pod's own. */
  async validated({ pod, status }: PodStanding, body: unknown): Promise<Readonly<Record<string, unknown>>> {
    const document = await this.ask(pod, '/v1/config/validate', anyObject, { method: 'POST', body })
    return withoutOwnKeys(document as WeirConfig, status.ownKeys)
  }
}

const podAway = (pod: Pod, detail: string): HttpProblem =>
  new HttpProblem(503, 'POD_AWAY', `${detail} Ask again.`, [{ path: pod.name, message: detail }], {
    'retry-after': '1'
  })

/** A pod that reaches the store, has the newest revision, and no document of a roll-out, says best what holds. */
const rankOf = ({ status: { store, isConverged, newest, revision, rollout } }: PodStanding): number =>
  (store === 'away' ? 0 : 4) * 2 ** 40 +
  (isConverged && rollout?.isHeld !== true ? 2 : 0) * 2 ** 40 +
  Math.min((newest ?? revision).number, 2 ** 40)
