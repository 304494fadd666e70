import { Type } from 'typebox'
import type { Static } from 'typebox'

const closed = { additionalProperties: false } as const
const elementName = Type.String({
  minLength: 1,
  maxLength: 128,
  description: 'Name of an element, or `en<PEN>:id<N>`.'
})

/** Parameters of `convert`. */
export const ConvertParams = Type.Object(
  {
    to: Type.Union([Type.Literal('ndjson'), Type.Literal('csv'), Type.Literal('parquet'), Type.Literal('ipfix')], {
      description: 'Format of the result: `flows.ndjson`, `flows.csv`, `flows.parquet` or `flows.ipfix` (RFC 5655).'
    }),
    filter: Type.Optional(
      Type.Union([Type.String({ maxLength: 1024 }), Type.Null()], {
        default: null,
        description: 'Data Records that are wanted, in the filter language of destinations; null: all.'
      })
    ),
    fields: Type.Optional(
      Type.Array(elementName, {
        minItems: 1,
        maxItems: 256,
        description:
          'Elements of the normalised records that are wanted, in the order of the columns; all if left out. What ' +
          'sampling and lineage add does not belong here.'
      })
    ),
    timestamps: Type.Optional(
      Type.Union([Type.Literal('milliseconds'), Type.Literal('nanoseconds'), Type.Literal('preserve')], {
        default: 'milliseconds',
        description: 'Elements of start and end; preserve: the absolute ones the exporter wrote.'
      })
    ),
    lineage: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'Add who exported a record, in which domain, and when it was collected.'
      })
    ),
    sampling: Type.Optional(
      Type.Boolean({ default: true, description: 'Add the effective sampling rate, as far as it is known.' })
    ),
    optionsRecords: Type.Optional(
      Type.Boolean({ default: true, description: 'NDJSON and IPFIX: write records of options too.' })
    ),
    numbers64: Type.Optional(
      Type.Union([Type.Literal('number'), Type.Literal('string')], {
        default: 'number',
        description: 'NDJSON: 64-bit integers as numbers with all their digits, or as strings.'
      })
    ),
    formulaPrefix: Type.Optional(
      Type.Boolean({
        default: true,
        description: "CSV: a ' before text that a spreadsheet would take for a formula (= + - @ tab)."
      })
    ),
    addresses: Type.Optional(
      Type.Union([Type.Literal('binary'), Type.Literal('text')], {
        default: 'binary',
        description: 'Parquet: addresses as octets in network order (BLOB), or as text.'
      })
    )
  },
  closed
)
export type ConvertParams = Static<typeof ConvertParams>
