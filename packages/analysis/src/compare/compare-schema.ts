import Type from 'typebox'
import type { Static } from 'typebox'

const closed = { additionalProperties: false } as const
const count = (description: string) => Type.Number({ minimum: 0, description })

const side = Type.Object(
  {
    records: count('Records that it writes.'),
    octets: count('As its records say.'),
    packets: count('As its records say.'),
    flows: count('One for each record, or as many as deltaFlowCount says if that is not 0.'),
    estimatedOctets: count('Times the sampling rate, where the Plan adds it.'),
    estimatedPackets: count('Times the sampling rate.'),
    unreadable: count('Records that it could not write: counted as not written.')
  },
  closed
)

const record = Type.Object(
  {
    number: Type.Integer({ description: 'Of all Data Records of the input, from 1.' }),
    exporter: Type.String({ description: 'Empty where the input does not say.' }),
    observationDomainId: Type.Integer(),
    templateId: Type.Integer(),
    fields: Type.Array(Type.String(), {
      description: 'Names of the fields that differ; empty where one side has no record.'
    })
  },
  closed
)

/** What `compare` writes: compare.json. */
export const compareSchema = Type.Object(
  {
    schema: Type.Literal('weir.compare/1'),
    isEqual: Type.Boolean({ description: 'Whether both Plans write the same records.' }),
    records: Type.Object(
      {
        read: count('Data Records of the input.'),
        equal: count('Written by both, with the same values.'),
        changed: count('Written by both, with other fields or values.'),
        onlyA: count('Written by a alone.'),
        onlyB: count('Written by b alone.'),
        neither: count('Written by none.')
      },
      { ...closed, description: 'The last five make up the first.' }
    ),
    totals: Type.Object({ a: side, b: side }, closed),
    fields: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          pen: Type.Integer(),
          id: Type.Integer(),
          equal: count('Records in which both have the same value.'),
          changed: count('Records in which the values differ.'),
          onlyA: count('Records in which a alone has the field.'),
          onlyB: count('Records in which b alone has it.'),
          examples: Type.Array(
            Type.Object(
              {
                record: Type.Integer({ description: 'Its number.' }),
                a: Type.Union([Type.String(), Type.Null()], { description: 'null: the field is not there.' }),
                b: Type.Union([Type.String(), Type.Null()])
              },
              closed
            ),
            { description: 'Of different values; text as RFC 7373 has it, up to 256 characters.' }
          )
        },
        closed
      ),
      { description: 'Of records that both write; those that differ most often first.' }
    ),
    examples: Type.Object(
      { changed: Type.Array(record), onlyA: Type.Array(record), onlyB: Type.Array(record) },
      { ...closed, description: 'The first records of each kind.' }
    )
  },
  { ...closed, description: 'Sums are doubles: exact up to 2^53.' }
)

export type CompareReport = Static<typeof compareSchema>
