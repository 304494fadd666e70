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

/** Who changed what: JSON lines in `<stateDir>/audit.log` (0600); at 16 MiB it becomes `audit.log.1`, over the one of before. */
export class AuditLog {
  readonly #path: string
  readonly #log: Log
  #writes: Promise<void> = Promise.resolve()
  #octets: number | undefined

  constructor(stateDir: string, log: Log) {
    this.#path = join(stateDir, 'audit.log')
    this.#log = log
  }

  /** Write a line, and say it in the log. */
  add(line: AuditLine): void {
    this.#log.info('audit', `${line.method} ${line.path} by ${line.key ?? 'nobody known'}: ${line.status}`, { ...line })
    this.#writes = this.#writes.then(() => this.#write(`${JSON.stringify(line)}\n`))
  }

  /** Resolves when all lines are in the file. */
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
