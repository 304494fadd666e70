import type { HeldBatch } from '../held-batch.ts'
import type { Chunk } from './chunk.ts'
import type { Encoder } from './encoder.ts'

/** Options records on their way once more: into a new session, or because it is time (UDP). Outside the ledger. */
export class OptionsRepeat {
  #held: HeldBatch | undefined
  #entry = 0
  #offset = 0

  get isPending(): boolean {
    return this.#held !== undefined
  }

  /** @param held - with a reference that is given back at the end; undefined if there is nothing to repeat. */
  begin(held: HeldBatch | undefined): void {
    this.end()
    this.#held = held
  }

  end(): void {
    this.#held?.release()
    this.#held = undefined
    this.#entry = 0
    this.#offset = 0
  }

  /** Encode as far as the chunk has room. False if it is full before all is encoded. */
  fill(encoder: Encoder, chunk: Chunk): boolean {
    const held = this.#held
    if (held === undefined) return true
    const { progress } = encoder
    while (this.#entry < held.entries) {
      const start = held.offsets[this.#entry]!
      encoder.encode(held, this.#entry, this.#offset === 0 ? start : this.#offset, chunk)
      if (progress.offset < start + held.lengths[this.#entry]!) this.#offset = progress.offset
      else {
        this.#entry++
        this.#offset = 0
      }
      if (progress.isChunkFull) return false
    }
    this.end()
    return true
  }
}
