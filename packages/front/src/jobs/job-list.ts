import { HttpProblem, checkLimit } from '@weir/http'
import type { Job, JobState } from './job.ts'

const sortKeys = ['createdAtMs', 'startedAtMs', 'finishedAtMs', 'type', 'state', 'author'] as const
type SortKey = (typeof sortKeys)[number]

export interface JobListQuery {
  readonly state?: JobState
  readonly type?: string
  readonly author?: string
  readonly since?: number
  readonly sort?: string
  readonly cursor?: string
  readonly limit?: number
  readonly offset?: number
}

interface Place {
  readonly value: string | number
  readonly id: string
}

export interface JobPage {
  readonly items: Job[]
  readonly total: number
  readonly offset: number
  readonly limit: number
  readonly next: string | null
}

/**
 * One page of the jobs that match, newest first unless `sort` says otherwise. A cursor is the place behind the last entry, so
 * that what comes and goes meanwhile moves nothing.
 *
 * @throws HttpProblem 400 if the page is too long, the key to sort by unknown or the cursor none of ours.
 */
export function jobPage(jobs: readonly Job[], query: JobListQuery, maxLimit: number): JobPage {
  const { state, type, author, since, sort = '-createdAtMs', cursor, limit = 100, offset = 0 } = query
  checkLimit(limit, maxLimit)
  const isTurned = sort.startsWith('-')
  const key = sortKey(isTurned ? sort.slice(1) : sort)
  const order = (one: Place, other: Place): number => (isTurned ? -1 : 1) * compare(one, other)
  const matching = jobs
    .filter(
      job =>
        (state === undefined || job.state === state) &&
        (type === undefined || job.type === type) &&
        (author === undefined || job.author === author) &&
        (since === undefined || job.createdAtMs >= since)
    )
    .map(job => ({ job, place: placeOf(job, key) }))
    .toSorted((one, other) => order(one.place, other.place))
  const after = cursor === undefined ? undefined : readPlace(cursor)
  const begin = after === undefined ? offset : matching.filter(({ place }) => order(place, after) <= 0).length
  const page = matching.slice(begin, begin + limit)
  const isMore = begin + page.length < matching.length
  return {
    items: page.map(({ job }) => job),
    total: matching.length,
    offset: begin,
    limit,
    next: isMore && page.length > 0 ? writePlace(page.at(-1)!.place) : null
  }
}

/** What is not there comes first. */
const placeOf = (job: Job, key: SortKey): Place => ({ value: job[key] ?? 0, id: job.id })

function compare(one: Place, other: Place): number {
  const [first, second] = [one.value, other.value]
  if (first !== second) {
    return typeof first === 'number' && typeof second === 'number'
      ? first - second
      : String(first) < String(second)
        ? -1
        : 1
  }
  return one.id === other.id ? 0 : one.id < other.id ? -1 : 1
}

function sortKey(key: string): SortKey {
  const known = sortKeys.find(each => each === key)
  if (known !== undefined) return known
  const detail = `There is no key ${JSON.stringify(key)} to sort by; there are ${sortKeys.join(', ')}.`
  throw new HttpProblem(400, 'SORT_UNKNOWN', detail)
}

const writePlace = ({ value, id }: Place): string => Buffer.from(JSON.stringify([value, id])).toString('base64url')

function readPlace(cursor: string): Place {
  try {
    const [value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    if ((typeof value === 'number' || typeof value === 'string') && typeof id === 'string') return { value, id }
  } catch {
    // Told below.
  }
  const detail = 'The cursor is none of this list: give `next` of the page before, or leave it out.'
  throw new HttpProblem(400, 'BAD_CURSOR', detail)
}
