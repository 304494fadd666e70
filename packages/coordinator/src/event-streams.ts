import { HttpProblem } from '@weir/http'
import { Readable } from 'node:stream'
import type { Clock, Timer } from '@weir/runtime'
import { isWanted } from './event-log.ts'
import type { EventFilter, EventLog, LoggedEvent } from './event-log.ts'

/** `sse`: server-sent events; `ndjson`: a JSON object a line. */
export type EventFormat = 'sse' | 'ndjson'

export interface EventStreamLimits {
  /** Streams at once. */
  readonly subscribers: number
  /** What may wait for one reader. */
  readonly bufferOctets: number
  readonly heartbeatMs: number
}

/** Why the coordinator ended a stream. */
const closings = {
  too_slow: 'You read too slowly: more was waiting for you than is kept for a reader. Come back with the last id.',
  stopping: 'The coordinator is stopping. Come back with the last id.'
} as const
export type ClosingReason = keyof typeof closings

interface Subscriber {
  readonly stream: Readable
  readonly format: EventFormat
  readonly filter: EventFilter
}

/** Who reads the events as they come: bounded in number, and each in what may wait for it. */
export class EventStreams {
  /** Streams ended by the coordinator, by reason. */
  readonly closed: Record<ClosingReason, number> = { too_slow: 0, stopping: 0 }
  readonly #log: EventLog
  readonly #limits: EventStreamLimits
  readonly #subscribers = new Set<Subscriber>()
  readonly #clock: Clock
  #heartbeat: Timer | undefined
  #unsubscribe: (() => void) | undefined

  constructor(log: EventLog, limits: EventStreamLimits, clock: Clock) {
    this.#log = log
    this.#limits = limits
    this.#clock = clock
  }

  start(): void {
    this.#heartbeat = this.#clock.setPeriodic(this.#limits.heartbeatMs, () => this.#beat())
    this.#unsubscribe = this.#log.subscribe(event => this.#tell(event))
  }

  get size(): number {
    return this.#subscribers.size
  }

  /**
   * Open a stream of the events from now on, those missed since `lastId` before them.
   *
   * @throws HttpProblem 503 if as many are open as may be.
   */
  open(format: EventFormat, filter: EventFilter, lastId: string | undefined): Readable {
    const { subscribers, bufferOctets } = this.#limits
    if (this.#subscribers.size >= subscribers) {
      const detail = `${subscribers} read the events already (coordinator.limits.eventSubscribers); end one of them, or ask for /v1/events/recent.`
      throw new HttpProblem(503, 'SUBSCRIBERS_LIMIT', detail)
    }
    const stream = new Readable({ highWaterMark: bufferOctets, read() {} })
    const subscriber: Subscriber = { stream, format, filter }
    stream.once('close', () => this.#subscribers.delete(subscriber))
    // A reader that goes away is no error of ours.
    stream.on('error', () => {})
    this.#subscribers.add(subscriber)
    // The head of the answer leaves with the first octets: a reader is to know at once that it is served.
    stream.push(format === 'sse' ? 'retry: 2000\n\n' : '\n')
    if (lastId !== undefined) {
      const { events, isWhole } = this.#log.since(lastId)
      if (!isWhole) stream.push(framed(format, 'missed', { after: lastId }))
      for (const event of events) this.#give(subscriber, event)
    }
    return stream
  }

  /** End all streams, each with the reason. */
  close(reason: ClosingReason): void {
    this.#heartbeat?.cancel()
    this.#unsubscribe?.()
    for (const subscriber of this.#subscribers) this.#end(subscriber, reason)
  }

  #tell(event: LoggedEvent): void {
    for (const subscriber of this.#subscribers) this.#give(subscriber, event)
  }

  #give(subscriber: Subscriber, event: LoggedEvent): void {
    const { stream, format, filter } = subscriber
    if (!isWanted(event, filter)) return
    stream.push(
      format === 'sse' ? `id: ${event.id}\n${framed('sse', event.type, event)}` : `${JSON.stringify(event)}\n`
    )
    if (stream.readableLength > this.#limits.bufferOctets) this.#end(subscriber, 'too_slow')
  }

  #end(subscriber: Subscriber, reason: ClosingReason): void {
    if (!this.#subscribers.delete(subscriber)) return
    this.closed[reason]++
    const { stream, format } = subscriber
    stream.push(framed(format, 'closed', { reason: closings[reason] }))
    stream.push(null)
  }

  /** So that both sides see that the other one lives. */
  #beat(): void {
    for (const { stream, format } of this.#subscribers) {
      // To one that reads nothing there is no need to say it twice.
      if (stream.readableLength === 0) stream.push(format === 'sse' ? ': heartbeat\n\n' : '\n')
    }
  }
}

/** What is no event of the pod has no id: nobody resumes there. */
function framed(format: EventFormat, name: string, data: object): string {
  return format === 'sse'
    ? `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
    : `${JSON.stringify({ type: name, data })}\n`
}
