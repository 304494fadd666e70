const textDecoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads numbers and texts, big-endian, from octets that may be damaged or hostile. Reading past the end, or a text that
 * is not UTF-8, gives 0 or '' and sets `isBroken`: check it once, at the end.
 */
export class OctetCursor {
  at = 0
  isBroken = false
  readonly #octets: Uint8Array
  readonly #view: DataView

  /** @param octets - aliased. */
  constructor(octets: Uint8Array) {
    this.#octets = octets
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  }

  get isAtEnd(): boolean {
    return !this.isBroken && this.at === this.#octets.length
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#view.getUint8(at)
  }

  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#view.getUint16(at)
  }

  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#view.getUint32(at)
  }

  f64(): number {
    const at = this.#take(8)
    return at < 0 ? 0 : this.#view.getFloat64(at)
  }

  /** A time, milliseconds since 1970 UTC, or any other count that a double holds exactly. */
  time(): number {
    const value = this.f64()
    if (!(value >= 0 && value < 2 ** 53)) this.isBroken = true
    return value
  }

  /** A time or NaN, which is "unknown". */
  optionalTime(): number {
    const value = this.f64()
    if (!Number.isNaN(value) && !Number.isFinite(value)) this.isBroken = true
    return value
  }

  /** A text behind its length in octets (u16). */
  text(leastOctets: number, mostOctets: number): string {
    const length = this.u16()
    if (length < leastOctets || length > mostOctets) this.isBroken = true
    const at = this.#take(length)
    if (at < 0) return ''
    try {
      return textDecoder.decode(this.#octets.subarray(at, at + length))
    } catch {
      this.isBroken = true
      return ''
    }
  }

  /** A copy of so many octets. */
  octets(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? new Uint8Array(0) : new Uint8Array(this.#octets.subarray(at, at + length))
  }

  #take(count: number): number {
    const { at } = this
    if (this.isBroken || at + count > this.#octets.length) {
      this.isBroken = true
      return -1
    }
    this.at = at + count
    return at
  }
}
