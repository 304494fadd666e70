import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { CodedError, exitCodes } from '@weir/runtime'
import { readPage } from './page-reader.ts'
import { ParquetFault } from './parquet-fault.ts'
import { readFooter } from './parquet-footer.ts'
import type { Page } from './page-reader.ts'
import type { ParquetFooter } from './parquet-footer.ts'

const MAGIC = 0x50415231
const MAX_FOOTER_OCTETS = 64 * 1024 * 1024

/** Whether a file begins as Parquet does; false for what is no file. */
export function isParquetFile(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  const descriptor = openSync(path, 'r')
  try {
    const head = Buffer.alloc(4)
    return readSync(descriptor, head, 0, 4, 0) === 4 && head.readUInt32BE(0) === MAGIC
  } finally {
    closeSync(descriptor)
  }
}

/** A Parquet file that convert wrote, open. */
export class ParquetFile {
  readonly footer: ParquetFooter
  readonly #descriptor: number
  readonly #maxOctets: number

  /**
   * @param maxOctets - that the pages of one row group, or the values of one page of each column, may take.
   * @throws ParquetFault if it is none that convert wrote.
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
   * The pages, one of each column at a time, all of the same rows.
   *
   * @param onRead - told of octets of the file.
   */
  *pages(onRead: (octets: number) => void): Generator<readonly Page[]> {
    for (const { rows, chunks } of this.footer.groups) {
      this.#bound(chunks.reduce((sum, { octets }) => sum + octets, 0))
      const octets = chunks.map(chunk => this.#read(chunk.offset, chunk.octets))
      const places = chunks.map(() => 0)
      for (let done = 0; done < rows;) {
        const pages = octets.map((chunk, column) => {
          const { page, next } = readPage(chunk, places[column])
          onRead(next - places[column])
          places[column] = next
          return page
        })
        this.#bound(pages.reduce((sum, page) => sum + page.octets.length, 0))
        if (pages.length === 0) break
        done += pages[0].rows
        yield pages
      }
    }
  }

  #readFooter(): ParquetFooter {
    const { size } = fstatSync(this.#descriptor)
    if (size < 12) throw new ParquetFault('it was cut')
    const tail = this.#read(size - 8, 8)
    const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
    if (tail.readUInt32BE(4) !== MAGIC || length > size - 12) throw new ParquetFault('it was cut')
    if (length > MAX_FOOTER_OCTETS) throw new ParquetFault('its metadata is too large')
    return readFooter(this.#read(size - 8 - length, length), size)
  }

  #read(offset: number, length: number): Buffer {
    const octets = Buffer.allocUnsafe(length)
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
