/** Buffers of one size, kept for reuse. Only the owner knows when a buffer has no reader left. */
export class BufferPool {
  readonly bufferOctets: number
  readonly #free: Uint8Array[] = []
  readonly #keep: number

  /** @param keep - most buffers kept when nobody uses them. */
  constructor(bufferOctets: number, keep: number) {
    this.bufferOctets = bufferOctets
    this.#keep = keep
  }

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new ArrayBuffer(this.bufferOctets))
  }

  give(buffer: Uint8Array): void {
    if (this.#free.length < this.#keep) this.#free.push(buffer)
  }
}
