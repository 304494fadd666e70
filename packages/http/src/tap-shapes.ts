import Type from 'typebox'
import { oneOf } from './schema-parts.ts'

/** What became of the records that went by a tap, by name. */
export const tapCounts = {
  passed: 'went by, of its exporter and destination (matched, unasked, and those that do not match)',
  matched: 'match the filter (shown, skipped and dropped)',
  unasked: 'were not looked at, because taps had used up their share of the time',
  shown: 'are in the stream',
  skipped: 'were left out to keep the rate',
  dropped: 'were left out because the reader was slow; no destination missed them'
} as const
export type TapCounts = Readonly<Record<keyof typeof tapCounts, number>>

const formats = ['sse', 'ndjson'] as const
export type TapFormat = (typeof formats)[number]

/** Query of a tap. */
export const tapQuery = {
  filter: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: 'Only Data Records that match (docs/reference/filter.md).'
    })
  ),
  exporter: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'Only of this exporter, by its id.' })
  ),
  destination: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 63,
      description:
        'Records as they are encoded for this destination, after its filter and by its plan; without it, as they come from the collector.'
    })
  ),
  rate: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 100,
      description: 'Records a second at most; more are sampled.'
    })
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 1_000,
      description: 'Records in all; then the stream ends.'
    })
  ),
  format: Type.Optional(oneOf(formats, 'Form of the stream; over the header Accept.'))
}

/** The form that is wanted: what the query says, else NDJSON if the header Accept names it and not server-sent events, else those. */
export function tapFormatOf(format: TapFormat | undefined, accept: string | undefined): TapFormat {
  if (format !== undefined) return format
  const wants = (type: string): boolean => accept?.includes(type) ?? false
  return wants('application/x-ndjson') && !wants('text/event-stream') ? 'ndjson' : 'sse'
}
