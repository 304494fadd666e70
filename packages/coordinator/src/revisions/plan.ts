import { isDeepStrictEqual } from 'node:util'
import { differencesOf, hasSameOutput, overridesOf, restartsFor } from '@weir/config'
import type { Destination, Listener, WeirConfig } from '@weir/config'
import { liveKeys } from './live-keys.ts'

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

/** The steps from one checked document to another: what is taken live first, in the order in which it is done. */
export function planOf(before: WeirConfig, after: WeirConfig): PlanStep[] {
  const listeners = listenerSteps(before.collector.listeners, after.collector.listeners)
  const destinations = destinationSteps(before.destinations, after.destinations)
  const isOf =
    (...actions: readonly PlanStep['action'][]) =>
    ({ action }: PlanStep): boolean =>
      actions.includes(action)
  return [
    ...exporterSteps(before, after),
    ...destinations.filter(isOf('add', 'change')),
    ...keySteps(before, after),
    ...listeners.filter(isOf('add', 'change', 'remove')),
    ...destinations.filter(isOf('remove')),
    ...destinations.filter(isOf('keep')),
    ...listeners.filter(isOf('keep')),
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

/** Other keys that are taken live. */
function keySteps(before: WeirConfig, after: WeirConfig): PlanStep[] {
  return liveKeys
    .filter(key => !isDeepStrictEqual(key.valueOf(before), key.valueOf(after)))
    .map(({ id, stays, processes }) => ({ action: 'change', what: 'key', id, stays, processes }))
}

/** Those that are new are opened before the others are closed. */
function listenerSteps(before: readonly Listener[], after: readonly Listener[]): PlanStep[] {
  const known = new Map(before.map(listener => [listener.name, listener]))
  const wanted = new Set(after.map(({ name }) => name))
  const step = (action: PlanStep['action'], id: string, stays: readonly string[]): PlanStep => {
    return { action, what: 'listener', id, stays, processes: ['collector'] }
  }
  const changes = after.map(listener => {
    const { name } = listener
    const former = known.get(name)
    if (former === undefined) return step('add', name, [])
    const all = ['socket', 'sessions', 'templates']
    if (isDeepStrictEqual(former, listener)) return step('keep', name, all)
    return step('change', name, staysOf(former, listener))
  })
  const removed = before.filter(({ name }) => !wanted.has(name)).map(({ name }) => step('remove', name, []))
  return [...changes, ...removed]
}

/** Without another socket everything stays; UDP sessions stay with a listener that has another one. */
function staysOf(before: Listener, after: Listener): readonly string[] {
  if (before.transport !== after.transport) return []
  if (before.address === after.address && before.port === after.port) return ['socket', 'sessions', 'templates']
  return after.transport === 'udp' ? ['sessions', 'templates'] : []
}

function restartSteps(before: WeirConfig, after: WeirConfig): PlanStep[] {
  return differencesOf(before, after).flatMap(({ path }): PlanStep[] => {
    const processes = restartsFor(path)
    return processes.length === 0 ? [] : [{ action: 'restart', what: 'key', id: path, stays: [], processes }]
  })
}
