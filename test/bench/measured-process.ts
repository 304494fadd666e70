import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'

/** User and system time of a process, all threads, seconds, from /proc; 0 if it is gone. */
export function cpuSecondsOf(pid: number): number {
  const fields = statOf(pid)
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident memory, MiB. */
export function residentMiBOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Highest resident memory so far, MiB. */
export function peakMiBOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** The fields behind the name in /proc/PID/stat: state is 0, ppid 1, utime 11, stime 12. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Processes whose parent is `pid`, with their command lines. */
export function childrenOf(pid: number): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && statOf(Number(name))?.[1] === String(pid))
    .map(name => ({ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') }))
}

/** A Node program of this folder that answers in JSON lines. */
export class LineProcess {
  readonly child: ChildProcess
  readonly #lines: Interface

  /** @param cpus - for taskset, or undefined for all. */
  constructor(script: string, parameters: readonly string[], cpus: string | undefined) {
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      new URL(script, import.meta.url).pathname,
      ...parameters
    ]
    const pinned = cpus === undefined ? command : ['taskset', '-c', cpus, ...command]
    this.child = spawn(pinned[0]!, pinned.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.child.stdout! })
  }

  /** The next line it prints. */
  async line<T>(): Promise<T> {
    const [text] = (await once(this.#lines, 'line')) as [string]
    return JSON.parse(text) as T
  }

  async ask<T>(): Promise<T> {
    const answer = this.line<T>()
    this.child.stdin!.write('\n')
    return answer
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGTERM')
    await once(this.child, 'exit')
  }
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
