import { hash } from 'node:crypto'

const BLOCK_OCTETS = 64
const MAC_OCTETS = 32
const FIRST_SCRATCH_OCTETS = 4096

/**
 * HMAC-SHA-256 (RFC 2104, RFC 6234) with one key and many texts: the two hashes are made in one call each, from octets
 * that are laid out once. A third of the time of a `createHmac` for each text.
 */
export class HmacSha256 {
  /** Key and inner pad, then the text. */
  #inner: Buffer
  /** Key and outer pad, then the inner hash. */
  readonly #outer = Buffer.alloc(BLOCK_OCTETS + MAC_OCTETS)

  constructor(key: Uint8Array) {
    const short = key.length > BLOCK_OCTETS ? hash('sha256', key, 'buffer') : key
    this.#inner = Buffer.alloc(FIRST_SCRATCH_OCTETS)
    this.#inner.set(short)
    this.#outer.set(short)
    for (let at = 0; at < BLOCK_OCTETS; at++) {
      this.#inner[at] ^= 0x36
      this.#outer[at] ^= 0x5c
    }
  }

  /**
   * @param head - characters up to U+00FF are one octet each; of others, the low octet alone counts.
   * @returns 32 octets, which the next call writes over.
   */
  macOf(head: string, octets: Uint8Array): Uint8Array {
    const end = BLOCK_OCTETS + head.length + octets.length
    if (end > this.#inner.length) this.#grow(end)
    this.#inner.write(head, BLOCK_OCTETS, 'latin1')
    this.#inner.set(octets, BLOCK_OCTETS + head.length)
    // As text of one octet per character: cheaper to hand over than an object.
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), BLOCK_OCTETS, 'latin1')
    const mac = hash('sha256', this.#outer, 'binary')
    result.write(mac, 0, 'latin1')
    return result
  }

  #grow(octets: number): void {
    const larger = Buffer.alloc(octets * 2)
    larger.set(this.#inner.subarray(0, BLOCK_OCTETS))
    this.#inner = larger
  }
}

const result = Buffer.alloc(MAC_OCTETS)
