import { decodedMessagesOf } from './decoded-case.ts'
import type { CaptureCase } from './capture-cases.ts'
import type { DecodedField, DecodedMessage } from './decoded-case.ts'

/** One of our records, with the Message it came in. */
export interface FoundRecord {
  readonly message: DecodedMessage
  readonly templateId: number
  readonly fields: readonly DecodedField[]
}

/** What another decoder says of one record: its names and values. */
export type GoldenEvent = Readonly<Record<string, unknown>>

/**
 * Whether one value of an event is that of a record: true, or what we have instead. `taken` are the fields of the record
 * that the event's other values have named already; a match adds its own.
 */
export type Agrees = (name: string, value: unknown, record: FoundRecord, taken: Set<DecodedField>) => true | string

/** All records of a case. */
export function recordsOf(case_: CaptureCase): FoundRecord[] {
  const records: FoundRecord[] = []
  for (const message of decodedMessagesOf(case_)) {
    for (const { templateId, records: own } of message.sets) {
      for (const fields of own ?? []) records.push({ message, templateId, fields })
    }
  }
  return records
}

/** What differs between an event and a record; values that agree are counted in `tally`. */
export function eventDifferences(event: GoldenEvent, record: FoundRecord, agrees: Agrees): string[] {
  const differences: string[] = []
  const taken = new Set<DecodedField>()
  for (const [name, value] of Object.entries(event)) {
    const answer = agrees(name, value, record, taken)
    if (answer !== true) differences.push(`${name} = ${JSON.stringify(value)}: ${answer}`)
  }
  return differences
}

/** Values compared, for the report. */
export const tally = { values: 0 }

/**
 * Find each event's record. Events are of records of one case; which one, the golden file does not say, so each takes
 * the record (not taken before) that differs least.
 *
 * @returns what differs, each with the number of the event from 1.
 */
export function matchEvents(events: readonly GoldenEvent[], records: readonly FoundRecord[], agrees: Agrees): string[] {
  const differences: string[] = []
  const free = new Set(records)
  for (const [number, event] of events.entries()) {
    tally.values += Object.keys(event).length
    let best: { record: FoundRecord; differences: string[] } | undefined
    for (const record of free) {
      const found = eventDifferences(event, record, agrees)
      if (best === undefined || found.length < best.differences.length) best = { record, differences: found }
      if (found.length === 0) break
    }
    if (best === undefined) differences.push(`${number + 1}: no record`)
    else {
      free.delete(best.record)
      for (const difference of best.differences) differences.push(`${number + 1}: ${difference}`)
    }
  }
  return differences
}

/** The first field of these names that no other value has taken and that `isEqual`; else what the fields hold. */
export function takeField(
  names: readonly string[],
  { fields }: FoundRecord,
  taken: Set<DecodedField>,
  isEqual: (field: DecodedField) => boolean
): true | string {
  const candidates = fields.filter(field => names.includes(field.name) && !taken.has(field))
  const field = candidates.find(isEqual)
  if (field !== undefined) {
    taken.add(field)
    return true
  }
  if (candidates.length === 0) return `we have no ${names.join(' or ')}`
  return `we have ${candidates.map(({ name, hex, value }) => `${name} ${JSON.stringify(value)} (${hex})`).join(', ')}`
}
