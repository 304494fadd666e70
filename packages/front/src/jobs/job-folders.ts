import { mkdir, readdir, realpath, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { UnavailableError, errorCode, errorMessage } from '@weir/runtime'

/** Where the files of jobs are, below one folder; nobody else is to write there. */
export class JobFolders {
  readonly #root: string

  /** @param root - made by {@link make} if it is not there. */
  constructor(root: string) {
    this.#root = root
  }

  get uploads(): string {
    return join(this.#root, 'uploads')
  }

  /** Results, a folder for each job that succeeded. */
  get results(): string {
    return join(this.#root, 'results')
  }

  /** What attempts have made so far, a folder each. */
  get work(): string {
    return join(this.#root, 'work')
  }

  /** File of the embedded queue. */
  get queue(): string {
    return join(this.#root, 'queue.db')
  }

  /** @param job - id, checked. */
  resultOf(job: string): string {
    return join(this.results, job)
  }

  /** @throws UnavailableError if it cannot be written. */
  async make(): Promise<void> {
    try {
      for (const each of [this.uploads, this.results, this.work]) await mkdir(each, { recursive: true, mode: 0o700 })
    } catch (error) {
      const why = `front.jobs.folder ${this.#root} cannot be written: ${errorMessage(error)}; name another one`
      throw new UnavailableError(errorCode(error) ?? 'JOBS_FOLDER', why, {}, error)
    }
  }

  /** @returns true if a path, with every symbolic link in it followed, is below the folder. */
  async has(path: string): Promise<boolean> {
    const [root, real] = await Promise.all([realpath(this.#root), realpath(path)])
    return real.startsWith(`${root}/`)
  }

  /** Octets that the volume has left for us. */
  async freeOctets(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#root)
    return bavail * bsize
  }
}

/** Octets of the files in a folder and the folders in it; what goes away meanwhile counts nothing. */
export async function octetsOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = entries
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) =>
      stat(join(parentPath, name)).then(
        ({ size }) => size,
        () => 0
      )
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** Folders and files in a folder that have not changed for so long, by name. */
export async function namesOlderThan(folder: string, ageMs: number, nowMs: number): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const old: string[] = []
  for (const name of names) {
    const changedAtMs = await stat(join(folder, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity
    )
    if (nowMs - changedAtMs > ageMs) old.push(name)
  }
  return old
}

/** Remove whatever is at a path, if there is something. */
export const removeAll = (path: string): Promise<void> => rm(path, { recursive: true, force: true })
