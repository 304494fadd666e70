import { errorMessage } from '@weir/runtime'
import { IdleWait } from './idle-wait.ts'
import type { Writable } from 'node:stream'
import type { Chunk } from '../destinations/chunk.ts'
import type { Output, OutputState } from '../destinations/output.ts'
import type { OutputDeps } from './tcp-output.ts'

/** Chunks to standard output. If whoever reads it goes away, it does not come back. */
export class StreamOutput implements Output {
  readonly isLazy = false
  readonly hasOpenFile = false
  readonly #stream: Writable
  readonly #deps: OutputDeps
  readonly #idle = new IdleWait()
  readonly #onError: (error: Error) => void
  #isReady = false
  #under = 0
  #sessions = 0
  #writtenOctets = 0
  #lastError: string | undefined

  constructor(stream: Writable, deps: OutputDeps) {
    this.#stream = stream
    this.#deps = deps
    this.#onError = error => this.#fail(error)
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get state(): OutputState {
    return {
      status: this.#isReady ? 'ready' : 'closed',
      target: 'stdout',
      sessions: this.#sessions,
      attempts: this.#sessions,
      sendErrors: this.#lastError === undefined ? 0 : 1,
      writtenOctets: this.#writtenOctets,
      lastError: this.#lastError,
      nextAttemptAtMs: undefined
    }
  }

  open(): void {
    this.#stream.on('error', this.#onError)
    this.#sessions++
    this.#isReady = true
    this.#deps.events.onReady()
  }

  write(chunk: Chunk): void {
    this.#under++
    const lengthOctets = chunk.end
    this.#stream.write(chunk.octets.subarray(0, lengthOctets), error => {
      if (error || !this.#isReady) return
      this.#under--
      this.#writtenOctets += lengthOctets
      this.#deps.events.onWritten(chunk)
      if (this.#under === 0) this.#idle.end()
    })
  }

  wantsRotation(): boolean {
    return false
  }

  rotate(): void {}

  tick(): void {}

  async close(deadlineMs: number): Promise<void> {
    if (this.#isReady && this.#under > 0 && deadlineMs > 0) await this.#idle.wait(this.#deps.clock, deadlineMs)
    this.#isReady = false
    // A late EPIPE must not end the process: the listener stays.
  }

  #fail(error: Error): void {
    this.#lastError = errorMessage(error)
    if (!this.#isReady) return
    this.#isReady = false
    this.#deps.log.error('stdout_failed', `standard output cannot be written: ${this.#lastError}`)
    this.#deps.events.onLost()
    this.#idle.end()
  }
}
