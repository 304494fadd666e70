import { HttpProblem, oneOf, orNull, timeMs } from '@weir/http'
import type { RevisionInfo } from '@weir/config'
import Type from 'typebox'
import type { Static } from 'typebox'
import { etagOf } from './revisions/config-book.ts'
import type { ChangeNote, ConfigBook } from './revisions/config-book.ts'
import { planActions, planSubjects } from './revisions/plan.ts'
import type { PlanStep } from './revisions/plan.ts'

const MAX_AUTHOR_CHARACTERS = 128
const MAX_REASON_CHARACTERS = 1_024

export const RevisionSummary = Type.Object({
  number: Type.Integer({ description: 'From 0; each change has the next.' }),
  author: Type.String({
    description: '`file`: file and environment; `api`: somebody who did not say who he is; else what was said.'
  }),
  atMs: timeMs('When it was made'),
  reason: Type.String(),
  hash: Type.String({ description: 'Content hash of the document (SHA-256).' }),
  baseHash: Type.String({ description: 'Content hash of what file and environment said then.' })
})

export const ChangeNoteQuery = Type.Object(
  {
    author: Type.Optional(Type.String({ maxLength: MAX_AUTHOR_CHARACTERS, description: 'Who changes it.' })),
    reason: Type.Optional(
      Type.String({ maxLength: MAX_REASON_CHARACTERS, description: 'Why, for the list of revisions.' })
    )
  },
  { additionalProperties: false }
)

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
  pod: orNull(Type.String({ description: 'Name of this pod in roll-outs.' })),
  rollout: orNull(
    Type.Object(
      { id: Type.String(), isHeld: Type.Boolean({ description: 'Its document is in force here.' }) },
      { description: 'The roll-out that is going on.' }
    )
  )
})

export function configStatus({ head, standing }: ConfigBook): Static<typeof ConfigStatus> {
  if (standing === undefined) {
    const none = { newest: null, code: null, reason: null, triedAtMs: null, pod: null, rollout: null }
    return { revision: head, etag: etagOf(head), store: 'own', isConverged: true, ...none }
  }
  const { pod, store, newest = head, isConverged, refusal, rollout = null } = standing
  const { code = null, reason = null, triedAtMs = null } = refusal ?? {}
  return { revision: head, etag: etagOf(newest), store, newest, isConverged, code, reason, triedAtMs, pod, rollout }
}

/** What is said of a change; the body of such a request is checked by the configuration, and this here. @throws HttpProblem 400 */
export function noteOf(query: Static<typeof ChangeNoteQuery>, ifMatch: string | undefined): ChangeNote {
  const { author = 'api', reason = '' } = query
  const isRight = (text: unknown, most: number): boolean => typeof text === 'string' && text.length <= most
  if (!isRight(author, MAX_AUTHOR_CHARACTERS) || !isRight(reason, MAX_REASON_CHARACTERS)) {
    const detail = `author is one text of at most ${MAX_AUTHOR_CHARACTERS} characters, reason of ${MAX_REASON_CHARACTERS}.`
    throw new HttpProblem(400, 'REQUEST_INVALID', detail)
  }
  return { author, reason, ifMatch }
}

const Step = Type.Object({
  action: oneOf(planActions, 'restart: only a restart of the processes changes it, so PUT refuses it.'),
  what: oneOf(planSubjects, 'What it is about.'),
  id: Type.String({ description: 'Id, name or address; of a key its path.' }),
  stays: Type.Array(Type.String(), { description: 'What goes on undisturbed.' }),
  processes: Type.Array(Type.String(), { description: 'Who takes it, or would have to be restarted.' })
})

export const PlanAnswer = Type.Object({
  revision: Type.Integer({ description: 'The revision in force, from which the plan starts.' }),
  isApplicable: Type.Boolean({ description: 'Whether PUT takes it: nothing wants a restart.' }),
  changes: Type.Integer({ description: 'Steps that change something.' }),
  steps: Type.Array(Step)
})

export function planAnswer({ number }: RevisionInfo, steps: readonly PlanStep[]): Static<typeof PlanAnswer> {
  return {
    revision: number,
    isApplicable: steps.every(({ action }) => action !== 'restart'),
    changes: steps.filter(({ action }) => action !== 'keep').length,
    steps: steps.map(step => ({ ...step, stays: [...step.stays], processes: [...step.processes] }))
  }
}
