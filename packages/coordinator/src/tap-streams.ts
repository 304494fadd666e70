import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { HttpProblem } from '@weir/http'
import { delay } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import type { TapCounts } from '@weir/http'
import type { Pod } from './pod.ts'

/** What somebody wants to see. */
export interface TapRequest {
  readonly filter: string | null
  readonly exporter: string | null
  readonly destination: string | null
  /** Records a second at most. */
  readonly rate: number
  /** Records in all. */
  readonly limit: number
}

/** `sse`: server-sent events; `ndjson`: a JSON object a line. */
export type TapFormat = 'sse' | 'ndjson'

export interface TapStreamLimits {
  readonly eventSubscribers: number
  readonly eventBufferOctets: number
}

/** Why a stream ends. */
const closings = {
  limit: 'All records that were asked for are shown.',
  too_slow: 'You read too slowly: nothing was taken for half a minute.',
  stopping: 'The coordinator is stopping.'
} as const
export type TapClosing = keyof typeof closings

interface TapAnswer {
  /** Lines of JSON, each with its line feed. */
  readonly text: string
  readonly counts: TapCounts
  readonly isDone: boolean
}

interface Subscriber {
  readonly stream: Readable
  readonly format: TapFormat
  readonly request: TapRequest
  readonly end: AbortController
  /** Of taps of mediators that are gone. */
  before: TapCounts
  counts: TapCounts
  toldAtMs: number
  told: TapCounts
}

const none: TapCounts = { passed: 0, matched: 0, unasked: 0, shown: 0, skipped: 0, dropped: 0 }

/** Time between two questions while there is something to read: what comes meanwhile is one answer. */
const PAUSE_MS = 100
const WAIT_MS = 1_000
const COUNTS_MS = 1_000
/** Time for an answer, the wait included. */
const ANSWER_MS = 5_000
const HEARTBEAT_MS = 10_000
const SLOW_MS = 30_000

/**
 * Taps as streams. The mediator keeps what a tap shows until it is asked, in a buffer that has an end; it is asked only while the
 * reader takes what it is given. So a slow reader loses records, which is counted, and nobody else waits.
 */
export class TapStreams {
  /** Streams ended by the coordinator, by reason. */
  readonly closed: Record<TapClosing, number> = { limit: 0, too_slow: 0, stopping: 0 }
  readonly #pod: Pod
  readonly #limits: TapStreamLimits
  readonly #clock: Clock
  readonly #subscribers = new Set<Subscriber>()

  constructor(pod: Pod, limits: TapStreamLimits, clock: Clock) {
    this.#pod = pod
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#subscribers.size
  }

  /**
   * Open a tap.
   *
   * @throws HttpProblem 404 if there is no such destination; 503 if as many are open as may be, or there is no mediator.
   */
  async open(format: TapFormat, request: TapRequest): Promise<Readable> {
    const { eventSubscribers, eventBufferOctets } = this.#limits
    if (this.#subscribers.size >= eventSubscribers) {
      const detail = `${eventSubscribers} taps are open already (coordinator.limits.eventSubscribers); end one of them.`
      throw new HttpProblem(503, 'SUBSCRIBERS_LIMIT', detail)
    }
    const stream = new Readable({ highWaterMark: eventBufferOctets, read() {} })
    const end = new AbortController()
    const nowMs = this.#clock.monotonicMs()
    const subscriber = { stream, format, request, end, before: none, counts: none, told: none, toldAtMs: nowMs }
    // Counted from now on: many that come at once are not more than may be.
    this.#subscribers.add(subscriber)
    let id: string
    try {
      id = await this.#openTap(request)
    } catch (error) {
      this.#subscribers.delete(subscriber)
      throw error
    }
    stream.once('close', () => {
      this.#subscribers.delete(subscriber)
      end.abort()
    })
    // A reader that goes away is no error of ours.
    stream.on('error', () => {})
    // The head of the answer leaves with the first octets: a reader is to know at once that it is served.
    stream.push(format === 'sse' ? ': open\n\n' : '\n')
    void this.#follow(subscriber, id)
    return stream
  }

  /** End all streams, each with the reason. */
  close(reason: TapClosing): void {
    for (const subscriber of this.#subscribers) this.#end(subscriber, reason)
  }

  async #openTap(request: TapRequest): Promise<string> {
    const id = randomUUID()
    await this.#pod.mediator('tap.open', { id, ...request })
    return id
  }

  async #follow(subscriber: Subscriber, opened: string): Promise<void> {
    const { end, request, stream } = subscriber
    let id: string | undefined = opened
    let takenAtMs = this.#clock.monotonicMs()
    let saidAtMs = takenAtMs
    while (!end.signal.aborted) {
      const nowMs = this.#clock.monotonicMs()
      const isTaken = stream.readableLength <= this.#limits.eventBufferOctets / 4
      if (isTaken) takenAtMs = nowMs
      else if (nowMs - takenAtMs > SLOW_MS) this.#end(subscriber, 'too_slow')
      try {
        id ??= await this.#openTap({ ...request, limit: Math.max(1, request.limit - subscriber.counts.shown) })
        const answer: TapAnswer = await this.#read(id, isTaken)
        if (this.#give(subscriber, answer)) saidAtMs = nowMs
        if (answer.isDone) this.#end(subscriber, 'limit')
      } catch {
        // The mediator is away, or has begun anew: the tap goes on as soon as there is one.
        id = undefined
        subscriber.before = subscriber.counts
      }
      if (isTaken && nowMs - saidAtMs > HEARTBEAT_MS && !end.signal.aborted) {
        stream.push(subscriber.format === 'sse' ? ': heartbeat\n\n' : '\n')
        saidAtMs = nowMs
      }
      await delay(this.#clock, isTaken && id !== undefined ? PAUSE_MS : WAIT_MS, end.signal).catch(() => undefined)
    }
    if (id !== undefined) await this.#pod.mediator('tap.close', { id }).catch(() => undefined)
  }

  async #read(id: string, isTaken: boolean): Promise<TapAnswer> {
    return (await this.#pod.mediator('tap.read', { id, isTaken, waitMs: WAIT_MS }, ANSWER_MS)) as unknown as TapAnswer
  }

  /** @returns whether anything was said. */
  #give(subscriber: Subscriber, { text: lines, counts }: TapAnswer): boolean {
    const { stream, format, before } = subscriber
    if (!this.#subscribers.has(subscriber)) return false
    subscriber.counts = sumOf(before, counts)
    if (lines !== '') stream.push(format === 'ndjson' ? lines : eventsOf(lines))
    const nowMs = this.#clock.monotonicMs()
    const isTold = nowMs - subscriber.toldAtMs >= COUNTS_MS && !isEqual(subscriber.told, subscriber.counts)
    if (isTold) {
      stream.push(framed(format, 'counts', { ...subscriber.counts }))
      subscriber.toldAtMs = nowMs
      subscriber.told = subscriber.counts
    }
    return lines !== '' || isTold
  }

  #end(subscriber: Subscriber, reason: TapClosing): void {
    if (!this.#subscribers.delete(subscriber)) return
    this.closed[reason]++
    const { stream, format, counts, end } = subscriber
    stream.push(framed(format, 'closed', { reason, detail: closings[reason], counts }))
    stream.push(null)
    end.abort()
  }
}

const names = ['passed', 'matched', 'unasked', 'shown', 'skipped', 'dropped'] as const

const sumOf = (one: TapCounts, other: TapCounts): TapCounts => ({
  passed: one.passed + other.passed,
  matched: one.matched + other.matched,
  unasked: one.unasked + other.unasked,
  shown: one.shown + other.shown,
  skipped: one.skipped + other.skipped,
  dropped: one.dropped + other.dropped
})

const isEqual = (one: TapCounts, other: TapCounts): boolean => names.every(name => one[name] === other[name])

/** Lines of records as events. */
const eventsOf = (lines: string): string =>
  lines
    .slice(0, -1)
    .split('\n')
    .map(line => `event: record\ndata: ${line}\n\n`)
    .join('')

/** What is no record of the pod: `recordType` tells it from one, as it does with options records. */
function framed(format: TapFormat, name: string, data: object): string {
  return format === 'sse'
    ? `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
    : `${JSON.stringify({ recordType: name, ...data })}\n`
}
