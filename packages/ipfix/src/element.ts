import type { DataType } from './data-type.ts'

/** Data type semantics by their number in the IANA registry (RFC 5610 §3.2, RFC 6313, RFC 8038). */
export const elementSemantics = [
  'default',
  'quantity',
  'totalCounter',
  'deltaCounter',
  'identifier',
  'flags',
  'list',
  'snmpCounter',
  'snmpGauge'
] as const

/** Data type semantics of an Information Element (RFC 7012 §3.2). */
export type ElementSemantics = (typeof elementSemantics)[number]

/** Units by their number in the IANA "IPFIX Information Element Units" registry (RFC 5610 §3.3). */
export const elementUnits = [
  'none',
  'bits',
  'octets',
  'packets',
  'flows',
  'seconds',
  'milliseconds',
  'microseconds',
  'nanoseconds',
  '4-octet words',
  'messages',
  'hops',
  'entries',
  'frames',
  'ports',
  'inferred'
] as const

/** Units of an Information Element (RFC 7012 §2.1). */
export type ElementUnits = (typeof elementUnits)[number]

/** What is known of one Information Element (RFC 7012 §2.1). Immutable. */
export interface InformationElement {
  /** Private Enterprise Number; 0 for IANA elements. */
  readonly pen: number
  /** Id without the enterprise bit, 0..32767. */
  readonly id: number
  /** Letters, digits and underscores, at most 64; safe as a key and as text. */
  readonly name: string
  readonly type: DataType
  readonly semantics?: ElementSemantics
  readonly units?: ElementUnits
  /** Least and greatest value of an integer, both legal. */
  readonly range?: readonly [number, number]
  readonly status: 'current' | 'deprecated'
}

/** One number for (pen, id): the key of maps of elements. Exact: a PEN has 32 bits and an id 15. */
export function elementKey(pen: number, id: number): number {
  return pen * 32768 + id
}

/** The name of an element that nobody has named: `ie_<pen>_<id>`. */
export function unnamed(pen: number, id: number): string {
  return `ie_${pen}_${id}`
}

const safeName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

// Refused whatever their spelling rules: the properties that every object inherits, and what code may look for.
const inherited = new Set<string>(['prototype', 'then', ...Object.getOwnPropertyNames(Object.prototype)])

/**
 * Whether a name from outside (the wire, a file) may be used: letters, digits and underscores, at most 64, not the
 * name of a property that every object has.
 */
export function isSafeName(name: string): boolean {
  return safeName.test(name) && !inherited.has(name)
}

/** Whether an integer value is one that the element may have (RFC 7012 §2.1); true for elements without a range. */
export function isInRange(element: InformationElement, value: number | bigint): boolean {
  return element.range === undefined || (value >= element.range[0] && value <= element.range[1])
}
