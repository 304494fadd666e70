import type { NormalField, NormalRecord } from './normal-record.ts'
import type { Plan } from './plan.ts'

const samplingIds: ReadonlySet<number> = new Set([305, 306])
const lineageIds: ReadonlySet<number> = new Set([403, 404, 405, 258])

/**
 * The fields of a normalised record that a Plan asks for, and those that it adds, which may be the exporter's own. Options
 * records keep theirs, except flowKeyIndicator (173): its bits are places in a template that has other fields now.
 */
export function selectFields(record: NormalRecord, { kind, fields, sampling, lineage }: Plan): NormalRecord {
  if (fields === undefined) return record
  if (record.scope.length > 0) {
    return { ...record, fields: record.fields.filter(({ pen, id }) => pen !== 0 || id !== 173) }
  }
  const isWanted = ({ pen, id }: NormalField): boolean =>
    (pen === 0 && ((sampling && samplingIds.has(id)) || (lineage && kind === 'ipfix' && lineageIds.has(id)))) ||
    fields.some(field => pen === field.pen && id === field.id)
  return { ...record, fields: record.fields.filter(isWanted) }
}
