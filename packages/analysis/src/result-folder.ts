import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError, exitCodes } from '@weir/runtime'
import type { TaskContext, TaskFile } from './task.ts'

/** Writes the files of a result that are made in memory, within the bound of what a task may write. */
export class ResultFolder {
  readonly files: TaskFile[] = []
  readonly #folder: string
  readonly #limitOctets: number
  #octets = 0

  constructor({ outputFolder, limits }: Pick<TaskContext, 'outputFolder' | 'limits'>) {
    this.#folder = outputFolder
    this.#limitOctets = limits.outputOctets
  }

  /**
   * @param name - of ours; a file of that name must not be there.
   * @throws CodedError TASK_LIMIT (exit 65) if all files together would be larger than is allowed.
   */
  async write(name: string, mediaType: string, text: string): Promise<void> {
    const content = Buffer.from(text)
    const octets = content.length
    this.#octets += octets
    if (this.#octets > this.#limitOctets) {
      const message = `The result is larger than ${this.#limitOctets} octets: ask for less of it, or allow more`
      throw new CodedError('TASK_LIMIT', message, exitCodes.badInput, { limit: 'outputOctets', file: name })
    }
    await writeFile(join(this.#folder, name), content, { flag: 'wx' })
    this.files.push({ name, mediaType, octets })
  }
}
