import type { ElementRegistry } from '@weir/ipfix'

/** Bounds of a filter (TH-38): octets of UTF-8, parentheses and `not` within each other, tests and values together. */
export const filterLimits = { octets: 1024, depth: 32, nodes: 256 } as const

/** An element that a filter names. */
export interface FieldName {
  readonly pen: number
  readonly id: number
}

/** What values a field can be compared with. `octets`: its octets as an unsigned number of at most 8 or as text. */
export type Domain = 'number' | 'boolean' | 'mac' | 'time' | 'address' | 'text' | 'octets' | 'none'

/** Lowest and highest value, both in it. Times are milliseconds since 1970 UTC, IPv4 addresses 32-bit numbers. */
export type Range = readonly [low: number, high: number]
/** As {@link Range}; an IPv6 address is 16 octets. */
export type Range16 = readonly [low: readonly number[], high: readonly number[]]

export type Order = '<' | '<=' | '>' | '>='
export type TextMatch = 'equals' | 'contains' | 'startswith'

/** What is asked of one value. */
export type FilterTest =
  | { readonly of: 'order'; readonly order: Order; readonly value: number }
  /** In one of these; sorted, and none touches another. */
  | { readonly of: 'ranges'; readonly ranges: readonly Range[] }
  | { readonly of: 'addresses'; readonly four: readonly Range[]; readonly sixteen: readonly Range16[] }
  | { readonly of: 'texts'; readonly match: TextMatch; readonly texts: readonly string[] }

/** A filter as a tree. Plain data. */
export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly node: FilterNode }
  /** The record has one of the fields. */
  | { readonly kind: 'has'; readonly fields: readonly FieldName[] }
  /** One of the fields passes; with `isDifferent` (!=) it has one and none passes. */
  | {
      readonly kind: 'comparison'
      readonly fields: readonly FieldName[]
      readonly domain: Domain
      readonly isDifferent: boolean
      readonly test: FilterTest
    }

/** Which Data Records are meant. Immutable. */
export interface Filter {
  /** As it was written. */
  readonly text: string
  readonly root: FilterNode
  /** Content key: equal for filters that say the same in the same order. */
  readonly key: string
  /** What its names mean. */
  readonly registry: ElementRegistry
}
