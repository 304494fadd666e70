/**
 * Octets that arrived in chunks, seen as one run. Chunks are copied in; what has been read is dropped at the next append.
 * Its memory is the largest backlog rounded up, so the caller bounds it by bounding what it leaves unread.
 */
export class OctetQueue {
  /** Holds the backlog at `start..end`. Replaced by `append` when it must grow. */
  octets: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.octets.buffer)
  /** First unread octet. */
  start = 0
  /** Behind the last octet. */
  end = 0

  get lengthOctets(): number {
    return this.end - this.start
  }

  append(chunk: Uint8Array): void {
    const backlog = this.end - this.start
    if (this.end + chunk.length > this.octets.length) this.#makeRoom(backlog, backlog + chunk.length)
    this.octets.set(chunk, this.end)
    this.end += chunk.length
  }

  clear(): void {
    this.start = this.end = 0
  }

  #makeRoom(backlog: number, needed: number): void {
    if (needed <= this.octets.length) {
      this.octets.copyWithin(0, this.start, this.end)
    } else {
      const grown = new Uint8Array(Math.max(4096, needed, Math.min(this.octets.length * 2, needed * 2)))
      grown.set(this.octets.subarray(this.start, this.end))
      this.octets = grown
      this.view = new DataView(grown.buffer)
    }
    this.start = 0
    this.end = backlog
  }
}
