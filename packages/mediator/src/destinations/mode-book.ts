import { readFileSync } from 'node:fs'
import { errorCode, errorMessage, writeFileAtomic } from '@weir/runtime'
import { destinationModes } from './destination-mode.ts'
import type { Log } from '@weir/runtime'
import type { DestinationMode } from './destination-mode.ts'

/** The modes of destinations, kept in a file so that a mediator that comes back goes on as it was told. */
export class ModeBook {
  readonly #path: string
  readonly #log: Log
  readonly #modes: Map<string, DestinationMode>
  #saving: Promise<void> = Promise.resolve()

  /** Reads the file, if it is there. */
  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
    this.#modes = read(path, log)
  }

  /** Running, where nothing else was said. */
  get(id: string): DestinationMode {
    return this.#modes.get(id) ?? 'running'
  }

  set(id: string, mode: DestinationMode): void {
    if (this.get(id) === mode) return
    if (mode === 'running') this.#modes.delete(id)
    else this.#modes.set(id, mode)
    this.#saving = this.#saving.then(() => this.#save())
  }

  /** Forget all others. */
  keepOnly(isKept: (id: string) => boolean): void {
    for (const id of this.#modes.keys()) if (!isKept(id)) this.set(id, 'running')
  }

  /** Resolves when what was set is on the disk, or cannot be. */
  saved(): Promise<void> {
    return this.#saving
  }

  async #save(): Promise<void> {
    try {
      await writeFileAtomic(this.#path, JSON.stringify(Object.fromEntries(this.#modes)))
    } catch (error) {
      const why = `the modes of destinations are not kept in ${this.#path}: ${errorMessage(error)}`
      this.#log.warn('modes_not_kept', `${why}; they hold until the mediator ends`)
    }
  }
}

function read(path: string, log: Log): Map<string, DestinationMode> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const isMode = (entry: [string, unknown]): entry is [string, DestinationMode] =>
      (destinationModes as readonly unknown[]).includes(entry[1])
    return new Map(Object.entries(value ?? {}).filter(isMode))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      log.warn('modes_unreadable', `${path} cannot be read, all destinations run: ${errorMessage(error)}`)
    }
    return new Map()
  }
}
