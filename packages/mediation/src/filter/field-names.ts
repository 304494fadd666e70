import type { DataType, ElementRegistry } from '@weir/ipfix'
import { timeEdgeOf, timeElementId } from '../time-form.ts'
import { decimal } from './address-text.ts'
import type { Domain, FieldName } from './filter.ts'

/** What a name in a filter stands for. */
export interface NamedFields {
  readonly fields: readonly FieldName[]
  readonly domain: Domain
  /** Which addresses it can be; both if undefined. */
  readonly family?: 4 | 6
}

const iana = (...ids: readonly number[]): FieldName[] => ids.map(id => ({ pen: 0, id }))

const sourcePorts = [7, 180, 182]
const destinationPorts = [11, 181, 183]

/** Names of our own, for what has several elements. */
export const pseudoFields: ReadonlyMap<string, NamedFields> = new Map<string, NamedFields>([
  ['src', { fields: iana(8, 27), domain: 'address' }],
  ['dst', { fields: iana(12, 28), domain: 'address' }],
  ['host', { fields: iana(8, 27, 12, 28), domain: 'address' }],
  ['net', { fields: iana(8, 27, 12, 28), domain: 'address' }],
  ['exporter', { fields: iana(403, 404), domain: 'address' }],
  ['srcport', { fields: iana(...sourcePorts), domain: 'number' }],
  ['dstport', { fields: iana(...destinationPorts), domain: 'number' }],
  ['port', { fields: iana(...sourcePorts, ...destinationPorts), domain: 'number' }],
  ['proto', { fields: iana(4), domain: 'number' }],
  ['odid', { fields: iana(405), domain: 'number' }]
])

/** Names of protocols that can stand for their number. */
export const protocolNumbers: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', 6],
  ['udp', 17],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmp6', 58],
  ['ospf', 89],
  ['sctp', 132]
])

/** What values of a type can be compared with. */
export function domainOf(type: DataType): Domain {
  switch (type) {
    case 'boolean':
      return 'boolean'
    case 'macAddress':
      return 'mac'
    case 'ipv4Address':
    case 'ipv6Address':
      return 'address'
    case 'string':
      return 'text'
    case 'octetArray':
      return 'octets'
    case 'unsigned256':
    case 'basicList':
    case 'subTemplateList':
    case 'subTemplateMultiList':
      return 'none'
    default:
      return type.startsWith('dateTime') ? 'time' : 'number'
  }
}

/**
 * What a name stands for: one of our own, `field:<pen>/<id>`, or an element's.
 *
 * @returns undefined if it is none of them.
 */
export function namedFields(name: string, registry: ElementRegistry): NamedFields | undefined {
  const pseudo = pseudoFields.get(name)
  if (pseudo !== undefined) return pseudo
  const place = name.startsWith('field:') ? numbersOf(name.slice(6)) : registry.byName(name)
  if (place === undefined) return undefined
  const { pen, id } = place
  const type = registry.get(pen, id)?.type
  if (type === undefined) return { fields: [{ pen, id }], domain: 'octets' }
  const domain = domainOf(type)
  if (domain === 'address') return { fields: [{ pen, id }], domain, family: type === 'ipv4Address' ? 4 : 6 }
  const edge = domain === 'time' ? timeEdgeOf(pen, id) : undefined
  // A normalised record has one form of it; here that is the one of milliseconds.
  if (edge !== undefined) return { fields: [{ pen, id: timeElementId('milliseconds', edge.isEnd) }], domain }
  return { fields: [{ pen, id }], domain }
}

function numbersOf(text: string): FieldName | undefined {
  const slash = text.indexOf('/')
  const pen = decimal(text.slice(0, Math.max(0, slash)), 0xffffffff)
  const id = decimal(text.slice(slash + 1), 0xffff)
  return pen === undefined || id === undefined || slash < 0 || id < 1 ? undefined : { pen, id }
}
