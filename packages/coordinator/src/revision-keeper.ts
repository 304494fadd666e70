import { HttpProblem } from '@weir/http'
import { writeRevision } from '@weir/config'
import type { Revision } from '@weir/config'
import { errorMessage } from '@weir/runtime'

/** What was changed through the API, on disk as a whole; one change at a time. */
export class RevisionKeeper {
  readonly #stateDir: string
  #revision: Revision
  #queue: Promise<unknown> = Promise.resolve()

  /** @param revision - as it is now. */
  constructor(stateDir: string, revision: Revision) {
    this.#stateDir = stateDir
    this.#revision = revision
  }

  /** Run one change after those before it. */
  change<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(change)
    this.#queue = done.catch(() => undefined)
    return done
  }

  /**
   * Keep what is in force now.
   *
   * @throws HttpProblem 507
   */
  async keep(part: Partial<Revision>): Promise<void> {
    this.#revision = { ...this.#revision, ...part }
    try {
      await writeRevision(this.#stateDir, this.#revision)
    } catch (error) {
      const why = `The change is in force, but could not be kept in ${this.#stateDir} (${errorMessage(error)})`
      throw new HttpProblem(
        507,
        'CHANGE_NOT_KEPT',
        `${why}: it is gone after a restart. Make room there and repeat it.`
      )
    }
  }
}
