import type { Chunk } from './chunk.ts'

/** What an output tells its destination. */
export interface OutputEvents {
  /** A new session is up: nothing of an earlier one counts in it, templates have to go first. */
  onReady(): void
  /** The oldest chunk that was given is in the kernel or in the file. It belongs to the destination again. */
  onWritten(chunk: Chunk): void
  /** The session ended: chunks given and not reported as written are lost, and their buffers must not be used again. */
  onLost(): void
  /** These records were written, but may not have arrived: the network refused them, or their connection is lost. */
  onUncertain(records: number): void
}

/** What is the matter with an output, for people. */
export interface OutputState {
  readonly status: 'closed' | 'connecting' | 'waiting' | 'ready'
  /** Where it goes, as text. */
  readonly target: string
  /** Sessions opened since the start; one more than the reconnects. */
  readonly sessions: number
  readonly attempts: number
  readonly sendErrors: number
  readonly writtenOctets: number
  readonly lastError: string | undefined
  /** While it waits: when it tries again, ms since 1970 UTC. */
  readonly nextAttemptAtMs: number | undefined
}

/** Where chunks go: a socket, a file, a stream. One owner, which calls nothing while it is inside a call of the output. */
export interface Output {
  /** Begin to connect or create; {@link OutputEvents.onReady} follows, now or later, and again after each loss. */
  open(): void
  readonly isReady: boolean
  /** True: a session should begin with records, so announcements wait for them (no file of templates alone). */
  readonly isLazy: boolean
  /** Only while ready. Reported by `onWritten` in the order of the calls, now or later. */
  write(chunk: Chunk): void
  /** True if the session that is open has its size or its age: the owner finishes it and calls {@link rotate}. */
  wantsRotation(): boolean
  /** True if something was written to a file that {@link rotate} would finish. */
  readonly hasOpenFile: boolean
  /**
   * Everything given until now belongs to the old session, everything later to a new one, which is ready at once.
   *
   * @param onDone - told once when the old one is whole, or will never be.
   */
  rotate(onDone?: (isWhole: boolean) => void): void
  /** Called a few times a second: stalls, back-off. */
  tick(): void
  /** Write what was given, then FIN or fsync. Resolves when done, at the latest at the deadline; then nothing is reported. */
  close(deadlineMs: number): Promise<void>
  readonly state: OutputState
}
