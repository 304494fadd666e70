import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { CodedError, exitCodes } from '@weir/runtime'
import type { TaskFile } from '../task.ts'

const BUFFER_OCTETS = 1024 * 1024

/** What all files of one task may have together (L-82). */
export class OutputBudget {
  readonly #most: number
  #used = 0

  constructor(octets: number) {
    this.#most = octets
  }

  /** @throws CodedError TASK_LIMIT if that is more than is left. */
  take(octets: number): void {
    this.#used += octets
    if (this.#used <= this.#most) return
    const message = `The result is larger than ${this.#most} octets; ask for fewer fields, filter the records, or raise the bound on results`
    throw new CodedError('TASK_LIMIT', message, exitCodes.badInput, { limit: 'output', octets: this.#most })
  }
}

/**
 * A file of a task's result, written in order by the thread that makes it: what a task writes holds up nobody else, and the
 * file system is its own back-pressure.
 */
export class OutputFile {
  readonly name: string
  /** Octets so far. */
  octets = 0
  readonly #mediaType: string
  readonly #budget: OutputBudget
  readonly #buffer = Buffer.allocUnsafe(BUFFER_OCTETS)
  #used = 0
  #descriptor: number | undefined

  /** @throws CodedError OUTPUT_FAILED if the file is there already, or cannot be made. */
  constructor(folder: string, name: string, mediaType: string, budget: OutputBudget) {
    this.name = name
    this.#mediaType = mediaType
    this.#budget = budget
    this.#descriptor = guarded(name, () => openSync(join(folder, name), 'wx', 0o640))
  }

  /** Octets are copied. */
  write(octets: Uint8Array, start = 0, end: number = octets.length): void {
    const length = end - start
    this.#budget.take(length)
    this.octets += length
    if (this.#used + length > BUFFER_OCTETS) this.#flush()
    if (length > BUFFER_OCTETS) return this.#put(octets.subarray(start, end))
    // A view of the part is dearer than the copy where parts are small.
    this.#buffer.set(start === 0 && end === octets.length ? octets : octets.subarray(start, end), this.#used)
    this.#used += length
  }

  text(text: string): void {
    this.write(Buffer.from(text))
  }

  /** Nothing can be written afterwards; may be called again. */
  close(): TaskFile {
    if (this.#descriptor !== undefined) {
      this.#flush()
      closeSync(this.#descriptor)
      this.#descriptor = undefined
    }
    return { name: this.name, mediaType: this.#mediaType, octets: this.octets }
  }

  #flush(): void {
    if (this.#used > 0) this.#put(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }

  #put(octets: Uint8Array): void {
    const descriptor = this.#descriptor!
    guarded(this.name, () => {
      for (let at = 0; at < octets.length;) at += writeSync(descriptor, octets, at)
    })
  }
}

function guarded<T>(name: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOSPC' ? 'the disk is full; make room' : `the file system says ${code ?? 'no'}`
    throw new CodedError('OUTPUT_FAILED', `${name} cannot be written: ${why}`, exitCodes.inputOutput, { code }, error)
  }
}
