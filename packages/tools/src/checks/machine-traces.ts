import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { root, run } from '../repository.ts'

const MAX_OCTETS = 2 * 1024 * 1024

/** Tracked text files that name a path of this machine, and lock files that name where packages came from. */
export function checkMachineTraces(): string[] {
  const { output } = run('git', ['ls-files', '-z'])
  const paths = [root.replace(/\/$/, ''), homedir()].filter(path => path.length > 6)
  return output
    .split('\0')
    .filter(path => path !== '')
    .flatMap(path => {
      const text = readText(path)
      if (text === undefined) return []
      const found = paths
        .filter(each => text.includes(each))
        .map(each => `${path}: names ${each}, a path of this machine`)
      if (path.endsWith('package-lock.json') && /"resolved": "https?:/.test(text)) {
        found.push(`${path}: records where packages were downloaded from`)
      }
      return found
    })
}

function readText(path: string): string | undefined {
  try {
    const octets = readFileSync(join(root, path))
    return octets.length > MAX_OCTETS || octets.includes(0) ? undefined : octets.toString('utf8')
  } catch {
    // Removed but not yet committed.
    return undefined
  }
}
