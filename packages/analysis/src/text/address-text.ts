import { ipv4Text, ipv6Text } from '@weir/ipfix'

/** Text of the 16 octets that begin at a word; IPv4-mapped ones as IPv4. */
export function addressText(words: Uint32Array, word: number): string {
  const view = new DataView(words.buffer, words.byteOffset + 4 * word, 16)
  const isIPv4 = view.getBigUint64(0) === 0n && view.getUint32(8) === 0xffff
  return isIPv4 ? ipv4Text(view, 12) : ipv6Text(view, 0)
}
