import { readFileSync } from 'node:fs'

/** Pids of a process's children, and theirs; none if it is gone. */
export function descendantsOf(pid: number): number[] {
  let listed: string
  try {
    listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  } catch {
    return []
  }
  const children = listed.split(' ').filter(Boolean).map(Number)
  return children.flatMap(child => [child, ...descendantsOf(child)])
}

/** Arguments of a process; empty if it is gone. */
function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Pid of the one descendant that has `word` as an argument of its own; undefined if there is none now. */
export function descendantWith(pid: number, word: string): number | undefined {
  return descendantsOf(pid).find(child => argumentsOf(child).includes(word))
}

/** False once it has ended, even if nobody has waited for it yet. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Memory of a process that is in RAM now. */
export function residentOctets(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line![1]) * 1024
}
