import type { FilterTest, FilterNode } from '../../src/filter/filter.ts'
import { registry } from './programs.ts'

/**
 * Whether a record matches, asked of its JSON: another way to the same answer. Records of elements of which JSON says less
 * (octets, lists, what is of no meaning), or that are told elsewhere (exporter, odid, sampling), give undefined.
 */
export function oracleHolds(node: FilterNode, record: Readonly<Record<string, unknown>>): boolean | undefined {
  switch (node.kind) {
    case 'not':
      return inverse(oracleHolds(node.node, record))
    case 'and':
    case 'or': {
      const parts = node.nodes.map(each => oracleHolds(each, record))
      if (parts.includes(undefined)) return undefined
      return node.kind === 'and' ? parts.every(Boolean) : parts.some(Boolean)
    }
    case 'has': {
      if (node.fields.some(isElsewhere)) return undefined
      return node.fields.some(field => valuesOf(field, record).length > 0)
    }
    case 'comparison': {
      if (node.domain === 'octets' || node.domain === 'none' || node.fields.some(isElsewhere)) return undefined
      const values = node.fields.flatMap(field => valuesOf(field, record))
      if (values.some(value => value === null || typeof value === 'object')) return undefined
      if (values.length === 0) return false
      const answers = values.map(value => passes(node.test, node.domain, value as string | number | boolean))
      if (answers.includes(undefined)) return undefined
      return node.isDifferent ? !answers.some(Boolean) : answers.some(Boolean)
    }
  }
}

const inverse = (value: boolean | undefined): boolean | undefined => (value === undefined ? undefined : !value)

const elsewhere = new Set([34, 35, 48, 49, 50, 210, 302, 304, 305, 306, 403, 404, 405, 258])

const isElsewhere = ({ pen, id }: { pen: number; id: number }): boolean => pen === 0 && elsewhere.has(id)

function valuesOf({ pen, id }: { pen: number; id: number }, record: Readonly<Record<string, unknown>>): unknown[] {
  const value = record[registry.get(pen, id)?.name ?? `en${pen}:id${id}`]
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}

function passes(test: FilterTest, domain: string, value: string | number | boolean): boolean | undefined {
  if (test.of === 'texts') {
    const text = String(value)
    if (test.match === 'equals') return test.texts.includes(text)
    return test.texts.some(each => (test.match === 'contains' ? text.includes(each) : text.startsWith(each)))
  }
  if (test.of === 'addresses')
    return String(value).includes(':') ? undefined : inRanges(test.four, addressOf(String(value)))
  const number = numberOf(domain, value)
  if (number === undefined) return undefined
  if (test.of === 'ranges') return inRanges(test.ranges, number)
  if (test.order === '<') return number < test.value
  if (test.order === '<=') return number <= test.value
  return test.order === '>' ? number > test.value : number >= test.value
}

function numberOf(domain: string, value: string | number | boolean): number | undefined {
  if (domain === 'boolean') return value === true ? 1 : 2
  if (domain === 'mac') return Number(`0x${String(value).replaceAll(':', '')}`)
  if (domain === 'time') {
    // Finer digits are cut off.
    const [whole, fraction = ''] = String(value).slice(0, -1).split('.')
    return Date.parse(`${whole}Z`) + Number(fraction.padEnd(3, '0').slice(0, 3))
  }
  const number = Number(value)
  return Number.isNaN(number) || (!Number.isInteger(number) && Math.fround(number) !== number) ? undefined : number
}

const addressOf = (text: string): number => text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)

const inRanges = (ranges: readonly (readonly [number, number])[], value: number): boolean =>
  ranges.some(([low, high]) => value >= low && value <= high)
