import { HttpProblem, notFound } from '@weir/http'
import { hashOf, validateDestination } from '@weir/config'
import type { Destination, WeirConfig } from '@weir/config'
import type { ConfigIssue } from '@weir/runtime'
import type { JsonValue } from '@weir/link'
import type { Pod } from './pod.ts'
import type { RevisionKeeper } from './revision-keeper.ts'

/**
 * The destinations as this pod should have them. A change goes to the mediator first; only what the mediator took is kept, on
 * disk, so that it survives a restart of any process. One change at a time.
 */
export class DestinationBook {
  readonly #config: WeirConfig
  readonly #pod: Pod
  readonly #keeper: RevisionKeeper
  #destinations: readonly Destination[]

  /** @param config - the effective document, destinations of the last revision included. */
  constructor(config: WeirConfig, pod: Pod, keeper: RevisionKeeper) {
    this.#config = config
    this.#pod = pod
    this.#keeper = keeper
    this.#destinations = config.destinations
  }

  /** The effective document with the destinations as they are now. */
  get config(): WeirConfig {
    return { ...this.#config, destinations: [...this.#destinations] }
  }

  get(id: string): Destination {
    const found = this.#destinations.find(destination => destination.id === id)
    if (found === undefined) throw notFound('destination', id, 'GET /v1/destinations lists them')
    return found
  }

  /** Identity of a destination's document, for ETag and If-Match. */
  etagOf(id: string): string {
    return `"${hashOf(this.get(id)).slice(0, 16)}"`
  }

  /** @throws HttpProblem 422 with every error, 409 if the id is taken, 503 if there is no mediator to take it. */
  add(value: unknown): Promise<Destination> {
    return this.#apply(async () => {
      const destination = this.#validated(value)
      if (this.#destinations.some(({ id }) => id === destination.id)) {
        throw new HttpProblem(
          409,
          'DESTINATION_EXISTS',
          `There is a destination ${destination.id} already; PATCH changes it.`
        )
      }
      if (this.#destinations.length >= 32) {
        throw new HttpProblem(422, 'DESTINATION_LIMIT', 'There are 32 destinations (L-43); remove one first.')
      }
      await this.#give(destination, 'destinations.add')
      await this.#keep([...this.#destinations, destination])
      return destination
    })
  }

  /**
   * Merge a patch (RFC 7396) into a destination.
   *
   * @param ifMatch - the ETag that the caller has seen, or undefined.
   */
  patch(id: string, patch: unknown, ifMatch: string | undefined): Promise<Destination> {
    return this.#apply(async () => {
      const before = this.get(id)
      this.#match(id, ifMatch)
      const after = this.#validated(mergePatch(before, patch))
      if (after.id !== id)
        throw new HttpProblem(422, 'DESTINATION_ID', `The id of a destination cannot change; it is ${id}.`)
      if (after.type !== before.type) {
        throw new HttpProblem(
          422,
          'DESTINATION_TYPE',
          `The type of a destination cannot change; it is ${before.type}. Add another and remove this one.`
        )
      }
      await this.#give(after, 'destinations.patch')
      await this.#keep(this.#destinations.map(destination => (destination.id === id ? after : destination)))
      return after
    })
  }

  remove(id: string, ifMatch: string | undefined): Promise<void> {
    return this.#apply(async () => {
      this.get(id)
      this.#match(id, ifMatch)
      await this.#take(id)
      await this.#keep(this.#destinations.filter(destination => destination.id !== id))
    })
  }

  /** Give a mediator that has just come what it should have: it may have started from an older document. */
  reconcile(): Promise<void> {
    return this.#keeper.change(async () => {
      const state = (await this.#pod.mediator('mediator.state')) as unknown as {
        destinations: readonly { id: string }[]
      }
      const present = new Set(state.destinations.map(({ id }) => id))
      for (const destination of this.#destinations) {
        await this.#give(destination, present.has(destination.id) ? 'destinations.patch' : 'destinations.add')
        present.delete(destination.id)
      }
      for (const id of present) await this.#take(id)
    })
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
      const { code } = codeOf(error)
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
      if (codeOf(error).code !== 'DESTINATION_UNKNOWN') throw error
    }
  }

  #validated(value: unknown): Destination {
    const { destination, issues } = validateDestination(value, this.config)
    if (destination === undefined) throw invalid(issues)
    return destination
  }

  #match(id: string, ifMatch: string | undefined): void {
    if (ifMatch === undefined || ifMatch === '*' || ifMatch === this.etagOf(id)) return
    throw new HttpProblem(412, 'CHANGED_MEANWHILE', `Destination ${id} has changed since you read it; read it again.`)
  }

  async #keep(destinations: readonly Destination[]): Promise<void> {
    this.#destinations = destinations
    await this.#keeper.keep({ destinations })
  }

  /** A change that somebody asked for. What the mediator did not answer in time it may do yet: then it is set right. */
  #apply<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#keeper.change(change)
    done.catch((error: unknown) => {
      if (codeOf(error).status === 504) this.reconcile().catch(() => undefined)
    })
    return done
  }
}

function codeOf(error: unknown): { readonly code?: string; readonly status?: number } {
  return error instanceof HttpProblem ? error.problem : {}
}

function invalid(issues: readonly ConfigIssue[]): HttpProblem {
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more, see errors)` : ''
  return new HttpProblem(
    422,
    'DESTINATION_INVALID',
    `${first!.path === '' ? 'The body' : first!.path} ${first!.message}${more}.`,
    issues
  )
}

/** JSON Merge Patch (RFC 7396): null removes a key, so that its default holds again. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
