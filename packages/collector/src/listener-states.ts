import { readFileSync } from 'node:fs'
import { errorCode, errorMessage, writeFileAtomic } from '@weir/runtime'
import type { Log } from '@weir/runtime'

/** What an operator has told a listener to do, until he says otherwise. */
export type ToldState = 'paused' | 'drained'

/** What listeners were told to do, kept in a file so that a collector that comes back does the same. */
export class ListenerStates {
  readonly #path: string | undefined
  readonly #log: Log
  readonly #states: Map<string, ToldState>
  #saving: Promise<void> = Promise.resolve()

  /** @param path - it is read if it is there; undefined: nothing outlives the process. */
  constructor(path: string | undefined, log: Log) {
    this.#path = path
    this.#log = log
    this.#states = path === undefined ? new Map() : read(path, log)
  }

  get(name: string): ToldState | undefined {
    return this.#states.get(name)
  }

  /** @returns when it is on the disk, or cannot be. */
  async set(name: string, state: ToldState | undefined): Promise<void> {
    if (this.#states.get(name) === state) return
    if (state === undefined) this.#states.delete(name)
    else this.#states.set(name, state)
    const path = this.#path
    if (path === undefined) return
    this.#saving = this.#saving.then(() => this.#save(path))
    await this.#saving
  }

  /** Forget all others. @returns as {@link set} */
  async keepOnly(isKept: (name: string) => boolean): Promise<void> {
    for (const name of this.#states.keys()) if (!isKept(name)) await this.set(name, undefined)
  }

  async #save(path: string): Promise<void> {
    try {
      await writeFileAtomic(path, JSON.stringify(Object.fromEntries(this.#states)))
    } catch (error) {
      const why = `what listeners were told is not kept in ${path}: ${errorMessage(error)}`
      this.#log.warn('listener_states_not_kept', `${why}; it holds until the collector ends`)
    }
  }
}

function read(path: string, log: Log): Map<string, ToldState> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const isTold = (entry: [string, unknown]): entry is [string, ToldState] =>
      entry[1] === 'paused' || entry[1] === 'drained'
    return new Map(Object.entries(value ?? {}).filter(isTold))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      log.warn('listener_states_unreadable', `${path} cannot be read, all listeners serve: ${errorMessage(error)}`)
    }
    return new Map()
  }
}
