import type { Clock, Timer } from '@weir/runtime'
import { BatchWriter } from './batch-writer.ts'
import { BufferPool } from './buffer-pool.ts'
import type { LinkConfig } from './link-config.ts'
import type { SealedBatch } from './send-window.ts'

/** Buffers kept when nobody uses them: what is on its way at full rate, not what an outage piles up. */
const POOLED_BUFFERS = 24

/** The batch that entries are put into: its buffer, and how old it is. */
export class OpenBatch {
  readonly writer = new BatchWriter()
  /** It is old enough to be sent as soon as it can be. */
  isOverdue = false
  readonly #clock: Clock
  readonly #batchAgeMs: number
  readonly #pool: BufferPool
  readonly #onOverdue: () => void
  #ageTimer: Timer | undefined

  constructor({ batchOctets, batchAgeMs }: LinkConfig, clock: Clock, onOverdue: () => void) {
    this.#clock = clock
    this.#batchAgeMs = batchAgeMs
    this.#pool = new BufferPool(batchOctets, POOLED_BUFFERS)
    this.#onOverdue = onOverdue
  }

  get hasEntries(): boolean {
    return this.writer.hasBuffer && this.writer.entries > 0
  }

  /** Records in it that are not state. */
  get records(): number {
    return this.writer.hasBuffer ? this.writer.records : 0
  }

  get octets(): number {
    return this.hasEntries ? this.writer.usedOctets : 0
  }

  open(): void {
    this.writer.open(this.#pool.take())
  }

  /** Let it age from its first entry on. Called for each entry. */
  age(): void {
    this.#ageTimer ??= this.#clock.setTimer(this.#batchAgeMs, () => {
      this.isOverdue = true
      this.#onOverdue()
    })
  }

  /** Close it; it has entries. One that is half empty gives its buffer back at once. */
  seal(id: number): SealedBatch {
    const { writer } = this
    const used = writer.usedOctets
    const buffer = writer.take()
    const isSmall = used * 2 <= buffer.length
    const frame = isSmall ? buffer.slice(0, used) : buffer.subarray(0, used)
    if (isSmall) this.#pool.give(buffer)
    this.stopAging()
    return {
      id,
      frame,
      pooled: isSmall ? undefined : buffer,
      footprintOctets: isSmall ? used : buffer.length,
      records: writer.records,
      entries: writer.entries,
      sends: 0,
      sentTo: 0n,
      isRedelivered: false,
      isSettled: false
    }
  }

  /** A batch is settled. Its buffer is used again if the receiver had it whole and one sending only read it. */
  recycle({ pooled, sends }: SealedBatch): void {
    if (pooled !== undefined && sends === 1) this.#pool.give(pooled)
  }

  stopAging(): void {
    this.#ageTimer?.cancel()
    this.#ageTimer = undefined
    this.isOverdue = false
  }
}
