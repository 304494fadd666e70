import { CodedError, exitCodes } from '@weir/runtime'
import type { Clock, Log, ProcessMessage, Timer } from '@weir/runtime'
import { BackOff } from './back-off.ts'
import type { ChildHandle, StartChild } from './child-host.ts'

/** What a child is. */
export interface ChildSpec {
  readonly name: string
  /** Arguments of `weir`; as a function: looked up at each start. */
  readonly args: readonly string[] | (() => readonly string[])
  /** A process of the pod: says over the IPC channel that it is ready, and is told there to stop. Else it knows signals only. */
  readonly isProcess: boolean
}

export interface ChildDeps {
  readonly log: Log
  readonly clock: Clock
  readonly startChild: StartChild
  /** Where lines of its standard error go; undefined = straight to ours. */
  readonly onLine?: (line: string) => void
}

type State = 'new' | 'running' | 'waiting' | 'stopping' | 'stopped'

/** One child that is kept running: started again, with a back-off, whenever it ends without having been told to. */
export class SupervisedChild {
  readonly spec: ChildSpec
  readonly #deps: ChildDeps
  readonly #backOff = new BackOff()
  #state: State = 'new'
  #handle: ChildHandle | undefined
  #startedAtMs = 0
  #timer: Timer | undefined
  #failure: Extract<ProcessMessage, { type: 'failed' }> | undefined
  #onFirst: { resolve: () => void; reject: (error: Error) => void } | undefined
  #onGone: (() => void) | undefined
  /** What it said when it became ready last. */
  details: Readonly<Record<string, unknown>> = {}
  restarts = 0

  constructor(spec: ChildSpec, deps: ChildDeps) {
    this.spec = spec
    this.#deps = deps
  }

  get pid(): number | undefined {
    return this.#handle?.pid
  }

  /** Start it; resolves when it is ready. @throws CodedError with its exit code if it ends before: a first start is not repeated. */
  start(signal: AbortSignal): Promise<void> {
    const first = new Promise<void>((resolve, reject) => {
      this.#onFirst = { resolve, reject }
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    this.#spawn()
    return first
  }

  /**
   * Tell it to stop and wait until it is gone; after the deadline it is killed.
   *
   * @throws Error if it had to be killed, or ended otherwise than with 0.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#timer?.cancel()
    if (this.#state === 'new' || this.#state === 'waiting' || this.#state === 'stopped') {
      this.#state = 'stopped'
      return
    }
    this.#state = 'stopping'
    let isKilled = false
    const gone = new Promise<void>(resolve => (this.#onGone = resolve))
    const isTold =
      this.spec.isProcess && this.#handle?.send({ type: 'stop', deadlineMs: Math.max(0, deadlineMs - 200) })
    if (isTold !== true) this.#handle?.kill('SIGTERM')
    const timer = this.#deps.clock.setTimer(deadlineMs, () => {
      isKilled = true
      this.#handle?.kill('SIGKILL')
    })
    await gone
    timer.cancel()
    if (isKilled) throw new Error(`${this.spec.name} did not stop within ${deadlineMs} ms and was killed`)
  }

  /** End it at once; for when we end at once. */
  kill(): void {
    this.#state = 'stopping'
    this.#handle?.kill('SIGKILL')
  }

  #spawn(): void {
    this.#state = 'running'
    this.#failure = undefined
    this.#startedAtMs = this.#deps.clock.monotonicMs()
    const events = {
      onMessage: (message: ProcessMessage) => this.#onMessage(message),
      onExit: (code: number) => this.#onExit(code),
      ...(this.#deps.onLine === undefined ? {} : { onLine: this.#deps.onLine })
    }
    const { args } = this.spec
    this.#handle = this.#deps.startChild(typeof args === 'function' ? args() : args, events, {
      isApart: !this.spec.isProcess
    })
    if (!this.spec.isProcess) this.#becomeReady()
  }

  #onMessage(message: ProcessMessage): void {
    if (message.type === 'failed') this.#failure = message
    if (message.type !== 'ready') return
    this.details = message.details
    this.#becomeReady()
  }

  #becomeReady(): void {
    this.#onFirst?.resolve()
    this.#onFirst = undefined
  }

  #onExit(code: number): void {
    this.#handle = undefined
    if (this.#state === 'stopping') {
      this.#state = 'stopped'
      this.#onGone?.()
      return
    }
    if (this.#onFirst !== undefined) {
      this.#state = 'stopped'
      this.#onFirst.reject(this.#startError(code))
      this.#onFirst = undefined
      return
    }
    this.#startAgain(code)
  }

  #startError(code: number): CodedError {
    const { name } = this.spec
    if (this.#failure === undefined) {
      return new CodedError(
        'CHILD_ENDED',
        `${name} ended with exit code ${code} while starting`,
        code || exitCodes.internal
      )
    }
    return new CodedError(this.#failure.code, this.#failure.message, this.#failure.exitCode, { process: name })
  }

  #startAgain(code: number): void {
    const { log, clock } = this.#deps
    const lifeMs = clock.monotonicMs() - this.#startedAtMs
    const delayMs = this.#backOff.delayAfter(lifeMs)
    this.restarts++
    this.#state = 'waiting'
    log.warn('child_ended', `${this.spec.name} ended with exit code ${code}; it is started again in ${delayMs} ms`, {
      child: this.spec.name,
      exitCode: code,
      lifeMs: Math.round(lifeMs),
      restarts: this.restarts,
      ...(this.#failure === undefined ? {} : { reason: this.#failure.message })
    })
    this.#timer = clock.setTimer(delayMs, () => this.#spawn())
  }
}
