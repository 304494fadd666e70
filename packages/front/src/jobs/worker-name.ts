import { readFileSync } from 'node:fs'

/** This process, told from every other one of this machine since it was started. */
export const ownWorkerName = (): string => `${process.pid}.${startOf(process.pid) ?? 'x'}`

/** True if the process of a name is gone for sure; where that cannot be known, its silence has to tell. */
export function isGone(worker: string): boolean {
  const [pid, start] = worker.split('.')
  if (pid === undefined || start === undefined || start === 'x' || startOf(process.pid) === undefined) return false
  return startOf(Number(pid)) !== start
}

/** When a process was started, in ticks since the machine was; undefined: there is none, or this system does not say (Linux does). */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in brackets and may hold anything; the start is the twentieth after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    // A zombie does nothing any more.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
