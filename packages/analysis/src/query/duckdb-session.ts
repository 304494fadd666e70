import { join } from 'node:path'
import { CodedError, exitCodes, safeText } from '@weir/runtime'
import { paramsError } from './sql-writer.ts'
import type { DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement, DuckDBResultReader } from '@duckdb/node-api'
import type { SqlValue } from './sql-writer.ts'

const LEAST_MEBIBYTES = 128
const THREADS = 2

/** What a session may use. */
export interface SessionBounds {
  readonly memoryOctets: number
  /** Files that may be read, and no other. */
  readonly files: readonly string[]
  /** Where what does not fit into memory goes; it is gone afterwards. */
  readonly scratchFolder: string
  readonly scratchOctets: number
  readonly signal: AbortSignal
}

/**
 * A DuckDB of one query: in memory, with bounds that its statements cannot change, no network, no extensions, and no files
 * but those it was given. It runs beside the thread, which hears of an abort and interrupts it.
 */
export class DuckdbSession {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #signal: AbortSignal
  readonly #interrupt = (): void => this.#connection.interrupt()

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, signal: AbortSignal) {
    this.#instance = instance
    this.#connection = connection
    this.#signal = signal
    signal.addEventListener('abort', this.#interrupt)
  }

  static async open({
    memoryOctets,
    files,
    scratchFolder,
    scratchOctets,
    signal
  }: SessionBounds): Promise<DuckdbSession> {
    // Some 70 MB that only a query needs.
    const duckdb = await import('@duckdb/node-api')
    const instance = await duckdb.DuckDBInstance.create(':memory:', {
      threads: String(THREADS),
      memory_limit: `${Math.max(LEAST_MEBIBYTES, Math.floor(memoryOctets / 2 ** 20))}MiB`,
      temp_directory: join(scratchFolder, 'duckdb-scratch'),
      max_temp_directory_size: `${Math.max(1, Math.floor(scratchOctets / 2 ** 20))}MiB`,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false'
    })
    const connection = await instance.connect()
    const session = new DuckdbSession(instance, connection, signal)
    const list = files.map(path => `'${path.replaceAll("'", "''")}'`).join(', ')
    await connection.run(`SET allowed_paths = [${list}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    return session
  }

  /** May be called again. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#interrupt)
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  /**
   * The rows of a statement.
   *
   * @throws the signal's reason; CodedError TASK_LIMIT (memory), INPUT_PARQUET (a file cannot be read), TASK_PARAMS (a value
   * of another type than the statement wants).
   */
  async rows(sql: string, values: readonly SqlValue[]): Promise<DuckDBResultReader> {
    this.#signal.throwIfAborted()
    try {
      const statement = await this.#connection.prepare(sql)
      for (const [index, value] of values.entries()) bind(statement, index + 1, value)
      return await statement.runAndReadAll()
    } catch (error) {
      this.#signal.throwIfAborted()
      throw codedError(error)
    }
  }
}

function bind(statement: DuckDBPreparedStatement, index: number, value: SqlValue): void {
  if (typeof value === 'string') statement.bindVarchar(index, value)
  else if (typeof value === 'number') statement.bindDouble(index, value)
  else statement.bindBlob(index, value)
}

function codedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const [text] = error.message.split('\n')
  if (/^(Out of Memory|IO Error: Could not write|.*max_temp_directory_size)/.test(text)) {
    const message = 'The query does not fit into the memory of a task; group by fewer fields, or filter the records'
    return new CodedError('TASK_LIMIT', message, exitCodes.badInput, { limit: 'memory' }, error)
  }
  if (/^(Binder|Conversion|Out of Range|Mismatch Type) Error/.test(text)) {
    return paramsError(`The query does not fit the columns of the inputs: ${safeText(text.slice(0, 300))}`)
  }
  // The statement is ours and was bound: what is wrong now is wrong in a file. What DuckDB says of it may have its path.
  if (/^(IO|Invalid|Invalid Input|Serialization) Error/.test(text)) {
    const message = 'An input cannot be read as Parquet: it was cut or changed; make it again'
    return new CodedError('INPUT_PARQUET', message, exitCodes.badInput, {}, error)
  }
  return error
}
