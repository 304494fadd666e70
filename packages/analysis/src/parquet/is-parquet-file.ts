import { closeSync, openSync, readSync, statSync } from 'node:fs'

/** The four octets at both ends of a Parquet file. */
export const MAGIC = 0x50415231

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
