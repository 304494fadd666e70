import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync
} from 'node:fs'
import { join } from 'node:path'
import { messageHeaderOctets } from '@weir/ipfix'

/** Until a file is whole it has this at its end. */
export const PART = '.part'

const IPFIX_VERSION = 10
const WINDOW_OCTETS = 1_048_576

/** What a process that was killed left, made whole. */
export interface RescuedFile {
  readonly path: string
  readonly octets: number
  /** Octets of a Message that was not written to its end, cut off. */
  readonly cutOctets: number
}

/**
 * Finish the `.part` files that a process before this one did not: their records are settled, so nobody sends them again. Each is
 * cut back to its last whole Message and gets its final name; one without a Message is removed.
 *
 * @param folder - only this one is looked at.
 * @param finished - names of finished files.
 * @param finishedPath - the free final name of a `.part`.
 * @param beforeMs - files changed later are being written; ms since 1970 UTC.
 * @throws the system's error if the folder cannot be read or changed.
 */
export function rescueParts(
  folder: string,
  finished: RegExp,
  finishedPath: (partPath: string) => string,
  beforeMs: number
): RescuedFile[] {
  const rescued: RescuedFile[] = []
  for (const name of readdirSync(folder).toSorted()) {
    if (!name.endsWith(PART) || !finished.test(name.slice(0, -PART.length))) continue
    const part = join(folder, name)
    // A link is none of ours, and what it leads to may be anything.
    const stat = lstatSync(part)
    if (!stat.isFile() || stat.mtimeMs >= beforeMs) continue
    const octets = cutToMessages(part)
    if (octets === 0) {
      rmSync(part)
      continue
    }
    const path = finishedPath(part)
    renameSync(part, path)
    rescued.push({ path, octets, cutOctets: stat.size - octets })
  }
  return rescued
}

/** @returns what is left. */
function cutToMessages(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
  try {
    const { size } = fstatSync(fd)
    const octets = wholeMessages(fd, size)
    if (octets < size) ftruncateSync(fd, octets)
    fsyncSync(fd)
    return octets
  } finally {
    closeSync(fd)
  }
}

/** Where the last whole Message ends: each names its length (RFC 7011 §3.1). */
function wholeMessages(fd: number, size: number): number {
  const window = new DataView(new ArrayBuffer(Math.min(WINDOW_OCTETS, Math.max(size, messageHeaderOctets))))
  let windowAt = 0
  let windowEnd = 0
  let at = 0
  while (at + messageHeaderOctets <= size) {
    if (at + messageHeaderOctets > windowEnd) {
      windowAt = at
      windowEnd = at + readSync(fd, window, 0, window.byteLength, at)
      if (windowEnd < at + messageHeaderOctets) return at
    }
    const length = window.getUint16(at - windowAt + 2)
    if (window.getUint16(at - windowAt) !== IPFIX_VERSION || length < messageHeaderOctets || at + length > size)
      return at
    at += length
  }
  return at
}
