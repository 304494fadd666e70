import { baseOf, send } from '@weir/client'
import type { Target } from './target.ts'

/** A page of any list. */
export interface ListAnswer {
  readonly items: readonly unknown[]
  readonly total?: number
  readonly next?: string | null
  /** A pod is missing. */
  readonly isPartial?: boolean
  readonly pods?: readonly { readonly pod: string; readonly isAnswered: boolean; readonly detail: string | null }[]
}

/** GET plain data; its form is the caller's to know. */
export async function getJson(target: Target, path: string): Promise<unknown> {
  return (await ask(target, path)).json()
}

/** GET text. */
export const getText = async (target: Target, path: string): Promise<string> => (await ask(target, path)).text()

const ask = (target: Target, path: string): Promise<Response> =>
  send(new Request(baseOf(target.options) + path), target.options)

/**
 * Read a list, page by page.
 *
 * @param query - filters, sort.
 * @param most - entries wanted; Infinity = all.
 */
export async function readList(
  target: Target,
  path: string,
  query: Readonly<Record<string, string>>,
  most: number
): Promise<ListAnswer> {
  const items: unknown[] = []
  let page: ListAnswer
  let place: Readonly<Record<string, string>> = {}
  do {
    const limit = String(Math.min(MAX_PAGE, most - items.length))
    page = (await getJson(target, `${path}?${new URLSearchParams({ ...query, ...place, limit })}`)) as ListAnswer
    items.push(...page.items)
    place = typeof page.next === 'string' ? { cursor: page.next } : { offset: String(items.length) }
  } while (items.length < most && page.items.length > 0 && page.next !== null && items.length < (page.total ?? 0))
  return { ...page, items }
}

/** L-73. */
const MAX_PAGE = 1_000
