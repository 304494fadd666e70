import { HttpProblem, oneOf } from '@weir/http'
import type { ConfigStatus } from '@weir/http'
import type { RevisionInfo } from '@weir/config'
import Type from 'typebox'
import type { Static } from 'typebox'
import { etagOf } from './revisions/config-book.ts'
import type { ChangeNote, ConfigBook } from './revisions/config-book.ts'
import { planActions, planSubjects } from './revisions/plan.ts'
import type { PlanStep } from './revisions/plan.ts'

const MAX_AUTHOR_CHARACTERS = 128
const MAX_REASON_CHARACTERS = 1_024

export const ChangeNoteQuery = Type.Object(
  {
    author: Type.Optional(Type.String({ maxLength: MAX_AUTHOR_CHARACTERS, description: 'Who changes it.' })),
    reason: Type.Optional(
      Type.String({ maxLength: MAX_REASON_CHARACTERS, description: 'Why, for the list of revisions.' })
    )
  },
  { additionalProperties: false }
)

export function configStatus({ head, standing, ownKeys: paths }: ConfigBook): Static<typeof ConfigStatus> {
  const ownKeys = [...paths]
  if (standing === undefined) {
    const none = { newest: null, code: null, reason: null, triedAtMs: null, pod: null, rollout: null }
    return { revision: head, etag: etagOf(head), store: 'own', isConverged: true, ownKeys, ...none }
  }
  const { pod, store, newest = head, isConverged, refusal, rollout = null } = standing
  const { code = null, reason = null, triedAtMs = null } = refusal ?? {}
  return {
    revision: head,
    etag: etagOf(newest),
    store,
    newest,
    isConverged,
    code,
    reason,
    triedAtMs,
    ownKeys,
    pod,
    rollout
  }
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
