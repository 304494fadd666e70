import { Readable } from 'node:stream'
import { HttpProblem, tapCounts } from '@weir/http'
import { delay } from '@weir/runtime'
import type { TapCounts, TapFormat } from '@weir/http'
import type { Clock, Timer } from '@weir/runtime'
import { isOfRequest } from './fleet.ts'
import type { PodCaller } from './pod-caller.ts'
import { readPodLines } from './pod-lines.ts'
import type { PodStreamEnd } from './pod-lines.ts'
import type { Pod, PodList } from './pod-list.ts'

/** What somebody wants to see. */
export interface FleetTapRequest {
  readonly format: TapFormat
  /** As the coordinators take it: filter, exporter, destination. */
  readonly wanted: Readonly<Record<string, string | undefined>>
  /** The one pod that is asked; undefined: all. */
  readonly pod: string | undefined
  /** Records a second at most, of all pods together. */
  readonly rate: number
  /** Records in all. */
  readonly limit: number
  /** Id of the key that it is read with. */
  readonly key: string
  /** When the token ends that it is read with, milliseconds since 1970 UTC. */
  readonly untilMs?: number | undefined
}

export interface FleetTapLimits {
  readonly eventSubscribers: number
  readonly eventBufferOctets: number
  readonly podTimeoutMs: number
  readonly connectionTimeoutMs: number
}

/** Why the front ended a stream. */
const closings = {
  limit: 'All records that were asked for are shown.',
  too_slow: 'You read too slowly: nothing was taken for half a minute.',
  key_revoked: 'The key that you read with was revoked.',
  token_expired: 'The token that you read with has ended.',
  stopping: 'The front is stopping.'
} as const
export type TapClosing = keyof typeof closings

const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 5_000
const HEARTBEAT_MS = 10_000
const SLOW_MS = 30_000
const COUNTS_MS = 1_000

interface Subscriber {
  readonly stream: Readable
  readonly request: FleetTapRequest
  readonly end: AbortController
  /** Of each pod by its name: of streams that ended, and of the one that is read. */
  readonly counts: Map<string, { before: TapCounts; now: TapCounts }>
  shown: number
  /** Those who have something for the reader and wait until he takes what he has. */
  waiting: (() => void)[]
  /** When he took the last; monotonic. */
  takenAtMs: number
  toldAtMs: number
}

/** How the stream of one pod began. */
type Beginning = { readonly isBegun: true } | { readonly isBegun: false; readonly pod: Pod; readonly end: PodStreamEnd }

/**
 * Taps of all pods as one stream for each reader. A pod is read only while the reader takes what he is given; what he does not take is
 * dropped by the pod, and counted there.
 */
export class TapStreams {
  /** Streams ended by the front, by reason. */
  readonly closed: Record<TapClosing, number> = { limit: 0, too_slow: 0, key_revoked: 0, token_expired: 0, stopping: 0 }
  readonly #list: PodList
  readonly #limits: FleetTapLimits
  readonly #caller: PodCaller
  readonly #clock: Clock
  readonly #subscribers = new Set<Subscriber>()
  #heartbeat: Timer | undefined

  constructor(list: PodList, limits: FleetTapLimits, caller: PodCaller, clock: Clock) {
    this.#list = list
    this.#limits = limits
    this.#caller = caller
    this.#clock = clock
  }

  start(): void {
    // A connection on which nothing happens is closed.
    const everyMs = Math.min(HEARTBEAT_MS, this.#limits.connectionTimeoutMs / 3)
    this.#heartbeat = this.#clock.setPeriodic(everyMs, () => this.#beat())
  }

  get size(): number {
    return this.#subscribers.size
  }

  /**
   * Open a tap on the pods that there are now.
   *
   * @throws HttpProblem that of the pods if all refuse the same; 404 if there is no such pod; 503 if none answers, or as many taps are
   * open as may be.
   */
  async open(request: FleetTapRequest): Promise<Readable> {
    const { eventSubscribers, eventBufferOctets } = this.#limits
    if (this.#subscribers.size >= eventSubscribers) {
      const detail = `${eventSubscribers} taps are open already (front.limits.eventSubscribers); end one of them.`
      throw new HttpProblem(503, 'SUBSCRIBERS_LIMIT', detail)
    }
    const nowMs = this.#clock.monotonicMs()
    const stream = new Readable({
      highWaterMark: Math.ceil(eventBufferOctets / 4),
      read: () => {
        subscriber.takenAtMs = this.#clock.monotonicMs()
        for (const go of subscriber.waiting.splice(0)) go()
      }
    })
    const subscriber: Subscriber = {
      stream,
      request,
      end: new AbortController(),
      counts: new Map(),
      shown: 0,
      waiting: [],
      takenAtMs: nowMs,
      toldAtMs: nowMs
    }
    // Counted from now on: many that come at once are not more than may be.
    this.#subscribers.add(subscriber)
    stream.once('close', () => this.#forget(subscriber))
    // A reader that goes away is no error of ours.
    stream.on('error', () => {})
    try {
      await this.#begin(subscriber)
    } catch (error) {
      stream.destroy()
      this.#forget(subscriber)
      throw error
    }
    return stream
  }

  /** End the streams of one key, or all. */
  close(reason: TapClosing, key?: string): void {
    if (key === undefined) this.#heartbeat?.cancel()
    for (const subscriber of this.#subscribers) {
      if (key === undefined || subscriber.request.key === key) this.#end(subscriber, reason)
    }
  }

  async #begin(subscriber: Subscriber): Promise<void> {
    const { stream, request } = subscriber
    const { pods, failures } = await this.#list.current()
    const asked = request.pod === undefined ? pods : pods.filter(({ name }) => name === request.pod)
    if (asked.length === 0) throw noPod(request.pod, failures.length > 0)
    // The head of the answer leaves with the first octets: a reader is to know at once that it is served.
    stream.push(request.format === 'sse' ? ': open\n\n' : '\n')
    const rate = Math.ceil(request.rate / asked.length)
    const refused: (Beginning & { isBegun: false })[] = []
    await new Promise<void>((resolve, reject) => {
      for (const pod of asked) {
        void this.#follow(subscriber, pod, rate, beginning => {
          if (beginning.isBegun) return resolve()
          refused.push(beginning)
          if (refused.length === asked.length) reject(noAnswer(refused))
        })
      }
    })
  }

  async #follow(
    subscriber: Subscriber,
    pod: Pod,
    rate: number,
    onFirst: (beginning: Beginning) => void
  ): Promise<void> {
    const { end, request } = subscriber
    const { signal } = end
    let isFirst = true
    let isAway = false
    let waitMs = RETRY_MIN_MS
    const first = (beginning: Beginning): void => {
      if (isFirst) onFirst(beginning)
      isFirst = false
    }
    while (!signal.aborted) {
      const query = new URLSearchParams({
        format: 'ndjson',
        rate: String(rate),
        limit: String(Math.max(1, request.limit - subscriber.shown))
      })
      for (const [key, value] of Object.entries(request.wanted)) if (value !== undefined) query.set(key, value)
      const options = { connectMs: this.#limits.podTimeoutMs, signal }
      const over = await readPodLines(this.#caller, pod, `/v1/tap?${query}`, options, {
        onBegun: () => {
          first({ isBegun: true })
          if (isAway) this.#say(subscriber, 'pod_back', { pod: pod.name })
          isAway = false
          waitMs = RETRY_MIN_MS
        },
        onLines: lines => this.#give(subscriber, pod.name, lines)
      })
      first({ isBegun: false, pod, end: over })
      if (signal.aborted) return
      const its = subscriber.counts.get(pod.name)
      if (its !== undefined) its.before = sumOf(its.before, its.now)
      if (its !== undefined) its.now = none
      if (!isAway) this.#say(subscriber, 'pod_away', { pod: pod.name, detail: over.reason })
      isAway = true
      await delay(this.#clock, waitMs, signal).catch(() => undefined)
      waitMs = Math.min(RETRY_MAX_MS, 2 * waitMs)
    }
  }

  /** Give the reader what a pod has told; waits until he takes it. */
  async #give(subscriber: Subscriber, pod: string, lines: readonly string[]): Promise<void> {
    const { stream, request, end } = subscriber
    const prefix = `{"pod":${JSON.stringify(pod)}`
    let text = ''
    for (const line of lines) {
      if (line.startsWith('{"recordType":"counts"') || line.startsWith('{"recordType":"closed"')) {
        this.#count(subscriber, pod, line)
        continue
      }
      if (subscriber.shown >= request.limit) break
      subscriber.shown++
      const record = line === '{}' ? `${prefix}}` : `${prefix},${line.slice(1)}`
      text += request.format === 'ndjson' ? `${record}\n` : `event: record\ndata: ${record}\n\n`
    }
    if (!this.#subscribers.has(subscriber)) return
    const hasRoom = text === '' || stream.push(text)
    if (subscriber.shown >= request.limit) return this.#end(subscriber, 'limit')
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - subscriber.toldAtMs >= COUNTS_MS) {
      subscriber.toldAtMs = nowMs
      this.#say(subscriber, 'counts', countsOf(subscriber))
    }
    if (hasRoom || end.signal.aborted) return
    await new Promise<void>(resolve => subscriber.waiting.push(resolve))
  }

  #count(subscriber: Subscriber, pod: string, line: string): void {
    const said = countsIn(line)
    if (said === undefined) return
    const its = subscriber.counts.get(pod) ?? { before: none, now: none }
    its.now = sumOf(none, said)
    subscriber.counts.set(pod, its)
  }

  /** What is no record. */
  #say(subscriber: Subscriber, name: string, data: object): void {
    if (!this.#subscribers.has(subscriber)) return
    subscriber.stream.push(framed(subscriber.request.format, name, data))
  }

  #end(subscriber: Subscriber, reason: TapClosing): void {
    if (!this.#subscribers.has(subscriber)) return
    this.#say(subscriber, 'closed', { reason, detail: closings[reason], counts: countsOf(subscriber) })
    this.#forget(subscriber)
    this.closed[reason]++
    subscriber.stream.push(null)
  }

  #forget(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    subscriber.end.abort()
    for (const go of subscriber.waiting.splice(0)) go()
  }

  /** So that both sides see that the other one lives. */
  #beat(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const subscriber of this.#subscribers) {
      const { stream, request, waiting, takenAtMs } = subscriber
      if (request.untilMs !== undefined && request.untilMs <= this.#clock.nowMs())
        this.#end(subscriber, 'token_expired')
      else if (waiting.length > 0 && nowMs - takenAtMs > SLOW_MS) this.#end(subscriber, 'too_slow')
      else if (stream.readableLength === 0) stream.push(request.format === 'sse' ? ': heartbeat\n\n' : '\n')
    }
  }
}

const none: TapCounts = { passed: 0, matched: 0, unasked: 0, shown: 0, skipped: 0, dropped: 0 }
const names = Object.keys(tapCounts) as (keyof TapCounts)[]

const sumOf = (one: TapCounts, other: TapCounts): TapCounts =>
  Object.fromEntries(names.map(name => [name, one[name] + other[name]])) as unknown as TapCounts

/** @returns undefined if a pod says something else than counts. */
function countsIn(line: string): TapCounts | undefined {
  try {
    const said = JSON.parse(line) as TapCounts & { readonly counts?: TapCounts }
    const counts = said.counts ?? said
    return names.every(name => Number.isSafeInteger(counts[name])) ? counts : undefined
  } catch {
    return undefined
  }
}

const countsOf = ({ counts }: Subscriber): TapCounts =>
  [...counts.values()].reduce((sum, { before, now }) => sumOf(sum, sumOf(before, now)), none)

function framed(format: TapFormat, name: string, data: object): string {
  return format === 'sse'
    ? `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
    : `${JSON.stringify({ recordType: name, ...data })}\n`
}

function noPod(name: string | undefined, isMissing: boolean): HttpProblem {
  if (name !== undefined && !isMissing) {
    return new HttpProblem(404, 'NOT_FOUND', `There is no pod ${JSON.stringify(name)}; GET /api/v1/fleet lists them.`)
  }
  return new HttpProblem(503, 'NO_PODS', 'There is no pod to ask; GET /api/v1/fleet says why.')
}

/** All pods refuse: their own word if it is one, else that none answers. */
function noAnswer(refused: readonly (Beginning & { isBegun: false })[]): HttpProblem {
  const [one] = refused
  const first = one?.end.refusal
  const isOne = first !== undefined && isOfRequest(first.status)
  if (isOne && refused.every(({ end }) => end.refusal?.status === first.status)) {
    return new HttpProblem(first.status, first.code, first.detail, first.errors)
  }
  const errors = refused.map(({ pod, end }) => ({ path: pod.name, message: end.reason }))
  return new HttpProblem(503, 'NO_POD_ANSWERS', 'No pod of the fleet answers; `errors` says why.', errors)
}
