import type { HeldBatch } from './held-batch.ts'

/** What happens to input when a destination's queue is full. */
export type QueuePolicy = 'block' | 'drop-oldest' | 'drop-newest'

export interface QueueConfig {
  /** Octets of received batches that are kept for the destination. */
  readonly octets: number
  /** Records that are kept for it; undefined = no bound but the octets. */
  readonly records?: number | undefined
  /** `block`: nothing is dropped, the batch stays unsettled and the collector waits. */
  readonly policy: QueuePolicy
}

/** A place in the input of one destination. Slots are numbered over all batches that were begun. */
export interface QueuePosition {
  slot: number
  entry: number
  /** In the octets of the batch; 0 = where the entry begins. */
  offset: number
}

const NEVER = -1

interface Begun {
  readonly held: HeldBatch
  /** Number of the chunk that holds its last record, or NEVER while it is being read. */
  lastChunk: number
}

/**
 * The batches that one destination has still to deliver, as references: nothing is encoded before the destination can take
 * it. A batch that was begun stays until the chunk with its last record is written, so that a lost session can go back;
 * the drop policies take only batches that were not begun, so that what is sent has no holes.
 */
export class InputQueue {
  /** Records offered and neither written nor dropped. */
  queuedRecords = 0
  queuedOctets = 0
  /** Records dropped because the queue was full. */
  droppedOldest = 0
  droppedNewest = 0
  /** Where reading goes on. */
  readonly position: QueuePosition = { slot: 0, entry: 0, offset: 0 }
  #config: QueueConfig
  #isPaced = false
  readonly #begun: Begun[] = []
  #firstSlot = 0
  #waiting: (HeldBatch | undefined)[] = []
  #waitingHead = 0

  constructor(config: QueueConfig) {
    this.#config = config
  }

  /** The batches in it hold the collector's credit. */
  get #isHolding(): boolean {
    return this.#isPaced || this.#config.policy === 'block'
  }

  get config(): QueueConfig {
    return this.#config
  }

  get isEmpty(): boolean {
    return this.#begun.length === 0 && this.waitingBatches === 0
  }

  /** Batches not begun. */
  get waitingBatches(): number {
    return this.#waiting.length - this.#waitingHead
  }

  get batches(): number {
    return this.#begun.length + this.waitingBatches
  }

  /** New bounds and policy; what is over the new bounds goes as the new policy says. */
  configure(config: QueueConfig): void {
    const wasHolding = this.#isHolding
    this.#config = config
    this.#changeHold(wasHolding)
    this.#enforce()
  }

  /**
   * Whether the collector has to wait for this destination although its policy is not `block`: as long as it is we who are
   * behind, not the destination, so that a busy mediator slows TCP exporters instead of dropping what it had no time for.
   */
  pace(isPaced: boolean): void {
    if (isPaced === this.#isPaced) return
    const wasHolding = this.#isHolding
    this.#isPaced = isPaced
    this.#changeHold(wasHolding)
  }

  #changeHold(wasHolding: boolean): void {
    if (wasHolding === this.#isHolding) return
    for (const { held } of this.#begun) this.#hold(held)
    for (let index = this.#waitingHead; index < this.#waiting.length; index++) this.#hold(this.#waiting[index]!)
  }

  /** Take one more reference to a batch, unless the policy drops it. */
  offer(held: HeldBatch): void {
    const { policy } = this.#config
    if (policy === 'drop-newest' && this.#isOver(held.heldOctets, held.records) && !this.isEmpty) {
      this.droppedNewest += held.records
      return
    }
    held.retain()
    if (this.#isHolding) held.hold()
    this.#waiting.push(held)
    this.queuedRecords += held.records
    this.queuedOctets += held.heldOctets
    this.#enforce()
  }

  /** The batch at {@link position}, or undefined when all is read. */
  current(): HeldBatch | undefined {
    const begun = this.#begun[this.position.slot - this.#firstSlot]
    if (begun !== undefined) return begun.held
    const held = this.#shift()
    if (held === undefined) return undefined
    this.#begun.push({ held, lastChunk: NEVER })
    return held
  }

  /**
   * The current batch is read to its end.
   *
   * @param chunk - number of the chunk that holds its last record.
   */
  finishBatch(chunk: number): void {
    this.#begun[this.position.slot - this.#firstSlot]!.lastChunk = chunk
    this.position.slot++
    this.position.entry = 0
    this.position.offset = 0
  }

  /** All chunks up to this number are written: batches that end in them are done. */
  confirm(chunk: number, records: number): void {
    this.queuedRecords -= records
    while (this.#begun.length > 0 && this.#begun[0]!.lastChunk !== NEVER && this.#begun[0]!.lastChunk <= chunk) {
      this.#firstSlot++
      this.#release(this.#begun.shift()!.held)
    }
  }

  /** Go back: what was read since is read again. */
  rewind(to: QueuePosition): void {
    this.position.slot = to.slot
    this.position.entry = to.entry
    this.position.offset = to.offset
    for (let index = to.slot - this.#firstSlot; index < this.#begun.length; index++)
      this.#begun[index]!.lastChunk = NEVER
  }

  /**
   * Give everything up.
   *
   * @returns the records that were queued.
   */
  clear(): number {
    const records = this.queuedRecords
    for (const { held } of this.#begun) this.#release(held)
    this.#firstSlot += this.#begun.length
    this.#begun.length = 0
    this.position.slot = this.#firstSlot
    this.position.entry = 0
    this.position.offset = 0
    for (let held = this.#shift(); held !== undefined; held = this.#shift()) this.#release(held)
    this.queuedRecords = 0
    return records
  }

  #enforce(): void {
    if (this.#config.policy === 'block') return
    while (this.#isOver(0, 0)) {
      const held = this.#config.policy === 'drop-oldest' ? this.#shift() : this.#pop()
      if (held === undefined) return
      if (this.#config.policy === 'drop-oldest') this.droppedOldest += held.records
      else this.droppedNewest += held.records
      this.queuedRecords -= held.records
      this.#release(held)
    }
  }

  #isOver(octets: number, records: number): boolean {
    return (
      this.queuedOctets + octets > this.#config.octets ||
      this.queuedRecords + records > (this.#config.records ?? Number.POSITIVE_INFINITY)
    )
  }

  #shift(): HeldBatch | undefined {
    if (this.#waitingHead === this.#waiting.length) return undefined
    const held = this.#waiting[this.#waitingHead]
    this.#waiting[this.#waitingHead++] = undefined
    if (this.#waitingHead === this.#waiting.length) {
      this.#waiting.length = 0
      this.#waitingHead = 0
    } else if (this.#waitingHead >= 1_024) {
      this.#waiting = this.#waiting.slice(this.#waitingHead)
      this.#waitingHead = 0
    }
    return held
  }

  #pop(): HeldBatch | undefined {
    if (this.#waitingHead === this.#waiting.length) return undefined
    return this.#waiting.pop()
  }

  #hold(held: HeldBatch): void {
    if (this.#isHolding) held.hold()
    else held.unhold()
  }

  #release(held: HeldBatch): void {
    this.queuedOctets -= held.heldOctets
    if (this.#isHolding) held.unhold()
    held.release()
  }
}
