import { ElementRegistry } from '@weir/ipfix'
import type { Layout } from '@weir/ipfix'
import { pseudoFields } from '../filter/field-names.ts'

const registry = ElementRegistry.standard()
const names = [
  ...[...registry.values()].filter(({ pen }) => pen === 0).map(({ name }) => name),
  ...pseudoFields.keys(),
  'reverseOctetDeltaCount',
  'field:32473/7',
  'field:9/12345'
]
const pieces = ['and', 'or', 'not', 'in', 'has', 'contains', '(', ')', ',', '=', '!=', '<', '>=', '"', '..', '!', '\\']
const values = ['0', '1', '6', '17', '80', '255', '1k', '4294967295', '9007199254740991', '0x80', '1.5', '-1']
const texts = ['"a"', '""', '"ab"', '"\\"\\\\"', '"~~~~"']
const addresses = ['10.0.0.0/8', '0.0.0.0/1', '128.0.0.0/1', '1.2.255.0', '0.0.0.0..2.255.255.255']
const addresses6 = ['::', '8000::/1', '::/1', '::1..2:ff:80::', '2001:db8::/32']
const times = ['1970-01-01', '2023-11-14T22:13:20Z', '2106-02-07T06:28:15.999Z', '2500-01-01T00:00:00+02:00']

/** Texts of filters from a seed: equal seeds give equal texts. */
export class FilterText {
  #state: number
  readonly #names: readonly string[]

  /** @param shape - the filter names its elements more often than others. */
  constructor(seed: number, shape?: Layout) {
    this.#state = (seed * 2654435761 + 12345) >>> 0
    const own = (shape?.fields ?? []).map(({ pen, id }) => registry.get(pen, id)?.name ?? `field:${pen}/${id}`)
    this.#names = own
  }

  /** A filter that is right. */
  expression(depth = 3): string {
    switch (depth === 0 ? 0 : this.#below(7)) {
      case 1:
        return `${this.expression(depth - 1)} and ${this.expression(depth - 1)}`
      case 2:
        return `${this.expression(depth - 1)} or ${this.expression(depth - 1)}`
      case 3:
        return `not ${this.expression(0)}`
      case 4:
        return `(${this.expression(depth - 1)})`
      default:
        return this.#test()
    }
  }

  /** A filter that is right, or nearly, or not at all. */
  anyText(): string {
    const text = this.expression(6)
    switch (this.#below(5)) {
      case 0: {
        const at = this.#below(text.length)
        return text.slice(0, at) + this.#one(pieces) + text.slice(at + this.#below(3))
      }
      case 1:
        return Array.from({ length: this.#below(40) }, () => this.#one([...pieces, ...values, this.#name()])).join(' ')
      case 2:
        return Array.from({ length: this.#below(1200) }, () => String.fromCharCode(this.#below(300))).join('')
      default:
        return text
    }
  }

  #test(): string {
    const name = this.#name()
    const domain = this.#domainOf(name)
    if (domain === 'none' || this.#below(12) === 0) return `has ${name}`
    if (domain === 'text' || domain === 'octets') {
      if (domain === 'text' || this.#below(2) === 0)
        return `${name} ${this.#one(['=', '!=', 'contains', 'startswith', 'in'])} ${this.#one(texts)}`
    }
    const list = this.#valuesOf(domain)
    if (this.#below(3) === 0) {
      return `${name} in (${Array.from({ length: 1 + this.#below(8) }, () => this.#one(list)).join(', ')})`
    }
    const hasOrder = domain === 'number' || domain === 'time' || domain === 'octets'
    return `${name} ${this.#one(hasOrder ? ['=', '!=', '<', '<=', '>', '>='] : ['=', '!='])} ${this.#one(list)}`
  }

  #domainOf(name: string): string {
    if (name.startsWith('field:')) return 'octets'
    const pseudo = pseudoFields.get(name)
    if (pseudo !== undefined) return pseudo.domain === 'address' ? 'address46' : pseudo.domain
    const type = registry.byName(name)?.type ?? 'octetArray'
    if (type === 'ipv4Address' || type === 'ipv6Address') return type
    if (type === 'string') return 'text'
    if (type === 'octetArray') return 'octets'
    if (type === 'boolean' || type === 'macAddress') return type
    if (type === 'unsigned256' || type.endsWith('List')) return 'none'
    return type.startsWith('dateTime') ? 'time' : 'number'
  }

  #valuesOf(domain: string): readonly string[] {
    if (domain === 'ipv4Address') return addresses
    if (domain === 'ipv6Address') return addresses6
    if (domain === 'address46') return [...addresses, ...addresses6]
    if (domain === 'boolean') return ['true', 'false']
    if (domain === 'macAddress') return ['00:00:00:00:00:00', '01-02-ff-80-00-01', '80:00:00:00:00:00']
    return domain === 'time' ? times : values
  }

  #name(): string {
    return this.#one(this.#names.length > 0 && this.#below(4) > 0 ? this.#names : names)
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]
  }

  #below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return bound === 0 ? 0 : Math.floor((this.#state / 4294967296) * bound)
  }
}
