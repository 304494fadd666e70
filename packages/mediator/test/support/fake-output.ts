import { StrictReader } from './strict-reader.ts'
import type { Chunk } from '../../src/destinations/chunk.ts'
import type { Output, OutputEvents, OutputState } from '../../src/destinations/output.ts'

/** An output that does what a test says, when it says so. Each session has a reader that forgives nothing. */
export class FakeOutput implements Output {
  readonly isLazy = false
  readonly hasOpenFile = false
  readonly events: OutputEvents
  readonly sessions: StrictReader[] = []
  /** Serial numbers of chunks that were reported as written, in that order. */
  readonly written: Uint8Array[] = []
  isReady = false
  wantsNewSession = false
  readonly #under: { chunk: Chunk; octets: Uint8Array }[] = []

  constructor(events: OutputEvents) {
    this.events = events
  }

  open(): void {}

  becomeReady(): void {
    if (this.isReady) return
    this.isReady = true
    this.sessions.push(new StrictReader('tcp'))
    this.events.onReady()
  }

  lose(): void {
    if (!this.isReady) return
    this.isReady = false
    this.#under.length = 0
    this.events.onLost()
  }

  write(chunk: Chunk): void {
    const octets = Uint8Array.from(chunk.octets.subarray(0, chunk.end))
    this.sessions.at(-1)!.readAll(octets)
    this.#under.push({ chunk, octets })
  }

  /** The oldest chunk is written. */
  confirm(): boolean {
    const oldest = this.#under.shift()
    if (oldest === undefined) return false
    this.written.push(oldest.octets)
    this.events.onWritten(oldest.chunk)
    return true
  }

  wantsRotation(): boolean {
    return this.wantsNewSession && this.isReady
  }

  rotate(): void {
    this.wantsNewSession = false
    this.sessions.push(new StrictReader('tcp'))
  }

  tick(): void {}

  async close(): Promise<void> {
    while (this.isReady && this.confirm());
    this.isReady = false
  }

  get state(): OutputState {
    return {
      status: this.isReady ? 'ready' : 'connecting',
      target: 'test',
      sessions: this.sessions.length,
      attempts: 0,
      sendErrors: 0,
      writtenOctets: 0,
      lastError: undefined,
      nextAttemptAtMs: undefined
    }
  }
}
