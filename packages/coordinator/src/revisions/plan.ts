import { isDeepStrictEqual } from 'node:util'
import { hasSameOutput, overridesOf } from '@weir/config'
import type { Destination, WeirConfig } from '@weir/config'
import { differencesOf } from '@weir/config'

/** What a step does. `restart`: it holds only when the processes begin anew, so it is not done while they run. */
export const planActions = ['add', 'change', 'remove', 'keep', 'restart'] as const
export const planSubjects = ['destination', 'exporter', 'listener', 'key'] as const

/** One step of a change. */
export interface PlanStep {
  readonly action: (typeof planActions)[number]
  readonly what: (typeof planSubjects)[number]
  /** Id of the destination, name of the listener, address of the exporter, path of the key. */
  readonly id: string
  /** What goes on undisturbed. */
  readonly stays: readonly string[]
  /** Processes that take it, or would have to begin anew. */
  readonly processes: readonly string[]
}

const allProcesses = ['collector', 'mediator', 'coordinator'] as const

/** Whose keys are whose; what is not here is everybody's. */
const readers: Readonly<Record<string, readonly string[]>> = {
  collector: ['collector'],
  mediator: ['mediator'],
  coordinator: ['coordinator'],
  stores: ['collector'],
  shutdown: ['collector', 'mediator'],
  link: ['collector', 'mediator', 'coordinator']
}

/** The steps from one checked document to another: what is taken live first, in the order in which it is done. */
export function planOf(before: WeirConfig, after: WeirConfig): PlanStep[] {
  const destinations = destinationSteps(before.destinations, after.destinations)
  return [
    ...destinations,
    ...exporterSteps(before, after),
    ...keySteps(before, after),
    ...listenerSteps(before, after),
    ...restartSteps(before, after)
  ]
}

/** Added ones come first and removed ones last, so that there is no moment without a place to go. */
function destinationSteps(before: readonly Destination[], after: readonly Destination[]): PlanStep[] {
  const known = new Map(before.map(destination => [destination.id, destination]))
  const wanted = new Set(after.map(({ id }) => id))
  const step = (action: PlanStep['action'], id: string, stays: readonly string[]): PlanStep => {
    return { action, what: 'destination', id, stays, processes: ['mediator'] }
  }
  const added = after.filter(({ id }) => !known.has(id)).map(({ id }) => step('add', id, []))
  const removed = before.filter(({ id }) => !wanted.has(id)).map(({ id }) => step('remove', id, []))
  const kept: PlanStep[] = []
  const changed: PlanStep[] = []
  for (const destination of after) {
    const { id } = destination
    const former = known.get(id)
    if (former === undefined) continue
    if (isDeepStrictEqual(former, destination)) kept.push(step('keep', id, ['session', 'queue', 'templates']))
    else {
      const stays = hasSameOutput(former, destination) ? ['session', 'queue', 'templates'] : ['queue']
      changed.push(step('change', id, stays))
    }
  }
  return [...added, ...changed, ...removed, ...kept]
}

function exporterSteps(before: WeirConfig, after: WeirConfig): PlanStep[] {
  const known = overridesOf(before)
  const wanted = overridesOf(after)
  const ids = new Set([...Object.keys(known), ...Object.keys(wanted)])
  return [...ids].flatMap((id): PlanStep[] => {
    const one = known[id]
    const other = wanted[id]
    if (isDeepStrictEqual(one, other)) return []
    const action = one === undefined ? 'add' : other === undefined ? 'remove' : 'change'
    return [{ action, what: 'exporter', id, stays: ['listeners', 'sessions', 'templates'], processes: ['collector'] }]
  })
}

/** Single keys that are taken live. */
function keySteps(before: WeirConfig, after: WeirConfig): PlanStep[] {
  const steps: PlanStep[] = []
  if (!isDeepStrictEqual(allowOf(before), allowOf(after))) {
    const stays = ['listeners', 'sessions of those who still may send', 'templates']
    steps.push({ action: 'change', what: 'key', id: 'collector.allow', stays, processes: ['collector'] })
  }
  if (before.log.level !== after.log.level) {
    const stays = ['listeners', 'sessions', 'queues', 'templates']
    steps.push({ action: 'change', what: 'key', id: 'log.level', stays, processes: allProcesses })
  }
  return steps
}

/** Who may send: `allow` and `allowAny` are one thing. */
export function allowOf({ collector }: WeirConfig): { readonly allow: readonly string[]; readonly allowAny: boolean } {
  const { allow, allowAny } = collector
  return { allow, allowAny }
}

/** Listeners that stay as they are; others are keys that want a restart. */
function listenerSteps(before: WeirConfig, after: WeirConfig): PlanStep[] {
  const known = new Map(before.collector.listeners.map(listener => [listener.name, listener]))
  return after.collector.listeners
    .filter(listener => isDeepStrictEqual(known.get(listener.name), listener))
    .map(({ name }) => ({
      action: 'keep',
      what: 'listener',
      id: name,
      stays: ['socket', 'sessions', 'templates'],
      processes: ['collector']
    }))
}

function restartSteps(before: WeirConfig, after: WeirConfig): PlanStep[] {
  return differencesOf(withoutLive(before), withoutLive(after)).map(({ path }) => ({
    action: 'restart',
    what: 'key',
    id: path,
    stays: [],
    processes: readers[/^[a-zA-Z]+/.exec(path)?.[0] ?? ''] ?? allProcesses
  }))
}

/** What of a document cannot be changed while the processes run. */
function withoutLive({ destinations: _destinations, log: _log, ...config }: WeirConfig): object {
  const { exporterOverrides: _overrides, allow: _allow, allowAny: _allowAny, ...collector } = config.collector
  return { ...config, collector }
}
