import Type from 'typebox'
import { oneOf, orNull, timeMs } from './schema-parts.ts'

export const RevisionSummary = Type.Object({
  number: Type.Integer({ description: 'From 0; each change has the next.' }),
  author: Type.String({
    description: '`file`: file and environment; `api`: somebody who did not say who he is; else what was said.'
  }),
  atMs: timeMs('When it was made'),
  reason: Type.String(),
  hash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Content hash of the document (SHA-256).' }),
  baseHash: Type.String({ description: 'Content hash of what file and environment said then.' })
})

export type RevisionSummary = Type.Static<typeof RevisionSummary>

/** How a pod stands to its fleet. */
export const ConfigStatus = Type.Object({
  revision: RevisionSummary,
  etag: Type.String({ description: 'Of the newest revision: If-Match of a change.' }),
  store: oneOf(
    ['own', 'up', 'away'],
    'own: revisions of this pod alone; up, away: the store of the fleet. Away: no change is taken, and what is in force goes on.'
  ),
  newest: orNull({ ...RevisionSummary, description: 'The newest revision of the fleet that is known.' }),
  isConverged: Type.Boolean({ description: 'What should be in force here is.' }),
  code: orNull(Type.String({ description: 'Why not: stable name.' })),
  reason: orNull(Type.String({ description: 'Why not, a sentence. It is tried again.' })),
  triedAtMs: orNull(timeMs('When it was tried last')),
  ownKeys: Type.Array(Type.String(), {
    description: "Paths of keys that are this pod's own: what a document says of them means nothing to the fleet."
  }),
  pod: orNull(Type.String({ description: 'Name of this pod in roll-outs.' })),
  rollout: orNull(
    Type.Object(
      { id: Type.String(), isHeld: Type.Boolean({ description: 'Its document is in force here.' }) },
      { description: 'The roll-out that is going on.' }
    )
  )
})
export type ConfigStatus = Type.Static<typeof ConfigStatus>

export const RevisionDifference = Type.Object({
  path: Type.String({ description: 'E.g. `destinations[id=out].queue.octets`.' }),
  action: oneOf(['add', 'remove', 'change'], 'From this revision to the other.'),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown())
})
