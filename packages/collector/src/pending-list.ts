import { CodedError, exitCodes } from '@weir/runtime'
import { costOf, type HeldReason } from '@weir/templates'
import type { CollectorParts } from './collector.ts'
import { inSlices } from './slices.ts'
import { templateKeyOf } from './template-key.ts'
import { addressRank } from './template-place.ts'

/** What `collector.pending` and `collector.quarantine` are asked for. */
export interface PendingQuery {
  readonly exporter?: string
  readonly odid?: number
  readonly templateId?: number
  /** One of the numbers of an entry, or `exporter`; a `-` before it turns the order round. Default: exporter. */
  readonly sort?: string
  readonly offset: number
  readonly limit: number
}

/** Data Sets that wait for one template id of one place, for one reason. */
interface Waiting {
  readonly exporter: string
  readonly scope: string
  readonly odid: number
  readonly templateId: number
  readonly version: number
  readonly transport: string
  readonly listener: string
  readonly port: number
  /** Empty: the template is not known. */
  readonly reason: HeldReason
  sets: number
  octets: number
  setsOnDisk: number
  sinceAtMs: number
}

/**
 * Answer of `collector.pending`: what waits in memory and on disk for templates that are not known, by place and id. What a
 * shared store has taken over is not among it.
 *
 * @throws CodedError SORT_UNKNOWN
 */
export const pendingList = (parts: CollectorParts, query: PendingQuery) => listOf(parts, query, false)

/** Answer of `collector.quarantine`: the same of templates that are known and in doubt, though nothing may wait any more. */
export const quarantineList = (parts: CollectorParts, query: PendingQuery) => listOf(parts, query, true)

async function listOf(parts: CollectorParts, query: PendingQuery, isHeld: boolean) {
  const order = orderOf(query.sort ?? 'exporter')
  const groups = new Map<string, Waiting>()
  await inSlices(gather(parts, groups, isHeld), parts.clock)
  const wanted = [...groups.values()].filter(group => isWanted(group, query)).toSorted(order)
  const { offset, limit } = query
  let sets = 0
  let octets = 0
  for (const group of wanted) {
    sets += group.sets
    octets += group.octets
  }
  const items = wanted.slice(offset, offset + limit).map(({ reason, ...group }) => ({
    key: templateKeyOf(group.scope, group.odid, group.templateId),
    ...group,
    reason: reason === '' ? 'unknown_template' : reason,
    sinceAtMs: Math.round(group.sinceAtMs)
  }))
  return { total: wanted.length, offset, limit, sets, octets, items }
}

function* gather(parts: CollectorParts, groups: Map<string, Waiting>, isHeld: boolean): Generator<void> {
  const add = (of: Waiting): void => {
    const key = `${of.templateId}|${of.odid}|${of.reason}|${of.scope}`
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, of)
      return
    }
    group.sets += of.sets
    group.octets += of.octets
    group.setsOnDisk += of.setsOnDisk
    group.sinceAtMs = Math.min(group.sinceAtMs, of.sinceAtMs)
  }
  for (const pending of parts.pending.values()) {
    yield
    const { domain, templateId, held: reason, receivedAtMs: sinceAtMs } = pending
    if ((reason !== '') !== isHeld) continue
    const { identity, exporter } = domain.session
    const { scope, version, transport, listener, port } = identity
    const place = { exporter: exporter.id, scope, odid: domain.odid, templateId, version, transport, listener, port }
    add({ ...place, reason, sets: 1, octets: costOf(pending), setsOnDisk: 0, sinceAtMs })
  }
  if (isHeld) yield* doubtful(parts, add)
  for (const { address: exporter, held: reason, sets, octets, sinceAtMs, ...of } of parts.spool.index.groups()) {
    yield
    if ((reason !== '') !== isHeld) continue
    const { scope, odid, templateId, version, transport, listener, port } = of
    const place = { exporter, scope, odid, templateId, version, transport, listener, port }
    add({ ...place, reason, sets, octets, setsOnDisk: sets, sinceAtMs })
  }
}

/** Templates in doubt of which nothing waits any more. */
function* doubtful({ sessions }: CollectorParts, add: (of: Waiting) => void): Generator<void> {
  for (const { identity, domains } of sessions.values()) {
    for (const { odid, quarantined } of domains.values()) {
      yield
      for (const [templateId, { reason, sinceAtMs }] of quarantined ?? []) {
        const { exporter, scope, version, transport, listener, port } = identity
        const place = { exporter: exporter.id, scope, odid, templateId, version, transport, listener, port }
        add({ ...place, reason, sets: 0, octets: 0, setsOnDisk: 0, sinceAtMs })
      }
    }
  }
}

const isWanted = (group: Waiting, { exporter, odid, templateId }: PendingQuery): boolean =>
  (exporter === undefined || exporter === group.exporter) &&
  (odid === undefined || odid === group.odid) &&
  (templateId === undefined || templateId === group.templateId)

type Order = (one: Waiting, other: Waiting) => number

const byPlace: Order = (one, other) =>
  addressRank(one.exporter) - addressRank(other.exporter) ||
  compare(one.exporter, other.exporter) ||
  compare(one.scope, other.scope) ||
  one.odid - other.odid ||
  one.templateId - other.templateId ||
  compare(one.reason, other.reason)

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

const orders: Readonly<Record<string, Order>> = {
  exporter: byPlace,
  sets: (one, other) => one.sets - other.sets || byPlace(one, other),
  octets: (one, other) => one.octets - other.octets || byPlace(one, other),
  sinceAtMs: (one, other) => one.sinceAtMs - other.sinceAtMs || byPlace(one, other)
}

function orderOf(sort: string): Order {
  const name = sort.replace(/^-/, '')
  const order = Object.hasOwn(orders, name) ? orders[name] : undefined
  if (order === undefined) {
    const known = Object.keys(orders).join(', ')
    throw new CodedError(
      'SORT_UNKNOWN',
      `There is no key ${JSON.stringify(name)} to sort by; there are ${known}.`,
      exitCodes.failed
    )
  }
  return sort === name ? order : (one, other) => order(other, one)
}
