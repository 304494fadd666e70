import { HttpProblem } from '@weir/http'
import { errorMessage, systemClock } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import { askPod } from './ask-pod.ts'
import type { AskLimits, AskOptions, PodAnswer, Shape } from './ask-pod.ts'
import type { PodCaller, PodResponse } from './pod-caller.ts'
import type { Pod, PodFailure, PodList } from './pod-list.ts'

/** How one pod did in an answer that is made of several. */
export interface PodReport {
  readonly pod: string
  readonly isAnswered: boolean
  readonly tookMs: number
  readonly code: string | null
  readonly detail: string | null
}

/** Of a pod's answer to one request, which are passed on. */
const toldStatuses = [404, 405, 409, 413, 422, 429]

/** True if a status of all pods says something of the request. That the front may not ask them does not: who asks it has the right key. */
export const isOfRequest = (status: number): boolean => status === 400 || toldStatuses.includes(status)

/** All pods as one: each asked at the same time, none waited for longer than it may take. */
export class Fleet {
  /** Questions that got no answer, by pod. */
  readonly failures = new Map<string, number>()
  readonly #list: PodList
  readonly #limits: AskLimits
  readonly #caller: PodCaller
  readonly #clock: Clock

  constructor(list: PodList, limits: AskLimits, caller: PodCaller, clock: Clock = systemClock) {
    this.#list = list
    this.#limits = limits
    this.#caller = caller
    this.#clock = clock
  }

  get list(): PodList {
    return this.#list
  }

  /** Milliseconds since 1970 UTC. */
  nowMs(): number {
    return this.#clock.nowMs()
  }

  /**
   * Ask all pods the same, or each its own.
   *
   * @param shape - of the answers.
   * @param path - of one pod; undefined: it is not asked.
   * @param only - name of the one pod that is asked.
   * @param accepted - see {@link askPod}.
   * @throws HttpProblem 404 if there is no such pod; 503 if there is none.
   */
  async ask<T>(
    shape: Shape<T>,
    path: (pod: Pod) => string | undefined,
    only?: string,
    accepted?: readonly number[]
  ): Promise<{ readonly answers: readonly PodAnswer<T>[]; readonly missing: readonly PodFailure[] }> {
    const { pods, failures } = await this.#list.current()
    const asked = only === undefined ? pods : pods.filter(({ name }) => name === only)
    const missing = only === undefined ? failures : failures.filter(({ pod }) => pod === only)
    if (only !== undefined && asked.length + missing.length === 0) {
      throw new HttpProblem(404, 'NOT_FOUND', `There is no pod ${JSON.stringify(only)}; GET /api/v1/fleet lists them.`)
    }
    const answers = await Promise.all(
      asked.flatMap(pod => {
        const its = path(pod)
        return its === undefined ? [] : [this.askOne<T>(pod, its, shape, { accepted })]
      })
    )
    return { answers, missing }
  }

  /**
   * Ask one pod for something that is no JSON.
   *
   * @returns its answer with the status 200, the body to be read.
   * @throws HttpProblem 404 without such a pod; 503 if it does not answer so; its own where that is of the request.
   */
  async download(name: string, path: string, method: string, signal: AbortSignal): Promise<PodResponse> {
    const { pods } = await this.#list.current()
    const pod = pods.find(each => each.name === name)
    if (pod === undefined) {
      throw new HttpProblem(404, 'NOT_FOUND', `There is no pod ${JSON.stringify(name)}; GET /api/v1/fleet lists them.`)
    }
    let answer: PodResponse
    try {
      answer = await this.#caller.request(pod, path, { method, signal })
    } catch (error) {
      this.failures.set(name, (this.failures.get(name) ?? 0) + 1)
      const why = signal.aborted ? 'did not answer in time' : `cannot be reached: ${errorMessage(error)}`
      throw new HttpProblem(503, 'POD_AWAY', `${name} ${why}.`, undefined, { 'retry-after': '1' })
    }
    if (answer.status === 200) return answer
    const { status } = answer
    for await (const _ of answer.body) break
    // That the front may not ask it, say, is no answer to who asks the front.
    if (toldStatuses.includes(status)) throw new HttpProblem(status, 'POD_ERROR', `${name} answered ${status}.`)
    throw new HttpProblem(503, 'POD_AWAY', `${name} answered ${status}.`, undefined, { 'retry-after': '1' })
  }

  /**
   * Let one pod do something.
   *
   * @returns its answer.
   * @throws HttpProblem 404 without such a pod; what the pod says of the request; 503 if it does not answer.
   */
  async operate<T>(name: string, path: string, shape: Shape<T>, options: AskOptions): Promise<T> {
    const { pods, failures } = await this.#list.current()
    const pod = pods.find(each => each.name === name)
    if (pod === undefined) {
      const failure = failures.find(each => each.pod === name)
      if (failure !== undefined) throw away(failure.detail)
      throw new HttpProblem(404, 'NOT_FOUND', `There is no pod ${JSON.stringify(name)}; GET /api/v1/fleet lists them.`)
    }
    const answer = await this.askOne(pod, path, shape, options)
    if (answer.isAnswered) return answer.body
    const { status, failure } = answer
    if (toldStatuses.includes(status)) throw new HttpProblem(status, failure.code, failure.detail)
    throw away(failure.detail)
  }

  /** Ask one pod; see {@link askPod}. */
  async askOne<T>(pod: Pod, path: string, shape: Shape<T>, options?: AskOptions): Promise<PodAnswer<T>> {
    const answer = await askPod<T>(this.#caller, pod, path, shape, this.#limits, options)
    if (!answer.isAnswered) this.failures.set(pod.name, (this.failures.get(pod.name) ?? 0) + 1)
    return answer
  }
}

const away = (detail: string): HttpProblem =>
  new HttpProblem(503, 'POD_AWAY', detail, undefined, { 'retry-after': '1' })

/**
 * How each pod did.
 *
 * @throws HttpProblem of the pods' own if they all say that the request is wrong; 503 if none of them answers.
 */
export function reportsOf(
  answers: readonly PodAnswer<unknown>[],
  missing: readonly PodFailure[]
): { readonly pods: PodReport[]; readonly isPartial: boolean } {
  const pods = [...answers.map(reportOf), ...missing.map(failure => ({ ...failure, isAnswered: false, tookMs: 0 }))]
  if (pods.every(({ isAnswered }) => !isAnswered)) throwNoAnswer(answers, pods)
  return { pods, isPartial: pods.some(({ isAnswered }) => !isAnswered) }
}

const reportOf = (answer: PodAnswer<unknown>): PodReport => {
  const { pod, isAnswered, tookMs } = answer
  const { code, detail } = isAnswered ? { code: null, detail: null } : answer.failure
  return { pod: pod.name, isAnswered, tookMs, code, detail }
}

function throwNoAnswer(answers: readonly PodAnswer<unknown>[], pods: readonly PodReport[]): void {
  if (pods.length === 0 && answers.length === 0) {
    throw new HttpProblem(503, 'NO_PODS', 'There is no pod to ask; name some in front.pods.')
  }
  const status = answers[0]?.status ?? 0
  if (isOfRequest(status) && answers.every(answer => answer.status === status)) {
    throw new HttpProblem(status, pods[0]!.code!, pods[0]!.detail!)
  }
  const errors = pods.map(({ pod, detail }) => ({ path: pod, message: detail ?? 'did not answer' }))
  throw new HttpProblem(503, 'NO_POD_ANSWERS', 'No pod of the fleet answers; `errors` says why.', errors)
}
