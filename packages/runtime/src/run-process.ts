import { systemClock, delay } from './clock.ts'
import { CodedError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { Clock } from './clock.ts'
import type { Component } from './component.ts'
import type { Log } from './log.ts'

/** What a child tells the supervisor, over the IPC channel. */
export type ProcessMessage =
  | { readonly type: 'ready'; readonly process: string; readonly details: Readonly<Record<string, unknown>> }
  | {
      readonly type: 'failed'
      readonly process: string
      readonly code: string
      readonly message: string
      readonly exitCode: number
    }

/** What the supervisor tells a child. */
export interface SupervisorMessage {
  readonly type: 'stop'
  /** Milliseconds in which it has to be gone; default {@link RunOptions.stopMs}. */
  readonly deadlineMs?: number
}

/** The part of `process` that is used here, so that tests can stand in for it. */
export interface ProcessHost {
  readonly connected?: boolean
  on(event: string, listener: (...values: never[]) => void): unknown
  off(event: string, listener: (...values: never[]) => void): unknown
  exit(code: number): void
  send?(message: ProcessMessage): unknown
}

export interface RunOptions {
  readonly log: Log
  readonly clock?: Clock
  /** All of the stop together; default 25,000 ms, so that a supervisor's 30 s hold. */
  readonly stopMs?: number
  /** Facts for whoever started us, once all components serve. */
  readonly describe?: () => Readonly<Record<string, unknown>>
  readonly host?: ProcessHost
}

/** Signals this close together are one. */
const SAME_SIGNAL_MS = 500

/**
 * Run one process until it is told to stop: components start in order and stop in reverse.
 *
 * Stops on SIGTERM, SIGINT or the supervisor's word, and when the supervisor is gone (its IPC channel closes). Under a
 * supervisor a first signal is left to it, because a terminal sends SIGINT to the whole group and the order of stopping
 * matters. A second signal, half a second later or more,
 * ends at once with 128 + its number. An uncaught error is logged and ends with 70.
 *
 * @returns never in a real process: it exits. With a stand-in host, resolves with the exit code.
 */
export async function runProcess(name: string, components: readonly Component[], options: RunOptions): Promise<number> {
  return new ProcessRun(name, components, options).run()
}

class ProcessRun {
  readonly #name: string
  readonly #components: readonly Component[]
  readonly #log: Log
  readonly #clock: Clock
  readonly #host: ProcessHost
  readonly #options: RunOptions
  readonly #isSupervised: boolean
  readonly #abort = new AbortController()
  readonly #listeners: [string, (...values: never[]) => void][] = []
  #started = 0
  #signalAtMs: number | undefined
  #stopMs: number
  #exitCode: number = exitCodes.ok
  #onStop!: () => void
  readonly #stopAsked = new Promise<void>(resolve => (this.#onStop = resolve))
  #isExited = false

  constructor(name: string, components: readonly Component[], options: RunOptions) {
    this.#name = name
    this.#components = components
    this.#options = options
    this.#log = options.log
    this.#clock = options.clock ?? systemClock
    this.#host = options.host ?? (process as unknown as ProcessHost)
    this.#stopMs = options.stopMs ?? 25_000
    this.#isSupervised = this.#host.send !== undefined && this.#host.connected !== false
  }

  async run(): Promise<number> {
    this.#listen()
    try {
      await this.#startAll()
      if (!this.#abort.signal.aborted) await this.#serve()
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#fail(error)
    }
    await this.#stopAll()
    this.#log.info('process_stopped', `${this.#name} stopped`, { exitCode: this.#exitCode })
    this.#exit(this.#exitCode)
    return this.#exitCode
  }

  async #startAll(): Promise<void> {
    for (const component of this.#components) {
      if (this.#abort.signal.aborted) return
      this.#started++
      await component.start(this.#abort.signal)
    }
  }

  async #serve(): Promise<void> {
    const details = this.#options.describe?.() ?? {}
    this.#log.info('process_ready', `${this.#name} is ready`, details)
    this.#send({ type: 'ready', process: this.#name, details })
    await this.#stopAsked
  }

  async #stopAll(): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + this.#stopMs
    for (let index = this.#started - 1; index >= 0; index--) {
      const component = this.#components[index]!
      const leftMs = Math.max(0, deadlineMs - this.#clock.monotonicMs())
      const late = new AbortController()
      try {
        await Promise.race([
          component.stop(leftMs),
          delay(this.#clock, leftMs + 500, late.signal).then(() => {
            throw new Error(`did not stop within ${Math.round(leftMs)} ms`)
          })
        ])
      } catch (error) {
        this.#log.error('stop_failed', `${component.name} did not stop in order`, { error })
        if (this.#exitCode === exitCodes.ok) this.#exitCode = exitCodes.internal
      } finally {
        late.abort()
      }
    }
  }

  #listen(): void {
    this.#on('SIGTERM', () => this.#onSignal('SIGTERM', 15))
    this.#on('SIGINT', () => this.#onSignal('SIGINT', 2))
    this.#on('disconnect', () => this.#askStop('the supervisor is gone'))
    this.#on('message', (message: SupervisorMessage) => {
      if (message?.type !== 'stop') return
      this.#stopMs = message.deadlineMs ?? this.#stopMs
      this.#askStop('the supervisor says so')
    })
    this.#on('uncaughtException', (error: Error) => this.#onUncaught(error))
    this.#on('unhandledRejection', (error: unknown) => this.#onUncaught(error))
  }

  #on(event: string, listener: (...values: never[]) => void): void {
    this.#listeners.push([event, listener])
    this.#host.on(event, listener)
  }

  #onSignal(signal: string, number: number): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#signalAtMs !== undefined) {
      // One Ctrl-C comes from the terminal and again from npm and the launcher, which pass on what they get.
      if (nowMs - this.#signalAtMs >= SAME_SIGNAL_MS) this.#exit(128 + number)
      return
    }
    this.#signalAtMs = nowMs
    if (this.#isSupervised && this.#host.connected !== false && !this.#abort.signal.aborted) {
      this.#log.debug('signal_left', `${signal} is left to the supervisor; a second one ends at once`)
      return
    }
    this.#askStop(signal)
  }

  #askStop(reason: string): void {
    if (this.#abort.signal.aborted) return
    this.#log.info('process_stopping', `${this.#name} stops: ${reason}`)
    this.#abort.abort(new Error(`stopped: ${reason}`))
    this.#onStop()
  }

  #fail(error: unknown): void {
    const coded = error instanceof CodedError ? error : undefined
    this.#exitCode = coded?.exitCode ?? exitCodes.internal
    const message = error instanceof Error ? error.message : String(error)
    // What the operator can mend needs no stack.
    const isDefect = this.#exitCode === exitCodes.internal
    this.#log.error(
      'start_failed',
      `${this.#name} cannot start: ${message}`,
      isDefect ? { error } : { error: coded?.code }
    )
    this.#send({
      type: 'failed',
      process: this.#name,
      code: coded?.code ?? 'INTERNAL',
      message,
      exitCode: this.#exitCode
    })
  }

  #onUncaught(error: unknown): void {
    // Nothing is known of the state any more: no draining, out at once, and whoever supervises starts anew (F-08).
    this.#log.error('uncaught', `${this.#name} ends by a defect`, { error })
    this.#exit(exitCodes.internal)
  }

  #send(message: ProcessMessage): void {
    if (this.#isSupervised && this.#host.connected !== false) this.#host.send?.(message)
  }

  #exit(code: number): void {
    if (this.#isExited) return
    this.#isExited = true
    for (const [event, listener] of this.#listeners) this.#host.off(event, listener)
    this.#log.flush()
    this.#host.exit(code)
  }
}
