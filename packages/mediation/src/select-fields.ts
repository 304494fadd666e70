import type { NormalField, NormalRecord } from './normal-record.ts'
import type { Plan } from './plan.ts'

/** What a Plan adds to a record, and keeps whatever its `fields` are. */
const isAdded = ({ value }: NormalField): boolean =>
  value.from === 'exporterAddress' ||
  value.from === 'odid' ||
  value.from === 'receivedAt' ||
  value.from === 'samplingPair'

/**
 * The fields of a normalised record that a Plan asks for. Options records keep theirs, except flowKeyIndicator (173): its
 * bits are places in a template that has other fields now.
 */
export function selectFields(record: NormalRecord, { fields }: Plan): NormalRecord {
  if (fields === undefined) return record
  if (record.scope.length > 0) {
    return { ...record, fields: record.fields.filter(({ pen, id }) => pen !== 0 || id !== 173) }
  }
  const isWanted = (field: NormalField): boolean => fields.some(({ pen, id }) => pen === field.pen && id === field.id)
  return { ...record, fields: record.fields.filter(field => isAdded(field) || isWanted(field)) }
}
