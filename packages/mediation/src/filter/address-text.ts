const ZERO = 48

const isDigit = (code: number): boolean => code >= ZERO && code <= 57

/**
 * An IPv4 address, dotted, without leading zeros.
 *
 * @returns a 32-bit number, or undefined if it is none.
 */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    const octet = decimal(part, 255)
    if (octet === undefined || (part.length > 1 && part[0] === '0')) return undefined
    value = value * 256 + octet
  }
  return value
}

/**
 * An IPv6 address (RFC 4291 §2.2), the form with dots at the end too.
 *
 * @returns its 16 octets, or undefined if it is none.
 */
export function parseIPv6(text: string): number[] | undefined {
  if (text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0])
  const tail = halves.length === 2 ? groupsOf(halves[1]) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  // Dots stand at the end of the whole.
  if (halves.length === 2 && halves[0].includes('.')) return undefined
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  const octets: number[] = []
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes('.')) {
      const four = parseIPv4(group)
      if (four === undefined) return undefined
      octets.push(four >>> 24, (four >>> 16) & 255, (four >>> 8) & 255, four & 255)
      continue
    }
    const value = hexadecimal(group, 4)
    if (value === undefined) return undefined
    octets.push(value >>> 8, value & 255)
  }
  return octets.length > 16 ? undefined : octets
}

/** A MAC address of six groups of two hex digits with `:` or `-` between them, as a number of 48 bits. */
export function parseMac(text: string): number | undefined {
  if (text.length !== 17) return undefined
  const between = text[2]
  if (between !== ':' && between !== '-') return undefined
  let value = 0
  for (let group = 0; group < 6; group++) {
    const at = group * 3
    if (group > 0 && text[at - 1] !== between) return undefined
    const octet = hexadecimal(text.slice(at, at + 2), 2)
    if (octet === undefined || text.length < at + 2) return undefined
    value = value * 256 + octet
  }
  return value
}

/** Digits only, at most `most`; undefined if it is something else. */
export function decimal(text: string, most: number): number | undefined {
  if (text === '' || text.length > 16) return undefined
  for (let at = 0; at < text.length; at++) if (!isDigit(text.charCodeAt(at))) return undefined
  const value = Number(text)
  return value <= most ? value : undefined
}

/** Hex digits only, 1 to `mostDigits` of them; undefined if it is something else. */
export function hexadecimal(text: string, mostDigits: number): number | undefined {
  if (text === '' || text.length > mostDigits) return undefined
  let value = 0
  for (const digit of text.toLowerCase()) {
    const code = digit.charCodeAt(0)
    if (!isDigit(code) && !(code >= 97 && code <= 102)) return undefined
    value = value * 16 + (isDigit(code) ? code - ZERO : code - 87)
  }
  return value
}
