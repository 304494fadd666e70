import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { orNull, timeMs } from '@weir/http'

const PodReport = Type.Object({
  pod: Type.String({ description: 'HOST:PORT of its control API.' }),
  isAnswered: Type.Boolean(),
  tookMs: Type.Number({ description: 'Until it answered or was given up, milliseconds.' }),
  code: orNull(Type.String({ description: 'Why it did not answer: stable name.' })),
  detail: orNull(Type.String({ description: 'Why, a sentence.' }))
})

/** Of an answer that may be a moment old. */
export const takenAtMs = timeMs('When the pods were asked')

/** An answer with an ETag when the client has it already. */
export const notModified = { 304: Type.Null({ description: 'It is as it was: If-None-Match has its ETag.' }) }

/** Part of every answer that is made of several pods'. */
export const partial = {
  pods: Type.Array(PodReport, { description: 'How each pod did.' }),
  isPartial: Type.Boolean({ description: 'True: a pod is missing in this answer; `pods` says which and why.' })
}

export const podName = Type.Optional(
  Type.String({ maxLength: 300, description: 'Only of this pod, by the name it has in /api/v1/fleet.' })
)

/** What is read of a pod's page of a list. */
export const podPageOf = <T extends Type.TSchema>(entry: T) =>
  Compile(Type.Object({ items: Type.Array(entry), total: Type.Integer(), next: orNull(Type.String()) }))

/** What is read of a pod's list that has no cursors. */
export const podListOf = <T extends Type.TSchema>(entry: T) =>
  Compile(Type.Object({ items: Type.Array(entry), total: Type.Integer() }))

/** The answer of a list that is merged from all pods. */
export const mergedListOf = <P extends Type.TProperties>(entry: P, options: { additionalProperties?: boolean } = {}) =>
  Type.Object({
    items: Type.Array(Type.Object({ pod: Type.String({ description: 'Whose it is.' }), ...entry }, options)),
    total: Type.Integer({ description: 'Entries that match in the pods that answered and were asked for this page.' }),
    limit: Type.Integer(),
    takenAtMs,
    next: orNull(Type.String({ description: 'The cursor of the page after this one; null at the end.' })),
    ...partial
  })
