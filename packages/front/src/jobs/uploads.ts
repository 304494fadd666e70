import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { HttpProblem, notFound } from '@weir/http/problem'
import { CodedError, errorCode, exitCodes, writeFileAtomic } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import { FILE_NAME, isFileName } from './file-name.ts'
import { namesOlderThan } from './job-folders.ts'
import type { JobFolders } from './job-folders.ts'
import type { JobUpload } from './job.ts'

/** A file that somebody has brought. */
export interface Upload extends JobUpload {
  /** Id of the key that it was brought with. */
  readonly author: string
  readonly createdAtMs: number
}

export interface UploadLimits {
  readonly uploadOctets: number
  readonly uploadsOctets: number
  readonly uploads: number
  readonly uploadsAtOnce: number
  readonly uploadKeptMs: number
  readonly freeOctets: number
}

const MIB = 1_048_576
/** Free space is looked at each time so much has come. */
const LOOK_OCTETS = 16 * MIB
/** What was begun and not ended is left behind by a process that died. */
const ABANDONED_MS = 3_600_000
const idPattern = /^u[0-9a-f]{32}$/

/**
 * Files that were brought, each under a name of our own beside what is said of it; what their owners call them is never a
 * path. They are streamed to disk, never held in memory.
 */
export class Uploads {
  readonly #folders: JobFolders
  readonly #limits: UploadLimits
  readonly #clock: Clock
  #arriving = 0
  #arrivingOctets = 0

  constructor(folders: JobFolders, limits: UploadLimits, clock: Clock) {
    this.#folders = folders
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Take a file.
   *
   * @param announced - octets, if the sender says so before.
   * @param needed - ids of those that jobs need: they are not deleted to make room.
   * @throws HttpProblem 400 (name), 413, 429 or 507.
   */
  async receive(
    name: string,
    author: string,
    octets: Readable,
    announced: number | undefined,
    needed: () => Promise<ReadonlySet<string>>
  ): Promise<Upload> {
    const { uploadOctets, uploadsAtOnce } = this.#limits
    if (!isFileName(name)) throw badName(name)
    if (announced !== undefined && announced > uploadOctets) throw tooLong(uploadOctets)
    if (this.#arriving >= uploadsAtOnce) {
      const detail = `${uploadsAtOnce} uploads arrive already (front.jobs.limits.uploadsAtOnce); come back when one is there.`
      throw new HttpProblem(429, 'UPLOADS_AT_ONCE', detail, undefined, { 'retry-after': '5' })
    }
    this.#arriving++
    try {
      await this.#makeRoom(announced ?? 0, needed)
      const id = `u${randomBytes(16).toString('hex')}`
      const facts = await this.#write(id, octets, needed)
      const upload: Upload = { id, name, author, createdAtMs: this.#clock.nowMs(), ...facts }
      await writeFileAtomic(this.#aboutPath(id), JSON.stringify(upload))
      return upload
    } finally {
      this.#arriving--
    }
  }

  async list(): Promise<Upload[]> {
    const names = await readdir(this.#folders.uploads)
    const ids = names.filter(name => name.endsWith('.json')).map(name => name.slice(0, -5))
    const uploads = await Promise.all(ids.map(id => this.#read(id)))
    return uploads.filter(upload => upload !== undefined)
  }

  /** @throws HttpProblem 404 */
  async get(id: string): Promise<Upload> {
    const upload = idPattern.test(id) ? await this.#read(id) : undefined
    if (upload === undefined) throw notFound('upload', id, 'GET /api/v1/uploads lists them')
    return upload
  }

  /** Jobs that have begun keep theirs. @throws HttpProblem 404 */
  async remove(id: string): Promise<void> {
    await this.get(id)
    await this.#delete(id)
  }

  /**
   * Give a job its input: the same file, under a path that only the job has, so that nothing that happens to the upload later
   * happens to the job.
   *
   * @param path - nothing is there yet; in a folder of ours.
   * @throws CodedError UPLOAD_GONE or UPLOAD_CHANGED: it is not the regular file that was brought.
   */
  async lend({ id, name, octets }: JobUpload, path: string): Promise<void> {
    const source = this.#dataPath(id)
    const changed = (): CodedError =>
      new CodedError(
        'UPLOAD_CHANGED',
        `Upload ${id} (${name}) is not as it was brought; bring it again.`,
        exitCodes.badInput
      )
    // The job may come from a queue that others can write to.
    if (!idPattern.test(id) || !isFileName(name)) throw changed()
    let file
    try {
      file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw changed()
      throw new CodedError(
        'UPLOAD_GONE',
        `Upload ${id} (${name}) is not there any more; bring it again.`,
        exitCodes.badInput
      )
    }
    try {
      const opened = await file.stat()
      if (!opened.isFile() || opened.size !== octets || !(await this.#folders.has(source))) throw changed()
      await link(source, path)
      // Whatever was put in its place meanwhile is another file.
      const linked = await lstat(path)
      if (!linked.isFile() || linked.ino !== opened.ino || linked.dev !== opened.dev) throw changed()
    } finally {
      await file.close()
    }
  }

  /** Delete what is too old and what was left behind. @param needed - ids that jobs need. */
  async sweep(needed: ReadonlySet<string>): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const uploads = await this.list()
    for (const { id, createdAtMs } of uploads) {
      if (nowMs - createdAtMs > this.#limits.uploadKeptMs && !needed.has(id)) await this.#delete(id)
    }
    const known = new Set(uploads.flatMap(({ id }) => [id, `${id}.json`]))
    for (const name of await namesOlderThan(this.#folders.uploads, ABANDONED_MS, nowMs)) {
      if (!known.has(name)) await rm(join(this.#folders.uploads, name), { force: true })
    }
  }

  async #write(id: string, octets: Readable, needed: () => Promise<ReadonlySet<string>>) {
    const { uploadOctets } = this.#limits
    const path = this.#dataPath(id)
    const part = `${path}.part`
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const file = await open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    const hash = createHash('sha256')
    let written = 0
    let lookAt = LOOK_OCTETS
    try {
      for await (const chunk of octets as AsyncIterable<Uint8Array>) {
        if (written + chunk.length > uploadOctets) throw tooLong(uploadOctets)
        hash.update(chunk)
        await file.write(chunk)
        written += chunk.length
        this.#arrivingOctets += chunk.length
        if (written < lookAt) continue
        lookAt += LOOK_OCTETS
        await this.#makeRoom(0, needed)
      }
      await file.sync()
      await file.close()
      await this.#makeRoom(0, needed)
      await rename(part, path)
    } catch (error) {
      await file.close().catch(() => undefined)
      await rm(part, { force: true })
      throw isFull(error) ? full('the volume is full') : error
    } finally {
      this.#arrivingOctets -= written
    }
    return { octets: written, sha256: hash.digest('hex') }
  }

  /**
   * Room for those that arrive and so many octets more, by deleting the first ones that no job needs; none if that is not enough.
   *
   * @throws HttpProblem 507
   */
  async #makeRoom(more: number, needed: () => Promise<ReadonlySet<string>>): Promise<void> {
    const { uploadsOctets, uploads: most, freeOctets } = this.#limits
    const uploads = (await this.list()).toSorted((one, other) => one.createdAtMs - other.createdAtMs)
    let free = (await this.#folders.freeOctets()) - more
    let octets = uploads.reduce((sum, each) => sum + each.octets, this.#arrivingOctets + more)
    let count = uploads.length + this.#arriving
    const isRoom = (): boolean => octets <= uploadsOctets && count <= most && free >= freeOctets
    if (isRoom()) return
    const inUse = await needed()
    const going: string[] = []
    for (const { id, octets: its } of uploads) {
      if (isRoom()) break
      if (inUse.has(id)) continue
      going.push(id)
      octets -= its
      free += its
      count--
    }
    if (!isRoom()) throw full('it would not fit if all went that no job needs')
    for (const id of going) await this.#delete(id)
  }

  async #read(id: string): Promise<Upload | undefined> {
    try {
      return JSON.parse(await readFile(this.#aboutPath(id), 'utf8')) as Upload
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  async #delete(id: string): Promise<void> {
    await rm(this.#aboutPath(id), { force: true })
    await rm(this.#dataPath(id), { force: true })
  }

  #dataPath(id: string): string {
    return join(this.#folders.uploads, id)
  }

  #aboutPath(id: string): string {
    return join(this.#folders.uploads, `${id}.json`)
  }
}

const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')

const badName = (name: string): HttpProblem =>
  new HttpProblem(
    400,
    'FILE_NAME',
    `${JSON.stringify(name.slice(0, 64))} is no name of a file here: letters, digits, dots, underscores and hyphens, not a dot first, 128 at most (${FILE_NAME}).`
  )

const tooLong = (octets: number): HttpProblem =>
  new HttpProblem(413, 'UPLOAD_TOO_LONG', `An upload has ${octets} octets at most (front.jobs.limits.uploadOctets).`)

const full = (why: string): HttpProblem =>
  new HttpProblem(
    507,
    'UPLOADS_FULL',
    `There is no room for this upload: ${why}; delete uploads or jobs that nobody needs.`
  )
