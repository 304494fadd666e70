import { HttpProblem, notFound } from '@weir/http'
import { hasSameOutput, hashOf, mergePatch, validateDestination } from '@weir/config'
import type { Destination } from '@weir/config'
import type { ConfigIssue } from '@weir/runtime'
import type { ConfigBook } from './revisions/config-book.ts'

/** The destinations of the document in force, one by one: each change is a revision of the whole document. */
export class DestinationBook {
  readonly #book: ConfigBook

  constructor(book: ConfigBook) {
    this.#book = book
  }

  get all(): readonly Destination[] {
    return this.#book.document.destinations
  }

  get(id: string): Destination {
    const found = this.all.find(destination => destination.id === id)
    if (found === undefined) throw notFound('destination', id, 'GET /v1/destinations lists them')
    return found
  }

  /** Identity of a destination's document, for ETag and If-Match. */
  etagOf(id: string): string {
    return `"${hashOf(this.get(id)).slice(0, 16)}"`
  }

  /** @throws HttpProblem 422 with every error, 409 if the id is taken, 503 if there is no mediator to take it. */
  async add(value: unknown): Promise<Destination> {
    return this.#change('added', () => {
      const destination = this.#validated(value)
      if (this.all.some(({ id }) => id === destination.id)) {
        throw new HttpProblem(
          409,
          'DESTINATION_EXISTS',
          `There is a destination ${destination.id} already; PATCH changes it.`
        )
      }
      if (this.all.length >= 32) {
        throw new HttpProblem(422, 'DESTINATION_LIMIT', 'There are 32 destinations (L-43); remove one first.')
      }
      return { destination, destinations: [...this.all, destination] }
    })
  }

  /**
   * Merge a patch (RFC 7396) into a destination.
   *
   * @param ifMatch - the ETag that the caller has seen, or undefined.
   */
  async patch(id: string, patch: unknown, ifMatch: string | undefined): Promise<Destination> {
    return this.#change('changed', () => {
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
      return { destination: after, destinations: this.all.map(each => (each.id === id ? after : each)) }
    })
  }

  async remove(id: string, ifMatch: string | undefined): Promise<void> {
    await this.#change('removed', () => {
      const destination = this.get(id)
      this.#match(id, ifMatch)
      return { destination, destinations: this.all.filter(each => each.id !== id) }
    })
  }

  async #change(
    what: string,
    make: () => { destination: Destination; destinations: Destination[] }
  ): Promise<Destination> {
    let changed: Destination | undefined
    const note = { author: 'api', reason: `a destination was ${what}` }
    await this.#book.change(note, document => {
      const { destination, destinations } = make()
      note.reason = `destination ${destination.id} was ${what}`
      changed = destination
      return { ...document, destinations }
    })
    return changed!
  }

  #validated(value: unknown): Destination {
    const { destination, issues } = validateDestination(value, this.#book.document)
    if (destination === undefined) throw invalid(issues)
    const denied = this.#book.targets.issuesOf(destination, '')
    const former = this.all.find(({ id }) => id === destination.id)
    if (denied.length > 0 && (former === undefined || !hasSameOutput(former, destination))) throw invalid(denied)
    return destination
  }

  #match(id: string, ifMatch: string | undefined): void {
    if (ifMatch === undefined || ifMatch === '*' || ifMatch === this.etagOf(id)) return
    throw new HttpProblem(412, 'CHANGED_MEANWHILE', `Destination ${id} has changed since you read it; read it again.`)
  }
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
