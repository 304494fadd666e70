import Type from 'typebox'
import type { Static, TProperties, TSchema } from 'typebox'
import { HttpProblem } from './problem.ts'

const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, default: 100, description: 'Entries of the page.' })),
  offset: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
      description: 'Entries before the page.'
    })
  )
}

/** The query schema of a list that has one order and no filters. */
export const pageQuery = Type.Object(page, { additionalProperties: false })

/** Query of a list: page and order. */
const orderedPage = {
  ...page,
  sort: Type.Optional(
    Type.String({
      pattern: '^-?[A-Za-z][A-Za-z0-9]*$',
      description: 'Key to order by; `-` before it turns the order round.'
    })
  )
}

/** The query schema of a list with filters of its own. */
export const listQuery = <T extends TProperties>(filters: T) =>
  Type.Object({ ...filters, ...orderedPage }, { additionalProperties: false })

/** The answer of a list. */
export const listOf = <T extends TSchema>(items: T) =>
  Type.Object({
    items: Type.Array(items),
    total: Type.Integer({ description: 'Entries that match, on all pages.' }),
    offset: Type.Integer(),
    limit: Type.Integer()
  })

/** The query schema of a list that the collector pages, with filters of its own. */
export const cursorQuery = <T extends TProperties>(filters: T) =>
  Type.Object(
    {
      ...filters,
      ...orderedPage,
      cursor: Type.Optional(
        Type.String({
          maxLength: 4_096,
          description: '`next` of the page before, with the same `sort`: the page after it.'
        })
      )
    },
    { additionalProperties: false }
  )

/** The answer of such a list. */
export const cursorListOf = <T extends TSchema>(items: T) =>
  Type.Object({
    ...listOf(items).properties,
    next: Type.Union([Type.String(), Type.Null()], {
      description: 'The cursor of the page after this one; null at the end.'
    })
  })

export interface Page {
  readonly limit?: number
  readonly offset?: number
  readonly sort?: string
}

export interface Paged<T> {
  items: T[]
  total: number
  offset: number
  limit: number
}

/**
 * One page of a list.
 *
 * @param maxLimit - longest page allowed (L-73).
 * @throws HttpProblem 400 if the page is too long or the key to sort by is not in the entries.
 */
export function pageOf<T extends object>(items: readonly T[], page: Page, maxLimit: number): Paged<T> {
  const { limit = 100, offset = 0 } = page
  checkLimit(limit, maxLimit)
  const ordered = page.sort === undefined ? items : sorted(items, page.sort)
  return { items: ordered.slice(offset, offset + limit), total: items.length, offset, limit }
}

/** @throws HttpProblem 400 if a page is asked for that is too long (L-73). */
export function checkLimit(limit: unknown, maxLimit: number): void {
  if (typeof limit !== 'number' || limit <= maxLimit) return
  throw new HttpProblem(
    400,
    'PAGE_TOO_LONG',
    `limit is ${limit}; at most ${maxLimit} entries make a page, ask for the rest in further ones.`
  )
}

function sorted<T extends object>(items: readonly T[], sort: string): readonly T[] {
  const isDescending = sort.startsWith('-')
  const key = isDescending ? sort.slice(1) : sort
  if (items.length > 0 && !(key in items[0]!)) {
    const known = Object.keys(items[0]!).filter(name => typeof (items[0] as Record<string, unknown>)[name] !== 'object')
    throw new HttpProblem(
      400,
      'SORT_UNKNOWN',
      `There is no key ${JSON.stringify(key)} to sort by; there are ${known.join(', ')}.`
    )
  }
  const ordered = items.toSorted((one, other) =>
    compare((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key])
  )
  return isDescending ? ordered.toReversed() : ordered
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return String(one).localeCompare(String(other), 'en', { numeric: true })
}

export type ListQuery<T extends TSchema> = Static<T>
