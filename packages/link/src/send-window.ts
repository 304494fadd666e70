/** A batch that is closed and not yet settled. */
export interface SealedBatch {
  readonly id: number
  /** The frame; its header is written at each sending. */
  frame: Uint8Array
  /** The pooled buffer under `frame`, if it may be reused after settling. */
  pooled: Uint8Array | undefined
  /** Octets of memory that it holds. */
  readonly footprintOctets: number
  readonly records: number
  readonly entries: number
  sends: number
  /** Epoch of the receiver it was last sent to. */
  sentTo: bigint
  isRedelivered: boolean
  isSettled: boolean
}

/** The sealed batches from the oldest unsettled on, ids without gaps. */
export class SendWindow {
  #batches: (SealedBatch | undefined)[] = []
  #head = 0
  #firstId = 1
  #octets = 0
  #unsettledBatches = 0
  #unsettledRecords = 0

  /** Lowest id that is not settled, or the next id to be sealed. */
  get firstId(): number {
    return this.#firstId
  }

  /** Highest id sealed. */
  get lastId(): number {
    return this.#firstId + this.#batches.length - this.#head - 1
  }

  get octets(): number {
    return this.#octets
  }

  get unsettledBatches(): number {
    return this.#unsettledBatches
  }

  get unsettledRecords(): number {
    return this.#unsettledRecords
  }

  /** @param batch - its id is `lastId + 1`. */
  push(batch: SealedBatch): void {
    this.#batches.push(batch)
    this.#octets += batch.footprintOctets
    this.#unsettledBatches++
    this.#unsettledRecords += batch.records
  }

  /** The batch of this id if it is in the window and not settled. */
  get(id: number): SealedBatch | undefined {
    if (id < this.#firstId || id > this.lastId) return undefined
    return this.#batches[this.#head + id - this.#firstId]
  }

  /** Settle one batch; a second time does nothing. @returns the batch, or undefined. */
  settle(id: number): SealedBatch | undefined {
    const batch = this.get(id)
    if (batch === undefined) return undefined
    batch.isSettled = true
    this.#batches[this.#head + id - this.#firstId] = undefined
    this.#octets -= batch.footprintOctets
    this.#unsettledBatches--
    this.#unsettledRecords -= batch.records
    this.#advance()
    return batch
  }

  #advance(): void {
    while (this.#head < this.#batches.length && this.#batches[this.#head] === undefined) {
      this.#head++
      this.#firstId++
    }
    if (this.#head > 1024 && this.#head * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head)
      this.#head = 0
    }
  }
}
