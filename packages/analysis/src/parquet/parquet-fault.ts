import { CodedError, exitCodes } from '@weir/runtime'

/** What is wrong with a Parquet file, without its name. */
export class ParquetFault extends Error {}

/** The error of an input that is a Parquet file and cannot be read. */
export function parquetError(name: string, fault: ParquetFault): CodedError {
  const message = `${name} cannot be read as Parquet that Weir wrote: ${fault.message}`
  return new CodedError('INPUT_PARQUET', message, exitCodes.badInput, { name }, fault)
}

/** Run a part of the library: whatever it throws, the file is damaged. */
export function damaged<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new ParquetFault(`${what} is damaged`, { cause: error })
  }
}
