import { HttpProblem } from '@weir/http'
import type { Shape } from './ask-pod.ts'
import type { Fleet, PodReport } from './fleet.ts'
import { reportsOf } from './fleet.ts'

/** A page of one pod's list. */
export interface PodPage<T> {
  readonly items: readonly T[]
  readonly total: number
  /** Undefined: the list has no cursors, and all of it is here. */
  readonly next?: string | null
}

/** Where one pod's list goes on: behind so many entries of the page that its own cursor leads to. */
interface Place {
  readonly cursor: string | null
  readonly skip: number
}

/** Entries of a pod's page, at most: coordinator.limits.pageSize is not less unless somebody made it so. */
const POD_PAGE = 1_000

export interface MergedQuery {
  readonly limit?: number
  readonly cursor?: string
  readonly sort?: string
  readonly pod?: string
}

/** A page of the lists of all pods. */
export interface MergedPage<T> {
  readonly items: (T & { readonly pod: string })[]
  readonly total: number
  readonly limit: number
  readonly takenAtMs: number
  readonly next: string | null
  readonly pods: PodReport[]
  readonly isPartial: boolean
}

/**
 * One page of the lists of all pods, merged in the order that each of them has. Nothing comes twice and nothing is left out, on
 * however many pages; a pod that does not answer takes its turn when it does.
 *
 * @param shape - of a pod's page.
 * @param path - of the list, e.g. `/v1/exporters`.
 * @param defaultSort - the key that the pods order by without `sort`.
 * @param isWhole - the list has no cursors and no more than {@link POD_PAGE} entries: all of it is asked for.
 * @throws HttpProblem
 */
export async function mergedPage<T extends object>(
  fleet: Fleet,
  shape: Shape<PodPage<T>>,
  path: string,
  { limit = 100, cursor, pod: only, ...filters }: MergedQuery & Readonly<Record<string, unknown>>,
  defaultSort: string,
  isWhole = false
): Promise<MergedPage<T>> {
  const takenAtMs = fleet.nowMs()
  const places = cursor === undefined ? undefined : readPlaces(cursor)
  const { answers, missing } = await fleet.ask<PodPage<T>>(
    shape,
    pod => {
      const place = placeOf(places, pod.name)
      if (place === undefined) return undefined
      const most = isWhole ? POD_PAGE : Math.min(POD_PAGE, limit + place.skip)
      const query = new URLSearchParams({ limit: String(most) })
      for (const [key, value] of Object.entries(filters)) if (value !== undefined) query.set(key, String(value))
      if (place.cursor !== null) query.set('cursor', place.cursor)
      return `${path}?${query}`
    },
    only
  )
  // It names pods that are gone, or another one than is asked for.
  if (places !== undefined && answers.length === 0 && missing.length === 0) throw badCursor()
  const reports = reportsOf(answers, missing)
  const sources = answers.flatMap(answer => {
    if (!answer.isAnswered) return []
    const { items, next = null, total } = answer.body
    const place = placeOf(places, answer.pod.name)!
    return [{ pod: answer.pod.name, items, next, total, place, at: Math.min(place.skip, items.length) }]
  })
  const before = orderOf(typeof filters.sort === 'string' ? filters.sort : defaultSort)
  const items: (T & { readonly pod: string })[] = []
  while (items.length < limit) {
    const heads = sources.filter(({ at, items: its }) => at < its.length)
    if (heads.length === 0) break
    const first = heads.reduce((one, other) => (before(other.items[other.at]!, one.items[one.at]!) ? other : one))
    items.push({ ...first.items[first.at]!, pod: first.pod })
    first.at++
    // What comes behind this page of its may come before what the others have: the page ends here.
    if (first.at === first.items.length && first.next !== null) break
  }
  const goOn = new Map<string, Place>()
  for (const { pod, at, items: its, next, place } of sources) {
    if (at < its.length) goOn.set(pod, { cursor: place.cursor, skip: at })
    else if (next !== null) goOn.set(pod, { cursor: next, skip: 0 })
  }
  const isMore = goOn.size > 0
  for (const { pod, isAnswered } of answers) {
    if (!isAnswered) goOn.set(pod.name, placeOf(places, pod.name)!)
  }
  const total = sources.reduce((sum, source) => sum + source.total, 0)
  return { items, total, limit, takenAtMs, next: isMore ? writePlaces(goOn) : null, ...reports }
}

/** Without a cursor all pods begin; with one only those go on that it names. */
const placeOf = (places: ReadonlyMap<string, Place> | undefined, pod: string): Place | undefined =>
  places === undefined ? { cursor: null, skip: 0 } : places.get(pod)

/** @returns true if the first one comes before the second. */
function orderOf(sort: string): (one: object, other: object) => boolean {
  const isTurned = sort.startsWith('-')
  const key = isTurned ? sort.slice(1) : sort
  const valueOf = (entry: object): unknown => (entry as Readonly<Record<string, unknown>>)[key]
  return (one, other) => {
    const [first, second] = isTurned ? [valueOf(other), valueOf(one)] : [valueOf(one), valueOf(other)]
    if (typeof first === 'number' && typeof second === 'number') return first < second
    return isAddress(first) && isAddress(second)
      ? String(first).localeCompare(String(second), 'en', { numeric: true }) < 0
      : String(first) < String(second)
  }
}

const isAddress = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f.:]+$/i.test(value)

const writePlaces = (places: ReadonlyMap<string, Place>): string =>
  Buffer.from(JSON.stringify([...places].map(([pod, { cursor, skip }]) => [pod, cursor, skip]))).toString('base64url')

function readPlaces(cursor: string): ReadonlyMap<string, Place> {
  try {
    const entries = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown
    if (Array.isArray(entries) && entries.every(isEntry)) {
      return new Map(entries.map(([pod, at, skip]) => [pod, { cursor: at, skip }]))
    }
  } catch {
    // Told below.
  }
  throw badCursor()
}

function badCursor(): HttpProblem {
  const detail = 'The cursor is none of this list: give `next` of the page before, or leave it out.'
  return new HttpProblem(400, 'BAD_CURSOR', detail)
}

const isEntry = (entry: unknown): entry is [pod: string, cursor: string | null, skip: number] =>
  Array.isArray(entry) &&
  entry.length === 3 &&
  typeof entry[0] === 'string' &&
  (entry[1] === null || typeof entry[1] === 'string') &&
  Number.isInteger(entry[2]) &&
  (entry[2] as number) >= 0 &&
  (entry[2] as number) < POD_PAGE
