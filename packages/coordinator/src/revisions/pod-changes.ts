import { HttpProblem } from '@weir/http'
import { overridesOf } from '@weir/config'
import type { Destination, WeirConfig } from '@weir/config'
import type { JsonValue } from '@weir/link'
import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '../pod.ts'
import { liveKeys } from './live-keys.ts'
import type { LiveKey } from './live-keys.ts'
import { planOf } from './plan.ts'

/** Something that a process is told, and how it is taken back. */
interface Change {
  readonly apply: () => Promise<void>
  readonly undo: () => Promise<void>
}

/** Tells the processes what the document says: the steps of a change, or all of it to one that has just come. */
export class PodChanges {
  readonly #pod: Pod
  readonly #takeOwn: (config: WeirConfig) => void

  /** @param takeOwn - the coordinator takes what is its own: log level, limits. */
  constructor(pod: Pod, takeOwn: (config: WeirConfig) => void) {
    this.#pod = pod
    this.#takeOwn = takeOwn
  }

  /**
   * Take the steps from one document to the other. If one is not taken, those before it are undone, and the one that failed too:
   * an answer that came too late may have left it done.
   *
   * @throws HttpProblem of the step that failed, with a word of those that could not be undone.
   */
  async apply(before: WeirConfig, after: WeirConfig): Promise<void> {
    const begun: Change[] = []
    for (const change of this.#changes(before, after)) {
      begun.push(change)
      try {
        await change.apply()
      } catch (error) {
        await this.#undo(begun)
        throw error
      }
    }
  }

  /** Give a mediator that has just come what it should have: it may have started from an older document. */
  async giveMediator(config: WeirConfig): Promise<void> {
    for (const key of liveKeys) await this.#tell(key, config, 'mediator')
    const state = (await this.#pod.mediator('mediator.state')) as unknown as {
      destinations: readonly { id: string }[]
    }
    const present = new Set(state.destinations.map(({ id }) => id))
    for (const destination of config.destinations) {
      await this.#give(destination, present.has(destination.id) ? 'destinations.patch' : 'destinations.add')
      present.delete(destination.id)
    }
    for (const id of present) await this.#take(id)
  }

  /** The same of a collector. */
  async giveCollector(config: WeirConfig): Promise<void> {
    for (const key of liveKeys) await this.#tell(key, config, 'collector')
    await this.#givePolicies(config)
    await this.#giveListeners(config)
  }

  /** @param process - only this one. */
  async #tell(key: LiveKey, config: WeirConfig, process?: string): Promise<void> {
    for (const telling of key.tellings(config)) {
      if (process === undefined || process === telling.process) {
        await this.#pod[telling.process](telling.method, telling.params)
      }
    }
  }

  async #giveListeners(
    { collector: { listeners } }: WeirConfig,
    method: 'prepareListeners' | 'setListeners' = 'setListeners'
  ): Promise<void> {
    await this.#pod.collector(`collector.${method}`, { listeners } as unknown as JsonValue)
  }

  async #givePolicies(config: WeirConfig): Promise<void> {
    await this.#pod.collector('exporters.setPolicies', { policies: overridesOf(config) } as unknown as JsonValue)
  }

  /** What may fail without anything being changed comes first, what cannot be had back as it was last. */
  #changes(before: WeirConfig, after: WeirConfig): Change[] {
    const known = new Map(before.destinations.map(destination => [destination.id, destination]))
    const wanted = new Map(after.destinations.map(destination => [destination.id, destination]))
    const steps = planOf(before, after)
    const changes: Change[] = []
    const areListenersOther = !isDeepStrictEqual(before.collector.listeners, after.collector.listeners)
    const setBack = (): Promise<void> => this.#giveListeners(before)
    if (areListenersOther) {
      changes.push({ apply: () => this.#giveListeners(after, 'prepareListeners'), undo: setBack })
    }
    if (steps.some(({ what }) => what === 'exporter')) {
      changes.push({ apply: () => this.#givePolicies(after), undo: () => this.#givePolicies(before) })
    }
    const destinations = steps.filter(({ what, action }) => what === 'destination' && action !== 'keep')
    const ofDestination = ({ id }: { id: string }): Change => this.#destinationChange(id, known.get(id), wanted.get(id))
    changes.push(...destinations.filter(({ action }) => action !== 'remove').map(ofDestination))
    const changed = new Set(
      steps.filter(({ what, action }) => what === 'key' && action === 'change').map(({ id }) => id)
    )
    for (const key of liveKeys) if (changed.has(key.id)) changes.push(this.#keyChange(key, before, after))
    if (areListenersOther) changes.push({ apply: () => this.#giveListeners(after), undo: setBack })
    changes.push(...destinations.filter(({ action }) => action === 'remove').map(ofDestination))
    return changes
  }

  #keyChange(key: LiveKey, before: WeirConfig, after: WeirConfig): Change {
    const set = async (config: WeirConfig): Promise<void> => {
      await this.#tell(key, config)
      if (key.processes.includes('coordinator')) this.#takeOwn(config)
    }
    return { apply: () => set(after), undo: () => set(before) }
  }

  #destinationChange(id: string, before: Destination | undefined, after: Destination | undefined): Change {
    const set = (wanted: Destination | undefined, isThere: boolean): Promise<void> =>
      wanted === undefined ? this.#take(id) : this.#give(wanted, isThere ? 'destinations.patch' : 'destinations.add')
    return {
      apply: () => set(after, before !== undefined),
      undo: () => set(before, after !== undefined)
    }
  }

  /** Newest first. What cannot be undone is set right by what follows a failed change, or when its process comes back. */
  async #undo(begun: readonly Change[]): Promise<void> {
    for (const { undo } of begun.toReversed()) await undo().catch(() => undefined)
  }

  /**
   * Let the mediator have a destination. An answer that came too late may have left it with another view than ours, so one that it
   * has already is changed, and one that it lacks is added.
   */
  async #give(destination: Destination, method: 'destinations.add' | 'destinations.patch'): Promise<void> {
    const params = { id: destination.id, destination: destination as unknown as JsonValue }
    try {
      await this.#pod.mediator(method, params)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'DESTINATION_EXISTS') await this.#pod.mediator('destinations.patch', params)
      else if (code === 'DESTINATION_UNKNOWN') await this.#pod.mediator('destinations.add', params)
      else throw error
    }
  }

  async #take(id: string): Promise<void> {
    try {
      await this.#pod.mediator('destinations.remove', { id })
    } catch (error) {
      // Gone is gone.
      if (codeOf(error) !== 'DESTINATION_UNKNOWN') throw error
    }
  }
}

const codeOf = (error: unknown): string | undefined => (error instanceof HttpProblem ? error.problem.code : undefined)
