import type { FieldSpecifier } from '@weir/ipfix'
import type { CollectorParts } from './collector.ts'
import type { Exporter } from './exporter.ts'

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
  const { name = null, type = null } = parts.registry.get(field.pen, field.id, wireVersion) ?? {}
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
