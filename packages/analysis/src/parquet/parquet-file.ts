import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { CodedError, exitCodes } from '@weir/runtime'
import { parquetSchema } from 'hyparquet'
import { readChunk } from './chunk-reader.ts'
import { MAGIC } from './is-parquet-file.ts'
import { ParquetFault } from './parquet-fault.ts'
import { readFooter } from './parquet-footer.ts'
import type { StoredValues } from './chunk-reader.ts'
import type { ParquetFooter, StoredGroup } from './parquet-footer.ts'

/** The library makes objects of metadata, which take some times its octets. */
const FOOTER_SHARE = 8

/** A Parquet file that convert wrote, open. */
export class ParquetFile {
  readonly footer: ParquetFooter
  readonly #descriptor: number
  readonly #maxOctets: number

  /**
   * @param maxOctets - that a row group may take, compressed and not; an eighth of it the metadata.
   * @throws ParquetFault if it is none that convert wrote; CodedError TASK_LIMIT.
   */
  constructor(path: string, maxOctets: number) {
    this.#maxOctets = maxOctets
    this.#descriptor = openSync(path, 'r')
    try {
      this.footer = this.#readFooter()
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  /**
   * The values of a row group, one column at a time.
   *
   * @param onRead - told of octets of the file.
   */
  *columnsOf({ rows, chunks }: StoredGroup, onRead: (octets: number) => void): Generator<StoredValues, void, void> {
    const { children } = parquetSchema(this.footer.metadata)
    this.#bound(chunks.reduce((sum, { octets }) => sum + octets, 0))
    let plainOctets = 0
    for (const [index, { offset, octets }] of chunks.entries()) {
      const values = readChunk(this.#read(offset, octets), children[index], rows, length => {
        plainOctets += length
        this.#bound(plainOctets)
      })
      onRead(octets)
      yield values
    }
  }

  #readFooter(): ParquetFooter {
    const { size } = fstatSync(this.#descriptor)
    if (size < 12) throw new ParquetFault('it was cut')
    const tail = new DataView(this.#read(size - 8, 8).buffer)
    const length = tail.getUint32(0, true)
    if (tail.getUint32(4) !== MAGIC || length > size - 12) throw new ParquetFault('it was cut')
    this.#bound(FOOTER_SHARE * length)
    return readFooter(this.#read(size - 8 - length, length + 8), size)
  }

  /** Octets in a buffer of their own: the library looks at all that is in it. */
  #read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const octets = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const read = readSync(this.#descriptor, octets, at, length - at, offset + at)
      if (read === 0) throw new ParquetFault('it was cut')
      at += read
    }
    return octets
  }

  #bound(octets: number): void {
    if (octets <= this.#maxOctets) return
    const message = `A row group of ${octets} octets does not fit into the memory of a task (${this.#maxOctets}); write smaller ones`
    throw new CodedError('TASK_LIMIT', message, exitCodes.badInput, { limit: 'memory', octets })
  }
}
