import { appendFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '@weir/runtime'
import type { Log } from '@weir/runtime'

/** One change, or an attempt at one. */
export interface AuditLine {
  readonly atMs: number
  /** Id of the key; null: none that holds. */
  readonly key: string | null
  readonly role: string | null
  readonly address: string
  readonly method: string
  readonly path: string
  readonly status: number
}

const FILE_OCTETS = 16 * 1024 * 1024
/** What is asked for may be as long as the head of a request; nothing that there is has a longer path. */
const PATH_CHARACTERS = 512
const refusals: ReadonlySet<number> = new Set([401, 403])

/**
 * Who changed what: JSON lines in `<stateDir>/audit.log` (0600); at 16 MiB it becomes `audit.log.1`, over the one of before. Attempts that
 * were refused are in `audit-refused.log`, kept likewise: they can be made by anybody, and must not push out what was done.
 */
export class AuditLog {
  readonly #done: AuditFile
  readonly #refused: AuditFile
  readonly #log: Log

  constructor(stateDir: string, log: Log) {
    this.#done = new AuditFile(join(stateDir, 'audit.log'), log)
    this.#refused = new AuditFile(join(stateDir, 'audit-refused.log'), log)
    this.#log = log
  }

  /** Write a line, and say it in the log. */
  add(line: AuditLine): void {
    const path = line.path.slice(0, PATH_CHARACTERS)
    this.#log.info('audit', `${line.method} ${path} by ${line.key ?? 'nobody known'}: ${line.status}`, {
      ...line,
      path
    })
    const file = refusals.has(line.status) ? this.#refused : this.#done
    file.add(`${JSON.stringify({ ...line, path })}\n`)
  }

  /** Resolves when all lines are in their files. */
  async flush(): Promise<void> {
    await Promise.all([this.#done.flush(), this.#refused.flush()])
  }
}

class AuditFile {
  readonly #path: string
  readonly #log: Log
  #writes: Promise<void> = Promise.resolve()
  #octets: number | undefined

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  add(text: string): void {
    this.#writes = this.#writes.then(() => this.#write(text))
  }

  flush(): Promise<void> {
    return this.#writes
  }

  async #write(text: string): Promise<void> {
    try {
      this.#octets ??= await stat(this.#path).then(
        ({ size }) => size,
        () => 0
      )
      if (this.#octets > FILE_OCTETS) {
        await rename(this.#path, `${this.#path}.1`)
        this.#octets = 0
      }
      await appendFile(this.#path, text, { mode: 0o600 })
      this.#octets += Buffer.byteLength(text)
    } catch (error) {
      this.#log.error('audit_failed', `${this.#path} cannot be written: ${errorMessage(error)}`)
    }
  }
}
