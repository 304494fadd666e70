import { BlockList, isIPv4 } from 'node:net'
import { normalisedText } from './peer-address.ts'

/** Answers kept; a source that is not listed is asked about again and again. */
const MAX_CACHED = 16_384

/**
 * Which source addresses may send (RFC 7011 §11.5): CIDR blocks, or all of them. Answers are cached by address text.
 *
 * @param blocks - `192.0.2.0/24`, `2001:db8::/32`, or single addresses.
 * @param isAnyAllowed - let everybody in, whatever the blocks say.
 * @throws RangeError for a block that is none; the configuration has checked them before.
 */
export class AllowList {
  #isAnyAllowed = false
  #blocks = new BlockList()
  readonly #answers = new Map<string, boolean>()

  constructor(blocks: readonly string[], isAnyAllowed: boolean) {
    this.set(blocks, isAnyAllowed)
  }

  get isAnyAllowed(): boolean {
    return this.#isAnyAllowed
  }

  /** Other blocks from now on; parameters as those of the constructor. */
  set(blocks: readonly string[], isAnyAllowed: boolean): void {
    this.#isAnyAllowed = isAnyAllowed
    this.#blocks = new BlockList()
    this.#answers.clear()
    for (const block of blocks) this.#add(block)
  }

  /** @param text - as a socket reports it. */
  allows(text: string): boolean {
    if (this.#isAnyAllowed) return true
    const known = this.#answers.get(text)
    if (known !== undefined) return known
    const plain = normalisedText(text)
    const answer = this.#check(plain, !isIPv4(plain))
    if (this.#answers.size >= MAX_CACHED) this.#answers.clear()
    this.#answers.set(text, answer)
    return answer
  }

  #check(text: string, isIPv6: boolean): boolean {
    return this.#blocks.check(text, isIPv6 ? 'ipv6' : 'ipv4')
  }

  #add(block: string): void {
    const slash = block.indexOf('/')
    const network = slash === -1 ? block : block.slice(0, slash)
    const family = isIPv4(network) ? 'ipv4' : 'ipv6'
    const prefix = slash === -1 ? (family === 'ipv4' ? 32 : 128) : Number(block.slice(slash + 1))
    this.#blocks.addSubnet(network, prefix, family)
  }
}
