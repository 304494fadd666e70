import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  write as writeFile,
  writeSync
} from 'node:fs'
import { dirname } from 'node:path'
import { errorMessage } from '@weir/runtime'
import { PathDenied, checkPath, openGuarded } from './guarded-path.ts'
import { removeOldest } from './file-names.ts'
import { IdleWait } from './idle-wait.ts'
import { rescueParts } from './part-files.ts'
import type { PathCheck } from '@weir/config'
import type { Chunk } from '../destinations/chunk.ts'
import type { Output, OutputState } from '../destinations/output.ts'
import type { OutputDeps } from './tcp-output.ts'

/** How files are called, before and after they are whole. */
export interface FileNaming {
  /** The file to write to. */
  openPath(timeMs: number): string
  /** What it is called once it is finished; undefined = it keeps its name. */
  finishedPath(openPath: string, timeMs: number): string | undefined
  /** True: go on at the end of a file that is there. False: it must not be there. */
  readonly isAppending: boolean
  /** Finished files in the folder of `openPath`, for `keep`. */
  readonly finished: RegExp
}

export interface FileOutputConfig {
  readonly naming: FileNaming
  readonly target: string
  readonly rotateOctets: number | null
  readonly rotateSeconds: number | null
  readonly keep: number | null
  /** Where files may be, links followed; undefined = anywhere, and devices and pipes too. */
  readonly allows?: PathCheck
}

/** The end of a file, and who wants to know of it. */
type Rotation = ((isWhole: boolean) => void) | 'rotate'
type Step = Chunk | Rotation

const RETRY_MS = 5_000
const LINE_END = 0x0a
const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_WRONLY } = constants

const isFifo = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFIFO() === true

/** Chunks into files, one after the other; a file is made when there is something to write. */
export class FileOutput implements Output {
  readonly isLazy = true
  readonly #config: FileOutputConfig
  readonly #deps: OutputDeps
  readonly #steps: Step[] = []
  readonly #idle = new IdleWait()
  #fd = -1
  #path = ''
  #isRegular = true
  #fileOctets = 0
  #openedAtMs = 0
  #givenOctets = 0
  #givenSinceMs = 0
  #isReady = false
  #isWriting = false
  #isClosing = false
  #failedAtMs = -1
  #failedAtWallMs = 0
  #sessions = 0
  #sendErrors = 0
  #writtenOctets = 0
  #lastError: string | undefined

  constructor(config: FileOutputConfig, deps: OutputDeps) {
    this.#config = config
    this.#deps = deps
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get state(): OutputState {
    return {
      status: this.#isReady ? 'ready' : this.#failedAtMs >= 0 ? 'waiting' : 'closed',
      target: this.#config.target,
      sessions: this.#sessions,
      attempts: this.#sessions + this.#sendErrors,
      sendErrors: this.#sendErrors,
      writtenOctets: this.#writtenOctets,
      lastError: this.#lastError,
      nextAttemptAtMs: this.#failedAtMs < 0 ? undefined : this.#failedAtWallMs + RETRY_MS
    }
  }

  /** Tries the folder and, where a file is appended to, the file: a wrong path shows at once, not at the first record. */
  open(): void {
    this.#failedAtMs = -1
    try {
      if (this.#config.naming.isAppending) this.#openFile()
      else this.#prepareFolder()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#givenOctets = this.#fileOctets
    this.#givenSinceMs = this.#deps.clock.nowMs()
    this.#sessions++
    this.#isReady = true
    this.#deps.events.onReady()
  }

  write(chunk: Chunk): void {
    if (this.#givenOctets === 0) this.#givenSinceMs = this.#deps.clock.nowMs()
    this.#givenOctets += chunk.end
    this.#steps.push(chunk)
    this.#run()
  }

  get hasOpenFile(): boolean {
    return this.#isReady && this.#givenOctets > 0 && this.#isRegular
  }

  wantsRotation(): boolean {
    const { rotateOctets, rotateSeconds } = this.#config
    if (!this.hasOpenFile) return false
    if (rotateOctets !== null && this.#givenOctets >= rotateOctets) return true
    if (rotateSeconds === null) return false
    // Aligned to the clock: files of all destinations begin and end together.
    const periodMs = rotateSeconds * 1000
    return Math.floor(this.#deps.clock.nowMs() / periodMs) > Math.floor(this.#givenSinceMs / periodMs)
  }

  rotate(onDone?: (isWhole: boolean) => void): void {
    this.#givenOctets = 0
    this.#sessions++
    this.#steps.push(onDone ?? 'rotate')
    this.#run()
  }

  tick(): void {
    if (this.#failedAtMs < 0 || this.#isClosing) return
    if (this.#deps.clock.monotonicMs() - this.#failedAtMs >= RETRY_MS) this.open()
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true
    if (this.#isWriting && deadlineMs > 0) await this.#idle.wait(this.#deps.clock, deadlineMs)
    this.#isReady = false
    this.#forgetSteps()
    if (this.#fd < 0 || this.#isWriting) return
    await new Promise<void>(resolve => {
      this.#finishFile(this.#config.naming.isAppending, error => {
        if (error) this.#lastError = errorMessage(error)
        resolve()
      })
    })
  }

  /** What was given is not written: told to those who wait for the end of a file. */
  #forgetSteps(): void {
    const left = this.#steps.splice(0)
    for (const step of left) if (typeof step === 'function') step(false)
  }

  #prepareFolder(): void {
    const { clock, log } = this.#deps
    const { naming, target } = this.#config
    const nowMs = clock.nowMs()
    const folder = dirname(naming.openPath(nowMs))
    checkPath(folder, this.#config.allows)
    mkdirSync(folder, { recursive: true })
    const nameOf = (part: string): string => naming.finishedPath(part, nowMs) ?? part
    for (const { path, octets, cutOctets } of rescueParts(folder, naming.finished, nameOf, performance.timeOrigin)) {
      log.warn('file_rescued', `${path} was left unfinished and is finished now`, { target, octets, cutOctets })
    }
  }

  #run(): void {
    if (this.#isWriting) return
    const step = this.#steps[0]
    if (step === undefined) {
      this.#idle.end()
      return
    }
    try {
      if (step === 'rotate' || typeof step === 'function') {
        this.#steps.shift()
        const onDone = step === 'rotate' ? undefined : step
        if (this.#fd >= 0) this.#seal(onDone)
        else {
          onDone?.(true)
          this.#run()
        }
        return
      }
      if (this.#fd < 0) this.#openFile()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#writeFrom(step, 0)
  }

  #seal(onDone: ((isWhole: boolean) => void) | undefined): void {
    this.#isWriting = true
    this.#finishFile(false, error => {
      this.#isWriting = false
      onDone?.(error === null)
      if (error) this.#fail(error)
      else this.#run()
    })
  }

  #writeFrom(chunk: Chunk, offset: number): void {
    this.#isWriting = true
    writeFile(this.#fd, chunk.octets, offset, chunk.end - offset, null, (error, written) => {
      this.#isWriting = false
      if (error) {
        this.#fail(error)
        return
      }
      if (offset + written < chunk.end) {
        this.#writeFrom(chunk, offset + written)
        return
      }
      this.#steps.shift()
      this.#fileOctets += chunk.end
      this.#writtenOctets += chunk.end
      this.#deps.events.onWritten(chunk)
      this.#run()
    })
  }

  #openFile(): void {
    const { naming, allows } = this.#config
    this.#openedAtMs = this.#deps.clock.nowMs()
    this.#path = naming.openPath(this.#openedAtMs)
    checkPath(this.#path, allows)
    mkdirSync(dirname(this.#path), { recursive: true })
    // A FIFO that nobody reads would hold the whole process: tried first in a way that fails at once.
    if (naming.isAppending && isFifo(this.#path)) closeSync(openSync(this.#path, O_WRONLY | O_NONBLOCK))
    const flags = O_WRONLY | O_CREAT | (naming.isAppending ? O_APPEND : O_EXCL)
    const fd = allows === undefined ? openSync(this.#path, flags, 0o640) : openGuarded(this.#path, flags, 0o640, allows)
    const stat = fstatSync(fd)
    if (allows !== undefined && !stat.isFile()) {
      closeSync(fd)
      throw new PathDenied()
    }
    this.#fd = fd
    this.#isRegular = stat.isFile()
    this.#fileOctets = this.#isRegular ? stat.size : 0
    if (naming.isAppending && this.#fileOctets > 0) this.#endLine()
  }

  /** A process that was killed may have left half a line: what follows begins on one of its own. */
  #endLine(): void {
    const last = new Uint8Array(1)
    const reader = openSync(this.#path, 'r')
    readSync(reader, last, 0, 1, this.#fileOctets - 1)
    closeSync(reader)
    if (last[0] !== LINE_END) this.#fileOctets += writeSync(this.#fd, Uint8Array.of(LINE_END))
  }

  /** To the disk, then its final name. The event loop does not wait for the disk. */
  #finishFile(isKeepingName: boolean, onDone: (error: Error | null) => void): void {
    const fd = this.#fd
    const path = this.#path
    const { naming, keep } = this.#config
    const finished = isKeepingName || !this.#isRegular ? undefined : naming.finishedPath(path, this.#openedAtMs)
    this.#fd = -1
    this.#fileOctets = 0
    const close = (error: Error | null): void => {
      try {
        closeSync(fd)
        if (error === null && finished !== undefined) {
          renameSync(path, finished)
          syncFolder(dirname(finished))
          if (keep !== null) removeOldest(dirname(finished), naming.finished, keep)
        }
        onDone(error)
      } catch (failure) {
        onDone(failure as Error)
      }
    }
    if (this.#isRegular) fsync(fd, close)
    else close(null)
  }

  /** A full disk or a folder that is gone: cut back to the last whole chunk, and begin anew later (F-23, F-24). */
  #fail(error: unknown): void {
    this.#lastError = errorMessage(error)
    this.#sendErrors++
    this.#deps.log.error('file_failed', `${this.#config.target} cannot be written: ${this.#lastError}`, {
      target: this.#config.target
    })
    const wasReady = this.#isReady
    this.#isReady = false
    this.#forgetSteps()
    this.#failedAtMs = this.#deps.clock.monotonicMs()
    this.#failedAtWallMs = this.#deps.clock.nowMs()
    if (this.#fd >= 0) {
      try {
        if (this.#isRegular) ftruncateSync(this.#fd, this.#fileOctets)
      } catch {
        // The disk that refused the records may refuse this as well; the file stays as it is.
      }
      this.#finishFile(this.#config.naming.isAppending, () => undefined)
    }
    if (wasReady && !this.#isClosing) this.#deps.events.onLost()
    this.#idle.end()
  }
}

/** The rename itself reaches the disk with its folder. Not all file systems can; then it comes with the next flush. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r')
    fsync(fd, () => closeSync(fd))
  } catch {
    // As above.
  }
}
