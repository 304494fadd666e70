import { createHmac } from 'node:crypto'
import type { WebhookConfig } from '@weir/config'
import type { Clock, Log, Timer } from '@weir/runtime'
import type { LoggedEvent } from '../event-log.ts'
import type { post, Posted } from './post.ts'

/** How events ended, and attempts. */
export const webhookOutcomes = ['delivered', 'failed', 'dropped', 'retried'] as const
export type WebhookOutcome = (typeof webhookOutcomes)[number]

export interface WebhookDeps {
  /** Where events are told. */
  readonly url: string
  readonly clock: Clock
  readonly log: Log
  /** Key of the signature. */
  readonly secret: Uint8Array | undefined
  readonly post: typeof post
  readonly allows: (address: string) => boolean
  /** 0..1, for jitter; tests set it. */
  readonly random?: () => number
}

/** Answers that may be others later. */
const retried: ReadonlySet<number> = new Set([408, 425, 429])

/** Tells one receiver of events, one after the other; nothing waits for it. */
export class Webhook {
  readonly id: string
  readonly counts: Record<WebhookOutcome, number> = { delivered: 0, failed: 0, dropped: 0, retried: 0 }
  readonly #config: WebhookConfig
  readonly #deps: WebhookDeps
  readonly #events: ReadonlySet<string>
  readonly #queue: LoggedEvent[] = []
  readonly #ended = new AbortController()
  #timer: Timer | undefined
  #attempts = 0
  #isBusy = false

  constructor(config: WebhookConfig, deps: WebhookDeps) {
    this.id = config.id
    this.#config = config
    this.#deps = deps
    this.#events = new Set(config.events)
  }

  /** Events that wait, the one under way included. */
  get size(): number {
    return this.#queue.length
  }

  /** Take an event, if it is one that is wanted; where there is no room the oldest goes that is not under way. */
  offer(event: LoggedEvent): void {
    if (this.#ended.signal.aborted || !this.#events.has(event.type)) return
    this.#queue.push(event)
    if (this.#queue.length > this.#config.queue) {
      this.#queue.splice(this.#attempts > 0 ? 1 : 0, 1)
      this.counts.dropped++
    }
    this.#run()
  }

  /** Give up what waits. */
  stop(): void {
    this.#timer?.cancel()
    this.counts.dropped += this.#queue.length
    this.#queue.length = 0
    this.#ended.abort()
  }

  #run(): void {
    const event = this.#queue[0]
    if (event === undefined || this.#isBusy || this.#timer !== undefined) return
    this.#isBusy = true
    void this.#attempt(event).then(answer => {
      this.#isBusy = false
      if (!this.#ended.signal.aborted) this.#settle(event, answer)
    })
  }

  #attempt(event: LoggedEvent): Promise<Posted> {
    const { clock, url, secret, post, allows } = this.#deps
    const { timeoutMs } = this.#config
    this.#attempts++
    const body = JSON.stringify(event)
    const timestamp = String(Math.trunc(clock.nowMs() / 1_000))
    const headers: Record<string, string> = {
      'user-agent': 'weir',
      'weir-event': event.type,
      'weir-delivery': event.id,
      'weir-timestamp': timestamp
    }
    if (secret !== undefined) {
      headers['weir-signature'] = `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
    }
    return post({ url, headers, body, timeoutMs, allows, signal: this.#ended.signal })
  }

  #settle(event: LoggedEvent, answer: Posted): void {
    const { status } = answer
    if (status !== undefined && status >= 200 && status < 300) this.counts.delivered++
    else if (isWorthwhile(answer) && this.#attempts < this.#config.attempts) {
      this.counts.retried++
      this.#wait('retryAfterMs' in answer ? answer.retryAfterMs : undefined)
      return
    } else {
      this.counts.failed++
      const { log } = this.#deps
      const why = status === undefined && 'failure' in answer ? answer.failure : `it answered ${status}`
      log.warn('webhook_failed', `webhook ${this.id} was not told of an event: ${why}`, {
        webhook: this.id,
        event: event.type,
        attempts: this.#attempts
      })
    }
    this.#attempts = 0
    this.#queue.shift()
    this.#run()
  }

  #wait(retryAfterMs = 0): void {
    const { clock, random = Math.random } = this.#deps
    const { retryMinMs, retryMaxMs } = this.#config
    const backOffMs = retryMinMs * 2 ** Math.min(30, this.#attempts - 1) * (1 + random() / 2)
    this.#timer = clock.setTimer(Math.min(retryMaxMs, Math.max(backOffMs, retryAfterMs)), () => {
      this.#timer = undefined
      this.#run()
    })
  }
}

function isWorthwhile(answer: Posted): boolean {
  if (answer.status === undefined) return answer.failure !== 'denied'
  return answer.status >= 500 || retried.has(answer.status)
}
