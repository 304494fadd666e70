import { ConfigStatus, DestinationView, Ledger } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Fleet } from '../fleet/fleet.ts'
import type { Pod } from '../fleet/pod-list.ts'
import type { Baseline, Gates } from './rollout.ts'

/** What is seen of a pod in a roll-out; what it did not answer is undefined. */
export interface PodSight {
  readonly config: Static<typeof ConfigStatus> | undefined
  /** What is not ready; empty: it is. undefined: it does not answer. */
  readonly unready: readonly string[] | undefined
  /** Status by destination. */
  readonly destinations: ReadonlyMap<string, string> | undefined
  /** Offered and dropped, by destination. */
  readonly counted: Readonly<Record<string, [number, number]>> | undefined
}

const statusShape = Compile(ConfigStatus)
const readinessShape = Compile(Type.Object({ reasons: Type.Array(Type.String()) }))
const destinationsShape = Compile(Type.Object({ items: Type.Array(Type.Pick(DestinationView, ['id', 'status'])) }))
const ledgerShape = Compile(Type.Pick(Ledger, ['mediator']))

/** Look at one pod. Never rejects. */
export async function sightOf(fleet: Fleet, pod: Pod): Promise<PodSight> {
  const [config, readiness, destinations, ledger] = await Promise.all([
    fleet.askOne(pod, '/v1/config/status', statusShape),
    fleet.askOne(pod, '/readyz', readinessShape, { accepted: [503] }),
    fleet.askOne(pod, '/v1/destinations?limit=100', destinationsShape),
    fleet.askOne(pod, '/v1/ledger', ledgerShape)
  ])
  const mediator = ledger.isAnswered ? ledger.body.mediator : null
  return {
    config: config.isAnswered ? config.body : undefined,
    unready: readiness.isAnswered ? (readiness.status === 200 ? [] : readiness.body.reasons) : undefined,
    destinations: destinations.isAnswered
      ? new Map(destinations.body.items.map(({ id, status }) => [id, status]))
      : undefined,
    counted:
      mediator === null
        ? undefined
        : Object.fromEntries(
            Object.entries(mediator.destinations).map(([id, { matched, dropped }]) => [id, [matched, sumOf(dropped)]])
          )
  }
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, each) => total + each, 0)

export const baselineOf = ({ destinations = new Map(), counted = {} }: PodSight): Baseline => ({
  ready: [...destinations].filter(([, status]) => status === 'ready').map(([id]) => id),
  counted: { ...counted }
})

/** So many records are needed to speak of a share before the end. */
const LEAST_RECORDS = 1_000

/** What the gates say of a pod that has the document in force. */
export interface Verdict {
  /** It is over: the roll-out fails. */
  readonly fatal?: string
  /** It must not stay so. */
  readonly lacking?: string
}

/**
 * Look at the gates.
 *
 * @param isLast - the last look: few records count too.
 */
export function judge(sight: PodSight, baseline: Baseline, gates: Gates, isLast: boolean): Verdict {
  const { unready, destinations, counted } = sight
  if (gates.maxDropRate !== null && counted !== undefined) {
    const [offered, dropped] = since(baseline.counted, counted)
    if ((offered >= LEAST_RECORDS || isLast) && dropped > offered * gates.maxDropRate) {
      const share = `${dropped} of ${offered} records were dropped since the change`
      return { fatal: `${share}; at most ${gates.maxDropRate} of them may be (maxDropRate)` }
    }
  }
  if (gates.requireReady && unready === undefined) return { lacking: 'it does not answer' }
  if (gates.requireReady && unready!.length > 0) return { lacking: `it is not ready: ${unready!.join('; ')}` }
  if (!gates.requireDestinations) return {}
  if (destinations === undefined) return { lacking: 'it does not say how its destinations are' }
  const before = new Set(Object.keys(baseline.counted))
  const wrong = [...destinations].find(
    ([id, status]) => !isFine(status) && (!before.has(id) || baseline.ready.includes(id))
  )
  return wrong === undefined ? {} : { lacking: `destination ${wrong[0]} is ${wrong[1]}` }
}

/** Paused by somebody who wanted it so. */
const isFine = (status: string): boolean => status === 'ready' || status === 'paused' || status === 'drained'

/** A destination that began anew counts from 0. */
function since(before: Baseline['counted'], now: Baseline['counted']): [offered: number, dropped: number] {
  let [offered, dropped] = [0, 0]
  for (const [id, [offeredNow, droppedNow]] of Object.entries(now)) {
    const [offeredBefore, droppedBefore] = before[id] ?? [0, 0]
    const isSame = offeredNow >= offeredBefore && droppedNow >= droppedBefore
    offered += isSame ? offeredNow - offeredBefore : offeredNow
    dropped += isSame ? droppedNow - droppedBefore : droppedNow
  }
  return [offered, dropped]
}
