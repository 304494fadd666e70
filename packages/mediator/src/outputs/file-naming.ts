import { existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { escapePattern, expandPath, matcherOf, numbered } from './file-names.ts'
import { PART } from './part-files.ts'
import type { FileNaming } from './file-output.ts'

const IN_FOLDER = 'weir-%Y%m%dT%H%M%SZ.ipfix'

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return path.endsWith('/')
  }
}

/**
 * IPFIX files: a path with `%Y %m %d %H %M %S`, or a folder. A file that is there is not written over: the next gets `-1`.
 */
export function ipfixFileNaming(path: string): FileNaming {
  const pattern = isFolder(path) ? join(path, IN_FOLDER) : path
  return {
    isAppending: false,
    finished: matcherOf(pattern),
    openPath: timeMs => {
      const wanted = expandPath(pattern, timeMs)
      return firstFree(
        number => numbered(wanted, number) + PART,
        path => existsSync(path) || existsSync(path.slice(0, -PART.length))
      )
    },
    finishedPath: openPath => firstFree(number => numbered(openPath.slice(0, -PART.length), number), existsSync)
  }
}

/** Lines in one file that goes on after a restart; at rotation it gets the time of that to its name. */
export function lineFileNaming(path: string, nowMs: () => number): FileNaming {
  return {
    isAppending: true,
    finished: new RegExp(String.raw`^${escapePattern(basename(path))}\.\d{8}T\d{6}Z(-\d+)?$`),
    openPath: () => path,
    finishedPath: () => {
      const name = `${path}.${expandPath('%Y%m%dT%H%M%SZ', nowMs())}`
      return firstFree(number => (number === 0 ? name : `${name}-${number}`), existsSync)
    }
  }
}

function firstFree(make: (number: number) => string, isTaken: (path: string) => boolean): string {
  for (let number = 0; ; number++) {
    const path = make(number)
    if (!isTaken(path)) return path
  }
}
