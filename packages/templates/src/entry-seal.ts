import { timingSafeEqual } from 'node:crypto'
import { HmacSha256 } from './hmac-sha256.ts'

/** First octet of what is stored: who has a key takes nothing that was not sealed with it, and the other way round. */
const PLAIN = 0
const SEALED = 1
const MAC_OCTETS = 32

/**
 * Seals what a shared ring stores: with a key, HMAC-SHA-256 over where a value stands and the value. A value that
 * someone without the key wrote, changed, or moved under another name is not taken (TH-22); an old value of the same
 * name is not told from a new one.
 */
export class EntrySeal {
  readonly #hmac: HmacSha256 | undefined

  /** @param key - undefined: values are taken from whoever may write to the server. */
  constructor(key: Uint8Array | undefined) {
    this.#hmac = key === undefined ? undefined : new HmacSha256(key)
  }

  /**
   * @param storeKey - the key in the server, and `field` the name below it.
   * @returns fresh octets.
   */
  seal(storeKey: string, field: string, octets: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(1 + (this.#hmac === undefined ? 0 : MAC_OCTETS) + octets.length)
    sealed[0] = this.#hmac === undefined ? PLAIN : SEALED
    if (this.#hmac !== undefined) sealed.set(this.#hmac.macOf(headOf(storeKey, field), octets), 1)
    sealed.set(octets, sealed.length - octets.length)
    return sealed
  }

  /** @returns the octets that were sealed for this very name, aliasing `sealed`; undefined if they were not. */
  open(storeKey: string, field: string, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#hmac === undefined) return sealed[0] === PLAIN ? sealed.subarray(1) : undefined
    if (sealed[0] !== SEALED || sealed.length < 1 + MAC_OCTETS) return undefined
    const octets = sealed.subarray(1 + MAC_OCTETS)
    const mac = this.#hmac.macOf(headOf(storeKey, field), octets)
    return timingSafeEqual(mac, sealed.subarray(1, 1 + MAC_OCTETS)) ? octets : undefined
  }
}

/** The lengths in octets first: no two names give the same head, not even where a character is more than one octet. */
const headOf = (storeKey: string, field: string): string =>
  `${Buffer.byteLength(storeKey)},${Buffer.byteLength(field)},${storeKey}${field}`
