import type { QueuePosition } from '../input-queue.ts'

/** Messages that one chunk can name: enough for the smallest useful Message of 64 octets in 256 KiB. */
const MAX_MESSAGES = 4_096

/**
 * Encoded output on its way: whole Messages or whole lines, one after the other. It belongs to the pool's owner until it is
 * given to an output, to the output until that says it is written, and then to the pool again.
 */
export class Chunk {
  readonly octets: Buffer<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>
  /** End of what is written: nothing is open beyond it. */
  end = 0
  /** Input records whose output stands in it. */
  records = 0
  /** Options records in it that were sent before and are only repeated (new session, refresh): not in the ledger. */
  repeatedRecords = 0
  /** Input records that were given up while it was filled, counted when it is written. */
  tooBigRecords = 0
  /** Records that could not be encoded for another reason (no template id left), counted when it is written. */
  failedRecords = 0
  /** Records that the filter kept back while it was filled, counted when it is written. */
  filteredRecords = 0
  /** Messages in it; 0 where the output is text. */
  messages = 0
  /** End of each Message: for outputs that send Messages one by one. */
  readonly messageEnds = new Int32Array(MAX_MESSAGES)
  /** Input records of each Message. */
  readonly messageRecords = new Int32Array(MAX_MESSAGES)
  /** Where the input of its first record stands: what a lost session goes back to. */
  readonly start: QueuePosition = { slot: 0, entry: 0, offset: 0 }
  /** Running number within one destination. */
  number = 0
  submittedAtMs = 0

  constructor(lengthOctets: number) {
    this.octets = Buffer.from(new ArrayBuffer(lengthOctets))
    this.view = new DataView(this.octets.buffer)
  }

  get isEmpty(): boolean {
    return this.end === 0 && this.tooBigRecords + this.failedRecords + this.filteredRecords === 0
  }

  get hasMessageRoom(): boolean {
    return this.messages < MAX_MESSAGES
  }

  closeMessage(end: number, records: number): void {
    this.messageEnds[this.messages] = end
    this.messageRecords[this.messages] = records
    this.messages++
    this.end = end
  }

  clear(): void {
    this.end = 0
    this.records = 0
    this.repeatedRecords = 0
    this.tooBigRecords = 0
    this.failedRecords = 0
    this.filteredRecords = 0
    this.messages = 0
  }
}

/** Chunks that are used again: a destination needs as many as it may have under way. */
export class ChunkPool {
  readonly chunkOctets: number
  readonly #free: Chunk[] = []
  readonly #keep: number

  /**
   * @param chunkOctets - of each; at least 65,535 and a Message more, so that the greatest Message fits.
   * @param keep - free ones kept at most.
   */
  constructor(chunkOctets: number, keep: number) {
    this.chunkOctets = chunkOctets
    this.#keep = keep
  }

  take(): Chunk {
    return this.#free.pop() ?? new Chunk(this.chunkOctets)
  }

  give(chunk: Chunk): void {
    chunk.clear()
    if (this.#free.length < this.#keep) this.#free.push(chunk)
  }

  /** Free what is kept, when a destination is idle. */
  trim(): void {
    this.#free.length = 0
  }
}
