import { Readable } from 'node:stream'
import { HttpProblem } from '@weir/http'
import { delay } from '@weir/runtime'
import type { Clock, Timer } from '@weir/runtime'
import { readEventPlace, writeEventPlace } from './event-place.ts'
import { readPodEvents } from './pod-events.ts'
import type { PodEvent } from './pod-events.ts'
import type { PodCaller } from './pod-caller.ts'
import type { Pod, PodList } from './pod-list.ts'

/** `sse`: server-sent events; `ndjson`: a JSON object a line. */
export type EventFormat = 'sse' | 'ndjson'

export interface EventStreamLimits {
  readonly eventSubscribers: number
  readonly eventBufferOctets: number
  readonly podTimeoutMs: number
  readonly connectionTimeoutMs: number
}

/** What somebody wants to read. */
export interface EventRequest {
  readonly format: EventFormat
  /** As the coordinators take it. */
  readonly filters: Readonly<Record<string, string | undefined>>
  /** Id of the last event that was read. */
  readonly lastId?: string
  /** Id of the key that it is read with. */
  readonly key: string
  /** When the token ends that it is read with, milliseconds since 1970 UTC. */
  readonly untilMs?: number
}

/** Why the front ended a stream. */
const closings = {
  too_slow: 'You read too slowly: more was waiting for you than is kept for a reader. Come back with the last id.',
  key_revoked: 'The key that you read with was revoked.',
  token_expired: 'The token that you read with has ended.',
  stopping: 'The front is stopping. Come back with the last id.'
} as const
export type ClosingReason = keyof typeof closings

const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 5_000
const HEARTBEAT_MS = 15_000

interface Subscriber {
  readonly stream: Readable
  readonly request: EventRequest
  readonly place: Map<string, string>
  /** By url of the pod. */
  readonly readers: Map<string, AbortController>
}

/** The events of all pods as one stream for each reader: each pod is asked for what that reader wants, from where it was. */
export class EventStreams {
  /** Streams ended by the front, by reason. */
  readonly closed: Record<ClosingReason, number> = { too_slow: 0, key_revoked: 0, token_expired: 0, stopping: 0 }
  readonly #list: PodList
  readonly #limits: EventStreamLimits
  readonly #caller: PodCaller
  readonly #clock: Clock
  readonly #subscribers = new Set<Subscriber>()
  #heartbeat: Timer | undefined

  constructor(list: PodList, limits: EventStreamLimits, caller: PodCaller, clock: Clock) {
    this.#caller = caller
    this.#list = list
    this.#limits = limits
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
   * Open a stream of the events from now on, those missed since `lastId` before them.
   *
   * @throws HttpProblem 400 if `lastId` is none; 503 if as many are open as may be.
   */
  open(request: EventRequest): Readable {
    const { eventSubscribers, eventBufferOctets } = this.#limits
    const place = request.lastId === undefined ? new Map<string, string>() : readEventPlace(request.lastId)
    if (this.#subscribers.size >= eventSubscribers) {
      const detail = `${eventSubscribers} read the events already (front.limits.eventSubscribers); end one of them, or ask for /api/v1/events/recent.`
      throw new HttpProblem(503, 'SUBSCRIBERS_LIMIT', detail)
    }
    const stream = new Readable({ highWaterMark: eventBufferOctets, read() {} })
    const subscriber: Subscriber = { stream, request, place, readers: new Map() }
    this.#subscribers.add(subscriber)
    stream.once('close', () => this.#forget(subscriber))
    // A reader that goes away is no error of ours.
    stream.on('error', () => {})
    // The head of the answer leaves with the first octets: a reader is to know at once that it is served.
    stream.push(request.format === 'sse' ? 'retry: 2000\n\n' : '\n')
    void this.#meet(subscriber)
    return stream
  }

  /** End the streams of one key, or all. */
  close(reason: ClosingReason, key?: string): void {
    if (key === undefined) this.#heartbeat?.cancel()
    for (const subscriber of this.#subscribers) {
      if (key === undefined || subscriber.request.key === key) this.#end(subscriber, reason)
    }
  }

  /** Read the pods there are now: those that are new from now on, those that are gone no more. */
  async #meet(subscriber: Subscriber): Promise<void> {
    const { pods } = await this.#list.current()
    if (!this.#subscribers.has(subscriber)) return
    const { readers } = subscriber
    for (const [url, reader] of readers) {
      if (pods.some(pod => pod.url === url)) continue
      readers.delete(url)
      reader.abort()
    }
    for (const pod of pods) {
      if (readers.has(pod.url)) continue
      const reader = new AbortController()
      readers.set(pod.url, reader)
      void this.#follow(subscriber, pod, reader.signal)
    }
  }

  async #follow(subscriber: Subscriber, pod: Pod, signal: AbortSignal): Promise<void> {
    const { place } = subscriber
    let isAway = false
    let waitMs = RETRY_MIN_MS
    while (!signal.aborted) {
      const query = new URLSearchParams({ format: 'ndjson' })
      for (const [key, value] of Object.entries(subscriber.request.filters)) {
        if (value !== undefined) query.set(key, value)
      }
      const after = place.get(pod.name)
      if (after !== undefined) query.set('after', after)
      const options = { connectMs: this.#limits.podTimeoutMs, signal }
      const detail = await readPodEvents(this.#caller, pod, `/v1/events?${query}`, options, {
        onBegun: () => {
          if (isAway) this.#tell(subscriber, { type: 'pod_back', data: { pod: pod.name } })
          isAway = false
          waitMs = RETRY_MIN_MS
        },
        onEvent: event => {
          if (signal.aborted || event.type === 'closed') return
          if (event.id !== undefined) place.set(pod.name, event.id)
          // What the pod numbers anew is not after what it said before.
          else if (event.type === 'missed') place.delete(pod.name)
          this.#tell(subscriber, { ...event, pod: pod.name })
        }
      })
      if (signal.aborted) return
      if (!isAway) this.#tell(subscriber, { type: 'pod_away', data: { pod: pod.name, detail } })
      isAway = true
      await delay(this.#clock, waitMs, signal).catch(() => undefined)
      waitMs = Math.min(RETRY_MAX_MS, 2 * waitMs)
    }
  }

  #tell(subscriber: Subscriber, event: PodEvent): void {
    const { stream, request, place } = subscriber
    if (!this.#subscribers.has(subscriber)) return
    const id = event.id === undefined ? undefined : writeEventPlace(place)
    stream.push(framed(request.format, { ...event, id }))
    if (stream.readableLength > this.#limits.eventBufferOctets) this.#end(subscriber, 'too_slow')
  }

  #end(subscriber: Subscriber, reason: ClosingReason): void {
    if (!this.#forget(subscriber)) return
    this.closed[reason]++
    const { stream, request } = subscriber
    stream.push(framed(request.format, { type: 'closed', data: { reason: closings[reason] } }))
    stream.push(null)
  }

  #forget(subscriber: Subscriber): boolean {
    for (const reader of subscriber.readers.values()) reader.abort()
    subscriber.readers.clear()
    return this.#subscribers.delete(subscriber)
  }

  /** So that both sides see that the other one lives; and pods come and go. */
  #beat(): void {
    for (const subscriber of this.#subscribers) {
      const { stream, request } = subscriber
      if (request.untilMs !== undefined && request.untilMs <= this.#clock.nowMs()) {
        this.#end(subscriber, 'token_expired')
        continue
      }
      if (stream.readableLength === 0) stream.push(request.format === 'sse' ? ': heartbeat\n\n' : '\n')
      void this.#meet(subscriber)
    }
  }
}

/** What is no event of a pod has no id: nobody resumes there. */
function framed(format: EventFormat, event: PodEvent): string {
  const json = JSON.stringify(event)
  if (format === 'ndjson') return `${json}\n`
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  return `${id}event: ${event.type.replaceAll(/[^a-z_]/g, '')}\ndata: ${json}\n\n`
}
