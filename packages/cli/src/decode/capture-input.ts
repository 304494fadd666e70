import { statSync } from 'node:fs'
import { STANDARD_INPUT } from '@weir/analysis/files'
import { CodedError, exitCodes } from '@weir/runtime'
import type { ExpansionBound } from '@weir/analysis/files'

/** Octets of all files together, or undefined if that is not known (standard input, a pipe). */
export function octetsOfFiles(paths: readonly string[]): number | undefined {
  let octets = 0
  for (const path of paths) {
    const stat = path === STANDARD_INPUT ? undefined : statSync(path, { throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) return undefined
    octets += stat.size
  }
  return octets
}

/** What a sentence that begins with an input calls it. */
export const inputName = (path: string): string => (path === STANDARD_INPUT ? 'Standard input' : path)

/**
 * Decompressed octets of one input, after which it is taken for a bomb: INPUT_TOO_LARGE (exit 65).
 *
 * @param remedy - what to do about it.
 */
export const sizeBound = (path: string, maxMebibytes: number, remedy: string): ExpansionBound => {
  const maxOctets = maxMebibytes * 2 ** 20
  return (_readOctets, octets) => {
    if (octets <= maxOctets) return undefined
    const message = `${inputName(path)} is more than ${maxMebibytes} MiB decompressed; ${remedy}`
    return new CodedError('INPUT_TOO_LARGE', message, exitCodes.badInput, { maxOctets })
  }
}
