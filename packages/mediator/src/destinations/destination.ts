import { ChunkPool } from './chunk.ts'
import { FlushWatch } from './flush-watch.ts'
import { OptionsRepeat } from './options-repeat.ts'
import { InputQueue } from '../input-queue.ts'
import type { Clock, Log } from '@weir/runtime'
import type { Layout } from '@weir/ipfix'
import type { HeldBatch } from '../held-batch.ts'
import type { QueueConfig } from '../input-queue.ts'
import type { DestinationDropReason, DestinationLedger } from '../ledger.ts'
import type { Chunk } from './chunk.ts'
import type { DestinationMode, FlushResult, WantedMode } from './destination-mode.ts'
import type { DestinationParts, MakeParts, NextParts } from './destination-parts.ts'
import type { DestinationState } from './destination-state.ts'
import type { Encoder } from './encoder.ts'
import type { TapSet } from '../tap/tap-set.ts'
import type { Output, OutputEvents } from './output.ts'

export interface DestinationDeps {
  readonly clock: Clock
  readonly log: Log
  /** All options records known now, as a batch with one reference; undefined if there are none. */
  readonly optionsSnapshot: () => HeldBatch | undefined
  /** Who looks at what is encoded. */
  readonly taps?: TapSet
  /** How long one that is drained may take for the end of its session; default a second. */
  readonly drainMs?: () => number
  /** Told of each change of mode, and when its output became ready or is not ready any more. */
  readonly onChange?: (id: string, change: DestinationChangeNote) => void
}

/** What has become of a destination. */
export type DestinationChangeNote = { readonly mode: DestinationMode } | { readonly isReady: boolean }

export interface DestinationOptions {
  readonly id: string
  readonly type: string
  readonly queue: QueueConfig
  /** True for one that is added while records flow: its first session begins with the options records known by then. */
  readonly repeatsAtStart?: boolean
  /** What was wanted of it before a restart; default running. */
  readonly mode?: DestinationMode
  /** Octets of one chunk; default 256 KiB. */
  readonly chunkOctets?: number
}

const CHUNK_OCTETS = 262_144
/** Chunks given to the output and not yet taken: enough that it never waits for us, few enough to stay near the cache. */
const MAX_IN_FLIGHT = 4
/** With so many Batches waiting, or a chunk not taken for so long, a destination is slow: the collector does not wait for it. */
const PATIENCE_BATCHES = 16
const PATIENCE_MS = 200
/** Encoded in one turn of the event loop at most, so that one destination does not keep the others waiting. */
const TURN_OCTETS = 2_097_152
/** Read in one turn at most: of records that a filter keeps back nothing is written. */
const TURN_READ_OCTETS = 8_388_608
const DRAIN_CLOSE_MS = 1_000

/**
 * One destination: a queue of received batches, an encoder and an output. Records are encoded only when the output can take
 * them; so what the queue drops has no sequence number and no template yet, and a new session begins with its templates.
 */
export class Destination {
  readonly id: string
  #type: string
  readonly #deps: DestinationDeps
  readonly #queue: InputQueue
  readonly #pool: ChunkPool
  readonly #flushes: FlushWatch
  #makeParts: MakeParts
  #parts: DestinationParts
  #mode: DestinationMode
  /** Drained, and its session ended: {@link #parts} are of no use but to be shown. */
  #isClosed = false
  #wasReady = false
  #generation = 0
  #chunk: Chunk | undefined
  #chunkNumber = 0
  /** Octets of the Batches that were read in this turn. */
  #turnReadOctets = 0
  readonly #inFlight: Chunk[] = []
  readonly #repeat = new OptionsRepeat()
  /** The options records known by then have to go before the next that is read. */
  #isRepeatDue: boolean
  #hasHadSession = false
  #isPumping = false
  #isTurnScheduled = false
  #isReopening = false
  #isStopping = false
  #transition: Promise<void> = Promise.resolve()
  #onDrained: (() => void) | undefined
  #matched = 0
  #sent = 0
  #uncertain = 0
  #redelivered = 0
  #repeatedRecords = 0
  #tooBig = 0
  #failed = 0
  #filtered = 0
  #shutdown = 0
  #refused = 0

  constructor(options: DestinationOptions, makeParts: MakeParts, deps: DestinationDeps) {
    this.id = options.id
    this.#type = options.type
    this.#deps = deps
    this.#queue = new InputQueue(options.queue)
    this.#pool = new ChunkPool(options.chunkOctets ?? CHUNK_OCTETS, MAX_IN_FLIGHT)
    this.#isRepeatDue = options.repeatsAtStart ?? false
    this.#flushes = new FlushWatch(deps.clock)
    this.#mode = options.mode ?? 'running'
    this.#isClosed = this.#mode === 'drained'
    this.#makeParts = makeParts
    this.#parts = makeParts(this.#events())
  }

  /** What was last told of its output. */
  get isReady(): boolean {
    return this.#wasReady
  }

  open(): void {
    if (!this.#isClosed) this.#parts.output.open()
  }

  /** Take a reference to a batch; encodes what it can at once. */
  offer(held: HeldBatch): void {
    if (this.#isStopping) return
    this.#matched += held.records
    if (this.#mode === 'draining' || this.#mode === 'drained') {
      this.#refused += held.records
      return
    }
    this.#queue.offer(held)
    this.pump()
  }

  /** A few times a second. */
  tick(): void {
    const { encoder, output } = this.#parts
    output.tick()
    this.#pace(output)
    this.#tellReadiness(output)
    this.#endDrain()
    this.#flushes.tell(this.#left)
    if (!output.isReady || this.#isReopening) return
    encoder.tick()
    if (encoder.takeOptionsRefresh()) this.#isRepeatDue = true
    if (output.wantsRotation() && this.#inFlight.length < MAX_IN_FLIGHT) {
      this.#flush()
      this.#rotate()
    }
    if (encoder.hasAnnouncements || this.#isRepeatDue || this.#repeat.isPending) this.pump()
  }

  resendTemplates(): void {
    this.#parts.encoder.resendTemplates()
    this.#isRepeatDue = true
    this.pump()
  }

  /**
   * Send all options records that are known before whatever comes next, or at the next tick: the collector has told again
   * what a mediator before us had sent, in sessions that are gone.
   */
  repeatOptions(): void {
    this.#isRepeatDue = true
  }

  forgetLayout(layout: Layout): void {
    this.#parts.encoder.forgetLayout(layout)
  }

  get encoder(): Encoder {
    return this.#parts.encoder
  }

  configureQueue(config: QueueConfig): void {
    this.#queue.configure(config)
  }

  get mode(): DestinationMode {
    return this.#mode
  }

  /** Hold, go on, or take nothing new; the last word counts. */
  setMode(mode: WantedMode): void {
    if (this.#isStopping || this.#mode === mode || (mode === 'draining' && this.#mode === 'drained')) return
    this.#setMode(mode)
    if (mode !== 'draining') this.#transition = this.#transition.then(() => this.#openAgain())
    this.pump()
  }

  /**
   * Send what waits now, and finish the file that is open. Resolves when that has left, or after the time given.
   *
   * @param timeoutMs - milliseconds from now.
   */
  async flush(timeoutMs: number): Promise<FlushResult> {
    const { clock } = this.#deps
    const endMs = clock.monotonicMs() + timeoutMs
    const records = this.#queue.queuedRecords
    const target = this.#left + records
    this.pump()
    const isSent = await this.#flushes.reached(target, this.#left, timeoutMs)
    const { output } = this.#parts
    if (!isSent || this.#isStopping || this.#isReopening || !output.hasOpenFile) {
      return { isDone: isSent, records, hasRotated: false }
    }
    const isWhole = await new Promise<boolean>(resolve => {
      const timer = clock.setTimer(Math.max(0, endMs - clock.monotonicMs()), () => resolve(false))
      this.#flush()
      this.#rotate(isDone => {
        timer.cancel()
        resolve(isDone)
      })
    })
    return { isDone: isWhole, records, hasRotated: isWhole }
  }

  /**
   * Go on with another encoder and output; what is queued stays, what the old output has not taken is encoded again. Changes
   * that follow each other wait for each other.
   *
   * @param next - asked when the old output is closed, so that it is of the configuration of then.
   */
  reopen(next: NextParts, deadlineMs: number): Promise<void> {
    this.#transition = this.#transition.then(() => this.#reopen(next, deadlineMs))
    return this.#transition
  }

  /**
   * Deliver what is queued, as far as the deadline allows, then close. What is left is dropped and counted.
   *
   * @param deadlineMs - milliseconds from now.
   */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    const { clock } = this.#deps
    const endMs = clock.monotonicMs() + deadlineMs
    await this.#transition
    this.pump()
    // The last share of the time is the output's, for FIN and fsync. One that is paused sends nothing now either.
    if (this.#mode !== 'paused') await this.#drained(Math.max(0, endMs - clock.monotonicMs()) * 0.8)
    await this.#parts.output.close(Math.max(0, endMs - clock.monotonicMs()))
    this.#endSession()
    this.#generation++
    this.#shutdown += this.#queue.clear()
    this.#pool.trim()
  }

  get ledger(): DestinationLedger {
    const dropped: Record<DestinationDropReason, number> = {
      queue_oldest: this.#queue.droppedOldest,
      queue_newest: this.#queue.droppedNewest,
      encode_too_big: this.#tooBig,
      encode_error: this.#failed,
      shutdown: this.#shutdown,
      drained: this.#refused
    }
    return {
      matched: this.#matched,
      filtered: this.#filtered,
      sent: this.#sent,
      queued: this.#queue.queuedRecords,
      dropped,
      uncertain: this.#uncertain,
      redelivered: this.#redelivered
    }
  }

  get state(): DestinationState {
    return {
      id: this.id,
      type: this.#type,
      mode: this.#mode,
      output: this.#parts.output.state,
      encoder: this.#parts.encoder.state,
      queue: {
        records: this.#queue.queuedRecords,
        octets: this.#queue.queuedOctets,
        batches: this.#queue.batches,
        limitOctets: this.#queue.config.octets,
        policy: this.#queue.config.policy
      },
      ledger: this.ledger,
      repeatedRecords: this.#repeatedRecords,
      isStopping: this.#isStopping
    }
  }

  /** Encode and submit while the output takes it. Called whenever something changed; calls within calls do nothing. */
  pump(): void {
    if (this.#isPumping || this.#isReopening) return
    this.#isPumping = true
    let turnOctets = 0
    this.#turnReadOctets = 0
    const { output } = this.#parts
    while (output.isReady && this.#mode !== 'paused' && this.#inFlight.length < MAX_IN_FLIGHT) {
      if (output.wantsRotation()) this.#rotate()
      const isMore = this.#fill()
      turnOctets += this.#chunk?.end ?? 0
      this.#flush()
      if (!isMore) break
      if (turnOctets >= TURN_OCTETS || this.#turnReadOctets >= TURN_READ_OCTETS) {
        this.#scheduleTurn()
        break
      }
    }
    this.#isPumping = false
    this.#pace(output)
    if (this.#queue.isEmpty && (!this.#repeat.isPending || output.isLazy)) {
      this.#onDrained?.()
      this.#endDrain()
    }
    this.#flushes.tell(this.#left)
  }

  /** Records that left the queue, sent or given up. */
  get #left(): number {
    return this.#sent + this.#filtered + this.#tooBig + this.#failed + this.#queue.droppedOldest + this.#shutdown
  }

  #setMode(mode: DestinationMode): void {
    this.#mode = mode
    this.#deps.onChange?.(this.id, { mode })
  }

  #tellReadiness({ isReady }: Output): void {
    if (isReady === this.#wasReady || this.#isReopening) return
    this.#wasReady = isReady
    this.#deps.onChange?.(this.id, { isReady })
  }

  /** All that was to be sent has left: the session ends in order. */
  #endDrain(): void {
    if (this.#mode !== 'draining' || this.#isReopening || this.#isStopping || !this.#queue.isEmpty) return
    this.#isReopening = true
    this.#transition = this.#transition.then(async () => {
      await this.#parts.output.close(this.#deps.drainMs?.() ?? DRAIN_CLOSE_MS)
      this.#endSession()
      this.#generation++
      this.#isClosed = true
      this.#isReopening = false
      // It may have been told otherwise meanwhile, and have taken records since; then it is opened again behind this.
      if (this.#mode === 'draining' && this.#queue.isEmpty) this.#setMode('drained')
    })
  }

  async #openAgain(): Promise<void> {
    if (!this.#isClosed || this.#isStopping || this.#mode === 'drained') return
    this.#isClosed = false
    this.#parts = this.#makeParts(this.#events())
    this.#isRepeatDue = true
    this.#parts.output.open()
  }

  /**
   * The collector waits for us, but not for a destination that is away or slow (unless its policy is `block`): one that
   * takes output now, or has had what it holds for a moment only.
   */
  #pace(output: Output): void {
    if (!output.isReady || this.#isReopening || this.#mode === 'paused') return this.#queue.pace(false)
    const [oldest] = this.#inFlight
    if (this.#inFlight.length < MAX_IN_FLIGHT || oldest === undefined) return this.#queue.pace(true)
    const isSlow = this.#deps.clock.monotonicMs() - oldest.submittedAtMs > PATIENCE_MS
    if (isSlow || this.#queue.waitingBatches > PATIENCE_BATCHES) this.#queue.pace(false)
  }

  async #reopen(next: NextParts, deadlineMs: number): Promise<void> {
    if (this.#isStopping) return
    this.#isReopening = true
    this.#queue.pace(false)
    if (!this.#isClosed) {
      if (this.#parts.output.isReady) this.#flush()
      await this.#parts.output.close(deadlineMs)
      this.#onLost()
      this.#generation++
    }
    const { type, makeParts } = next()
    this.#type = type
    this.#makeParts = makeParts
    this.#parts = makeParts(this.#events())
    this.#isRepeatDue = true
    this.#isReopening = false
    if (!this.#isClosed) this.#parts.output.open()
  }

  /** Encode into the open chunk until it is full or enough is read (true), or nothing is left to read (false). */
  #fill(): boolean {
    const { encoder, output } = this.#parts
    if (output.isLazy && this.#queue.current() === undefined) return false
    if (this.#isRepeatDue) {
      this.#isRepeatDue = false
      this.#repeat.begin(this.#deps.optionsSnapshot())
    }
    const chunk = this.#openChunk()
    if (encoder.hasAnnouncements && !encoder.announce(chunk)) return true
    if (!this.#repeat.fill(encoder, chunk)) return true
    const { position } = this.#queue
    const { progress } = encoder
    const { taps } = this.#deps
    for (;;) {
      const held = this.#queue.current()
      if (held === undefined) return false
      while (position.entry < held.entries) {
        const start = held.offsets[position.entry]!
        const from = position.offset === 0 ? start : position.offset
        encoder.encode(held, position.entry, from, chunk)
        if (taps?.hasDestinationTaps === true) taps.onEncoded(this.id, held, position.entry, from, progress.offset)
        if (progress.offset < start + held.lengths[position.entry]!) position.offset = progress.offset
        else {
          position.entry++
          position.offset = 0
        }
        if (progress.isChunkFull) break
      }
      if (position.entry === held.entries) {
        this.#turnReadOctets += held.heldOctets
        this.#queue.finishBatch(chunk.number)
      }
      if (progress.isChunkFull || this.#turnReadOctets >= TURN_READ_OCTETS) return true
    }
  }

  #openChunk(): Chunk {
    if (this.#chunk !== undefined) return this.#chunk
    const chunk = this.#pool.take()
    const { slot, entry, offset } = this.#queue.position
    chunk.number = ++this.#chunkNumber
    chunk.start.slot = slot
    chunk.start.entry = entry
    chunk.start.offset = offset
    this.#chunk = chunk
    return chunk
  }

  #flush(): void {
    const chunk = this.#chunk
    if (chunk === undefined) return
    this.#parts.encoder.finish(chunk)
    if (chunk.end > 0) {
      this.#chunk = undefined
      chunk.submittedAtMs = this.#deps.clock.monotonicMs()
      this.#inFlight.push(chunk)
      this.#parts.output.write(chunk)
    } else if (this.#inFlight.length === 0) {
      // Nothing to write, but maybe records that were given up, and a batch that ended with them.
      this.#chunk = undefined
      this.#confirm(chunk)
    }
  }

  #onWritten(chunk: Chunk): void {
    this.#inFlight.shift()
    this.#confirm(chunk)
    this.pump()
  }

  #confirm(chunk: Chunk): void {
    this.#sent += chunk.records
    this.#repeatedRecords += chunk.repeatedRecords
    this.#tooBig += chunk.tooBigRecords
    this.#failed += chunk.failedRecords
    this.#filtered += chunk.filteredRecords
    const done = chunk.records + chunk.tooBigRecords + chunk.failedRecords + chunk.filteredRecords
    this.#queue.confirm(chunk.number, done)
    this.#pool.give(chunk)
  }

  #onLost(): void {
    for (const { records } of this.#inFlight) this.#redelivered += records
    this.#endSession()
  }

  /** What is under way may or may not arrive; reading goes back to where it began. */
  #endSession(): void {
    const start = this.#inFlight[0]?.start ?? this.#chunk?.start
    for (const { records } of this.#inFlight) this.#uncertain += records
    if (start !== undefined) this.#queue.rewind(start)
    this.#inFlight.length = 0
    this.#chunk = undefined
    this.#repeat.end()
  }

  #onReady(): void {
    this.#parts.encoder.beginSession()
    // In a first session they are yet to come out of the queue, unless it dropped them.
    if (this.#hasHadSession || this.#queue.droppedOldest + this.#queue.droppedNewest > 0) this.#isRepeatDue = true
    this.#hasHadSession = true
    this.pump()
  }

  #rotate(onDone?: (isWhole: boolean) => void): void {
    this.#parts.output.rotate(onDone)
    this.#parts.encoder.beginSession()
    this.#isRepeatDue = true
  }

  #scheduleTurn(): void {
    if (this.#isTurnScheduled) return
    this.#isTurnScheduled = true
    setImmediate(() => {
      this.#isTurnScheduled = false
      this.pump()
    })
  }

  #drained(deadlineMs: number): Promise<void> {
    if (this.#queue.isEmpty) return Promise.resolve()
    return new Promise(resolve => {
      const timer = this.#deps.clock.setTimer(deadlineMs, () => done())
      const done = (): void => {
        timer.cancel()
        this.#onDrained = undefined
        resolve()
      }
      this.#onDrained = done
    })
  }

  /** The output's word, as long as it is the output of now. */
  #events(): OutputEvents {
    const generation = this.#generation
    const isCurrent = (): boolean => generation === this.#generation
    return {
      onReady: () => {
        if (isCurrent()) this.#onReady()
      },
      onWritten: chunk => {
        if (isCurrent()) this.#onWritten(chunk)
      },
      onLost: () => {
        if (isCurrent()) this.#onLost()
      },
      onUncertain: records => {
        if (isCurrent()) this.#uncertain += records
      }
    }
  }
}
