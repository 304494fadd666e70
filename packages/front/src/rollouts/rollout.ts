import { oneOf, orNull, timeMs } from '@weir/http'
import type { Rollout as StoredRollout } from '@weir/templates'
import type { WeirConfig } from '@weir/config'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

/** What must hold at a pod before the next one has its turn. */
export const Gates = Type.Object(
  {
    requireReady: Type.Boolean({ default: true, description: 'The pod says on /readyz that it is ready.' }),
    requireDestinations: Type.Boolean({
      default: true,
      description: 'Destinations are ready that were so before, and those that are new.'
    }),
    maxDropRate: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
      default: 0,
      description:
        'Largest share of the records offered to destinations since the change that may be dropped; null: any.'
    }),
    soakMs: Type.Integer({
      default: 10_000,
      minimum: 0,
      maximum: 3_600_000,
      description: 'How long the gates must hold at a pod, milliseconds.'
    }),
    graceMs: Type.Integer({
      default: 2_000,
      minimum: 0,
      maximum: 600_000,
      description: 'How long a pod may be unready, or a destination, before that fails; milliseconds.'
    }),
    applyMs: Type.Integer({
      default: 30_000,
      minimum: 100,
      maximum: 600_000,
      description: 'How long a pod may take to have the document in force, milliseconds.'
    })
  },
  { additionalProperties: false, default: {}, description: 'What must hold at a pod before the next one has its turn.' }
)
export type Gates = Type.Static<typeof Gates>

export const defaultGates = Value.Parse(Gates, Value.Default(Gates, {}))

const podStates = ['waiting', 'applying', 'soaking', 'passed', 'failed', 'back'] as const
const rolloutStates = ['running', 'done', 'failed', 'cancelled'] as const

/** Counters of one destination: offered, dropped. */
const Counted = Type.Record(Type.String(), Type.Tuple([Type.Number(), Type.Number()]))

/** How a pod was before its turn. */
const Baseline = Type.Object({
  ready: Type.Array(Type.String(), { description: 'Destinations that were ready.' }),
  counted: Counted
})
export type Baseline = Type.Static<typeof Baseline>

/** One pod on the way. */
const RolloutPod = Type.Object({
  pod: Type.String({ description: 'HOST:PORT of its control API.' }),
  id: Type.String({ description: 'Its name in the store of revisions.' }),
  state: oneOf(
    podStates,
    'waiting; applying: it is told to have the document in force; soaking: it has, and the gates are looked at; passed; failed; back: it had the document, and has that of before again.'
  ),
  sinceMs: timeMs('Since when'),
  detail: orNull(Type.String({ description: 'What it waits for, or why it failed.' }))
})

const RolloutEvent = Type.Object({
  atMs: timeMs('When'),
  pod: orNull(Type.String()),
  what: Type.String({ description: 'A sentence.' })
})

/** What people see of a roll-out. */
export const RolloutView = Type.Object({
  id: Type.String(),
  state: oneOf(
    rolloutStates,
    'running; done: it is the newest revision; failed, cancelled: all pods have that of before.'
  ),
  after: Type.Integer({
    description: 'Number of the revision that holds meanwhile, and afterwards, if it does not come through.'
  }),
  revision: orNull(Type.Integer({ description: 'Number of the revision that it has become.' })),
  author: Type.String(),
  reason: Type.String(),
  createdAtMs: timeMs('When it began'),
  endedAtMs: orNull(timeMs('When it ended')),
  detail: orNull(Type.String({ description: 'Why it failed or was cancelled.' })),
  gates: Gates,
  pods: Type.Array(RolloutPod, { description: 'In the order in which they have their turn.' }),
  events: Type.Array(RolloutEvent, { description: 'What happened, the oldest first; the last 100.' })
})
export type RolloutView = Type.Static<typeof RolloutView>

/** What the fronts say to each other of it, besides. */
const Progress = Type.Object({
  ...RolloutView.properties,
  /** The front that drives it. */
  driver: Type.String(),
  /** Of the pod that has its turn. */
  baseline: orNull(Baseline)
})
export type Progress = Type.Static<typeof Progress>

const progressShape = Compile(Progress)

export type Stored = StoredRollout<WeirConfig>

/** @returns undefined for what no front of this version has written. */
export const progressOf = ({ progress }: StoredRollout<unknown>): Progress | undefined =>
  progressShape.Check(progress) ? progress : undefined

export function viewOf({ driver: _driver, baseline: _baseline, ...view }: Progress): RolloutView {
  return view
}

const MOST_EVENTS = 100

/** @returns the progress with one more event. */
export const withEvent = (progress: Progress, atMs: number, pod: string | null, what: string): Progress => ({
  ...progress,
  events: [...progress.events, { atMs, pod, what }].slice(-MOST_EVENTS)
})
