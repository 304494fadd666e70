import { parseIPv4, parseIPv6, parseMac } from './address-text.ts'
import { protocolNumbers } from './field-names.ts'
import type { NamedFields } from './field-names.ts'
import { FilterError } from './filter-error.ts'
import type { Domain, FilterTest, Order, Range, Range16, TextMatch } from './filter.ts'
import type { Token } from './lexer.ts'
import { parseNumber, parseRange16, parseRange4, parseTime } from './value-text.ts'

const BETWEEN = '..'

const allowedValues: Readonly<Record<Domain, string>> = {
  number: 'a number up to 2^53 - 1 (443, 10k, 1.5M, 2G, 0x1f) or a range of them (1..1024)',
  boolean: 'true or false',
  mac: 'a MAC address (00:11:22:aa:bb:cc) or a range of them',
  time: 'a time (2026-01-31T12:00:00Z, with at most milliseconds) or a range of them',
  address: 'an address, a prefix (10.0.0.0/8, 2001:db8::/32) or a range (10.0.0.1..10.0.0.9)',
  text: '"text"',
  octets: '"text", or a number for what has at most 8 octets',
  none: 'nothing: lists and values of 256 bits can only be asked for with has'
}

/** Collects the values that one field is compared with. */
export class TestBuilder {
  readonly #named: NamedFields
  readonly #ranges: Range[] = []
  readonly #four: Range[] = []
  readonly #sixteen: Range16[] = []
  readonly #texts: string[] = []

  constructor(named: NamedFields) {
    this.#named = named
  }

  /** One more value that is equal. */
  add(token: Token): void {
    const { domain } = this.#named
    if (token.kind === 'text') {
      if (domain !== 'text' && domain !== 'octets') throw this.#wrong(token)
      this.#texts.push(token.text)
    } else if (domain === 'address') this.#addAddresses(token)
    else if (domain === 'text' || domain === 'none') throw this.#wrong(token)
    else {
      const [low, high] = this.#bounds(token)
      const range = [this.#number(low, token), this.#number(high, token)] as const
      if (range[0] > range[1]) throw this.#backwards(token)
      this.#ranges.push(range)
    }
    if (this.#texts.length > 0 && this.#ranges.length > 0) {
      throw new FilterError('texts and numbers cannot stand in one list', token.offset, 'one or the other')
    }
  }

  equality(): FilterTest {
    if (this.#named.domain === 'address') {
      return { of: 'addresses', four: joined(this.#four), sixteen: this.#sixteen }
    }
    if (this.#texts.length > 0) return { of: 'texts', match: 'equals', texts: [...new Set(this.#texts)] }
    return { of: 'ranges', ranges: joined(this.#ranges) }
  }

  order(sign: Token, token: Token): FilterTest {
    const { domain } = this.#named
    if (domain !== 'number' && domain !== 'time' && domain !== 'octets') {
      const allowed = domain === 'none' ? allowedValues.none : '=, != or in: it has no order'
      throw new FilterError(`"${sign.text}" does not fit the field`, sign.offset, allowed)
    }
    if (token.kind === 'text' || token.text.includes(BETWEEN)) throw this.#wrong(token)
    return { of: 'order', order: sign.text as Order, value: this.#number(token.text, token) }
  }

  match(match: TextMatch, word: Token, token: Token): FilterTest {
    const { domain } = this.#named
    if (domain !== 'text' && domain !== 'octets') {
      throw new FilterError(`"${word.text}" does not fit the field`, word.offset, 'a field that is text')
    }
    if (token.kind !== 'text') throw new FilterError('text stands in quotes', token.offset, '"text"')
    return { of: 'texts', match, texts: [token.text] }
  }

  #bounds({ text }: Token): [string, string] {
    const at = text.indexOf(BETWEEN)
    return at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + BETWEEN.length)]
  }

  #number(text: string, token: Token): number {
    const value = this.#parse(text)
    if (value === undefined) throw this.#wrong(token)
    return value
  }

  #parse(text: string): number | undefined {
    const { domain, fields } = this.#named
    switch (domain) {
      case 'boolean':
        // RFC 7011 §6.1.5: 1 is true, 2 is false.
        return text === 'true' ? 1 : text === 'false' ? 2 : undefined
      case 'mac':
        return parseMac(text)
      case 'time':
        return parseTime(text)
      default: {
        const isProtocol = fields.length === 1 && fields[0].pen === 0 && fields[0].id === 4
        return (isProtocol ? protocolNumbers.get(text) : undefined) ?? parseNumber(text)
      }
    }
  }

  #addAddresses(token: Token): void {
    const { family } = this.#named
    const [low, high] = this.#bounds(token)
    if (token.text.includes(':')) {
      if (family === 4) throw this.#wrong(token, 'an IPv4 address, a prefix or a range')
      const range = low === high ? parseRange16(low) : between(parseIPv6(low), parseIPv6(high))
      if (range === undefined) throw this.#wrong(token)
      if (isAfter(range[0], range[1])) throw this.#backwards(token)
      this.#sixteen.push(range)
      return
    }
    if (family === 6) throw this.#wrong(token, 'an IPv6 address, a prefix or a range')
    const range = low === high ? parseRange4(low) : between(parseIPv4(low), parseIPv4(high))
    if (range === undefined) throw this.#wrong(token)
    if (range[0] > range[1]) throw this.#backwards(token)
    this.#four.push(range)
  }

  #wrong({ text, offset }: Token, allowed = this.#allowed): FilterError {
    const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
    return new FilterError(`"${short}" is no value of the field`, offset, allowed)
  }

  get #allowed(): string {
    const { fields, domain } = this.#named
    const isProtocol = fields.length === 1 && fields[0].pen === 0 && fields[0].id === 4
    if (isProtocol) return `a number, a range, ${[...protocolNumbers.keys()].join(', ')}`
    return allowedValues[domain]
  }

  #backwards({ offset }: Token): FilterError {
    return new FilterError('the range ends before it begins', offset, 'LOW..HIGH')
  }
}

const between = <T>(low: T | undefined, high: T | undefined): readonly [T, T] | undefined =>
  low === undefined || high === undefined ? undefined : [low, high]

function isAfter(one: readonly number[], other: readonly number[]): boolean {
  const index = one.findIndex((octet, at) => octet !== other[at])
  return index >= 0 && one[index] > other[index]
}

/** Sorted, and those that overlap made one. */
function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = []
  for (const [low, high] of ranges.toSorted(([one], [other]) => one - other)) {
    const last = result.at(-1)
    if (last !== undefined && low <= last[1]) result[result.length - 1] = [last[0], Math.max(last[1], high)]
    else result.push([low, high])
  }
  return result
}
