import type { FieldSpecifier } from '@weir/ipfix'
import type { CollectorParts } from './collector.ts'
import type { Domain } from './domain.ts'
import type { Exporter } from './exporter.ts'

/** What `collector.templates` is asked for. */
export interface TemplateQuery {
  /** Only of this exporter. */
  readonly exporter?: string
  readonly odid?: number
  readonly offset: number
  readonly limit: number
}

/** Answer of `collector.templates`: the live templates, a page of them (RFC 7011 §8.4: what is stored of each). */
export function templateList(parts: CollectorParts, query: TemplateQuery) {
  const templates: ReturnType<typeof templateToJson>[] = []
  let total = 0
  for (const { domain, entry } of liveTemplates(parts, query)) {
    if (total >= query.offset && templates.length < query.limit) templates.push(templateToJson(parts, domain, entry))
    total++
  }
  return { total, offset: query.offset, limit: query.limit, templates }
}

type Entry = ReturnType<Domain['table']['entries']> extends Iterable<infer E> ? E : never

function* liveTemplates(parts: CollectorParts, query: TemplateQuery): Generator<{ domain: Domain; entry: Entry }> {
  for (const exporter of exportersOf(parts, query.exporter)) {
    for (const session of exporter.sessions.values()) {
      for (const domain of session.domains.values()) {
        if (query.odid !== undefined && query.odid !== domain.odid) continue
        for (const entry of domain.table.entries()) yield { domain, entry }
      }
    }
  }
}

function exportersOf({ exporters }: CollectorParts, id: string | undefined): Iterable<Exporter> {
  if (id === undefined) return exporters.values()
  const exporter = exporters.get(id)
  return exporter === undefined ? [] : [exporter]
}

function templateToJson(parts: CollectorParts, domain: Domain, entry: Entry) {
  const { identity, exporter, transport } = domain.session
  const wallOffsetMs = parts.clock.nowMs() - parts.clock.monotonicMs()
  const local = listenerOf(parts, identity.listener)
  return {
    exporter: exporter.id,
    exporterPort: identity.port,
    transport,
    version: identity.version,
    listener: identity.listener,
    collectorAddress: local.address,
    collectorPort: local.port,
    odid: domain.odid,
    templateId: entry.templateId,
    scopeCount: entry.layout.scopeCount,
    fields: entry.layout.fields.map(field => fieldToJson(parts, field, identity.version)),
    firstSeenAtMs: Math.round(entry.firstSeenMs + wallOffsetMs),
    lastSeenAtMs: Math.round(entry.lastSeenMs + wallOffsetMs),
    expiresAtMs: entry.expiresAtMs === Infinity ? null : Math.round(entry.expiresAtMs + wallOffsetMs),
    announcements: entry.announcements,
    records: entry.records,
    source: entry.source,
    isHint: entry.isHint
  }
}

function listenerOf({ udp, tcp }: CollectorParts, name: string): { address: string; port: number } {
  for (const listener of [...udp.map(part => part.listener), ...tcp]) {
    if (listener.config.name === name) return { address: listener.config.address, port: listener.port }
  }
  return { address: '', port: 0 }
}

function fieldToJson({ registry }: CollectorParts, { pen, id, length }: FieldSpecifier, wireVersion: number) {
  const element = registry.get(pen, id, wireVersion)
  return { pen, id, length, name: element?.name ?? null, type: element?.type ?? null }
}

/** Answer of `collector.fields`: which elements an exporter sends, and in what share of its Data Records. */
export function fieldShares(parts: CollectorParts, exporter: Exporter) {
  const shares = new Map<string, ReturnType<typeof newShare>>()
  let records = 0
  for (const { layout, count, version } of layoutsOf(exporter)) {
    records += count
    const seen = new Set<string>()
    for (const field of layout.fields) {
      const key = `${field.pen}.${field.id}`
      let share = shares.get(key)
      if (share === undefined) shares.set(key, (share = newShare(parts, field, version)))
      if (!share.lengths.includes(field.length)) share.lengths.push(field.length)
      // An element that stands twice in a template is in each record once.
      if (seen.has(key)) continue
      seen.add(key)
      share.records += count
      share.templates++
    }
  }
  const fields = [...shares.values()].map(share => ({ ...share, share: records === 0 ? 0 : share.records / records }))
  fields.sort((a, b) => b.records - a.records || a.pen - b.pen || a.id - b.id)
  return { exporter: exporter.id, records, fields }
}

function newShare(parts: CollectorParts, field: FieldSpecifier, wireVersion: number) {
  const { name, type } = fieldToJson(parts, field, wireVersion)
  return { pen: field.pen, id: field.id, name, type, lengths: [] as number[], templates: 0, records: 0 }
}

function* layoutsOf(exporter: Exporter) {
  for (const { domains, identity } of exporter.sessions.values()) {
    const { version } = identity
    for (const { table, fixedLayout, fixedRecords } of domains.values()) {
      for (const { layout, records } of table.entries()) yield { layout, count: records, version }
      if (fixedLayout !== undefined) yield { layout: fixedLayout, count: fixedRecords, version }
    }
  }
}
