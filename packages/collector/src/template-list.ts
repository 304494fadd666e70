import { CodedError, exitCodes } from '@weir/runtime'
import type { CollectorParts } from './collector.ts'
import { readCursor, writeCursor } from './page-cursor.ts'
import { PageSelection, type Order } from './page-selection.ts'
import { inSlices } from './slices.ts'
import { TemplateFilter, type TemplateFilterQuery } from './template-filter.ts'
import {
  addressRank,
  definitionOf,
  isStored,
  livePlace,
  storedPlace,
  type KnownTemplate,
  type TemplatePlace
} from './template-place.ts'
import { expiresAtMs, firstSeenAtMs, lastSeenAtMs, sourceOf, stateOf, templateToJson } from './template-view.ts'

/** What `collector.templates` is asked for. */
export interface TemplateQuery extends TemplateFilterQuery {
  /** One of {@link templateSorts}; a `-` before it turns the order round. Default: exporter, then scope, domain and id. */
  readonly sort?: string
  /** `next` of the page before. */
  readonly cursor?: string
  /** Templates before the page; with a cursor, behind it. */
  readonly offset: number
  readonly limit: number
}

/** Where a template stands in an order: `value` first, then its name. */
interface Rank {
  readonly place: Pick<TemplatePlace, 'exporter' | 'rank' | 'scope' | 'odid'>
  readonly templateId: number
  readonly value: string | number
}

interface Candidate extends Rank {
  readonly place: TemplatePlace
  readonly template: KnownTemplate
}

/** Above every template id. */
const MOST_ID = 0x1_0000

/** What a template is sorted by; times by the wall clock. */
type ValueOf = (template: KnownTemplate, place: TemplatePlace, wallOffsetMs: number) => string | number

const sorts: Readonly<Record<string, ValueOf>> = {
  exporter: () => 0,
  odid: (_template, { odid }) => odid,
  templateId: ({ templateId }) => templateId,
  version: (_template, { version }) => version,
  kind: template => (definitionOf(template).scopeCount > 0 ? 'options' : 'template'),
  firstSeenAtMs: (template, _place, wallOffsetMs) => firstSeenAtMs(template, wallOffsetMs),
  lastSeenAtMs: (template, _place, wallOffsetMs) => lastSeenAtMs(template, wallOffsetMs),
  expiresAtMs: (template, _place, wallOffsetMs) =>
    Math.min(Number.MAX_SAFE_INTEGER, expiresAtMs(template, wallOffsetMs)),
  announcements: ({ announcements }) => announcements,
  records: template => (isStored(template) ? 0 : template.records),
  source: template => sourceOf(template),
  state: (template, place) => stateOf(template, place)
}

/** More entries before a page than this would have to be kept and ordered for it: the cursor leads there. */
const MAX_OFFSET = 10_000

/**
 * Answer of `collector.templates`: a page of the templates that live or are remembered, and how many match in all. Walks
 * through all of them, in slices; keeps a page.
 *
 * @throws CodedError BAD_CURSOR, SORT_UNKNOWN, OFFSET_TOO_LARGE
 */
export async function templateList(parts: CollectorParts, query: TemplateQuery) {
  const { clock } = parts
  const { sort = 'exporter', cursor, offset, limit } = query
  const isTurned = sort.startsWith('-')
  const valueOf = sortOf(isTurned ? sort.slice(1) : sort)
  if (offset > MAX_OFFSET) {
    const message = `offset is ${offset}; at most ${MAX_OFFSET} are passed over, go on with the cursor in \`next\` instead.`
    throw new CodedError('OFFSET_TOO_LARGE', message, exitCodes.failed)
  }
  const after = cursor === undefined ? undefined : readRank(sort, cursor)
  // The first page's, so that what is ordered by time stands where it stood.
  const wallOffsetMs = after?.wallOffsetMs ?? clock.nowMs() - clock.monotonicMs()
  // One more than the page has, to know whether there is another page.
  const size = offset + limit + 1
  const selection = new PageSelection<Rank>(isTurned ? (one, other) => inOrder(other, one) : inOrder, size, after)
  const filter = new TemplateFilter(parts.registry, query)
  const probe = { place: undefined as unknown as TemplatePlace, templateId: 0, value: 0 as string | number }
  let total = 0
  const offer = (place: TemplatePlace, template: KnownTemplate): void => {
    if (!filter.takes(template, place)) return
    total++
    probe.place = place
    probe.templateId = template.templateId
    probe.value = valueOf(template, place, wallOffsetMs)
    if (selection.takes(probe))
      selection.keep({ place, templateId: probe.templateId, value: probe.value, template } as Candidate)
  }
  // In the order of places a place is in the page or not, most of them are not, and nobody need look at their templates.
  const isByPlace = valueOf === sorts['exporter'] && filter.takesAll
  const isPassed = (place: TemplatePlace, templates: number): boolean => {
    if (!isByPlace || !isOutside(selection, place, isTurned)) return false
    total += templates
    return true
  }
  await inSlices(walk(parts, filter, isPassed, offer), clock)
  const found = selection.inOrder() as Candidate[]
  const page = found.slice(offset, offset + limit)
  const last = page.at(-1)
  const isMore = last !== undefined && found.length === size
  return {
    total,
    offset,
    limit,
    next: isMore ? writeRank(sort, last, wallOffsetMs) : null,
    templates: page.map(({ place, template }) => templateToJson(parts, place, template, wallOffsetMs))
  }
}

function* walk(
  parts: CollectorParts,
  filter: TemplateFilter,
  isPassed: (place: TemplatePlace, templates: number) => boolean,
  offer: (place: TemplatePlace, template: KnownTemplate) => void
): Generator<void> {
  const { exporter } = filter.query
  const one = exporter === undefined ? undefined : parts.exporters.get(exporter)
  for (const { sessions } of exporter === undefined ? parts.exporters.values() : one === undefined ? [] : [one]) {
    for (const session of sessions.values()) {
      for (const domain of session.domains.values()) {
        yield
        if (domain.table.size === 0) continue
        const place = livePlace(domain)
        if (!filter.takesPlace(place) || isPassed(place, domain.table.size)) continue
        for (const entry of domain.table.entries()) offer(place, entry)
      }
    }
  }
  if (filter.query.state !== undefined && filter.query.state !== 'remembered') return
  for (const { scope, odid, templates } of parts.recollection.places()) {
    yield
    const place = storedPlace(scope, odid)
    if (!filter.takesPlace(place) || isPassed(place, templates.length)) continue
    for (const template of templates) offer(place, template)
  }
}

/** Whether no template of a place can be in a page in the order of places. */
function isOutside(selection: PageSelection<Rank>, place: TemplatePlace, isTurned: boolean): boolean {
  const [least, most] = isTurned ? [MOST_ID, -1] : [-1, MOST_ID]
  return (
    selection.isBeyond({ place, templateId: least, value: 0 }) ||
    selection.isBefore({ place, templateId: most, value: 0 })
  )
}

function sortOf(sort: string): ValueOf {
  const valueOf = Object.hasOwn(sorts, sort) ? sorts[sort] : undefined
  if (valueOf !== undefined) return valueOf
  const known = Object.keys(sorts).join(', ')
  throw new CodedError(
    'SORT_UNKNOWN',
    `There is no key ${JSON.stringify(sort)} to sort by; there are ${known}.`,
    exitCodes.failed
  )
}

const inOrder: Order<Rank> = (one, other) =>
  compareValues(one.value, other.value) ||
  (one.place === other.place ? 0 : comparePlaces(one.place, other.place)) ||
  one.templateId - other.templateId

const compareValues = (one: string | number, other: string | number): number => (one < other ? -1 : one > other ? 1 : 0)

function comparePlaces(one: Rank['place'], other: Rank['place']): number {
  if (one.exporter !== other.exporter) {
    return one.rank - other.rank || compareValues(one.exporter, other.exporter)
  }
  return compareValues(one.scope, other.scope) || one.odid - other.odid
}

const writeRank = (sort: string, { value, place, templateId }: Rank, wallOffsetMs: number): string =>
  writeCursor(`templates ${sort}`, [wallOffsetMs, value, place.exporter, place.scope, place.odid, templateId])

function readRank(sort: string, cursor: string): Rank & { readonly wallOffsetMs: number } {
  const types = ['number', 'any', 'string', 'string', 'number', 'number'] as const
  const [wallOffsetMs, value, exporter, scope, odid, templateId] = readCursor(`templates ${sort}`, cursor, types) as [
    number,
    string | number,
    string,
    string,
    number,
    number
  ]
  return { wallOffsetMs, value, place: { exporter, rank: addressRank(exporter), scope, odid }, templateId }
}
