import Type from 'typebox'
import { count, oneOf, orNull } from './schema-parts.ts'

/** How long an operation on a destination may take, as a query. */
export const operationTimeout = (description: string) =>
  Type.Object(
    { timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 30_000, default: 5_000, description })) },
    { additionalProperties: false }
  )

/** What flush of a destination came to. */
export const DestinationFlushed = Type.Object(
  {
    id: Type.String(),
    isDone: Type.Boolean({ description: 'All of it has left, and the file is whole. False: not in this time.' }),
    records: count('Records that waited when it was asked for.'),
    hasRotated: Type.Boolean({ description: 'A file was finished.' }),
    tookMs: Type.Number({ description: 'Milliseconds.' })
  },
  { additionalProperties: false }
)

const failures = [
  'name_unknown',
  'name_timeout',
  'denied',
  'refused',
  'unreachable',
  'timeout',
  'reset',
  'permission',
  'missing',
  'no_space',
  'read_only',
  'no_reader',
  'other'
] as const

/** Whether a destination can be reached. */
export const DestinationTested = Type.Object(
  {
    id: Type.String(),
    reachable: oneOf(
      ['yes', 'no', 'unknown'],
      'unknown: UDP; there is a way to it, but only what is sent would show whether somebody listens.'
    ),
    address: orNull(Type.String({ description: 'The address that its name stands for now.' })),
    failure: orNull(oneOf(failures, 'Why not; a class, never what the other side said.')),
    tookMs: Type.Number({ description: 'Milliseconds.' })
  },
  { additionalProperties: false }
)
