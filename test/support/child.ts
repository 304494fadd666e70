import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { ChildProcess } from 'node:child_process'
import { until } from './until.ts'

export interface ChildOptions {
  readonly cwd?: string
  /** Added to this process's own environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Told of every chunk of standard output, besides its being kept. */
  readonly onStdout?: (text: string) => void
}

/** How a process ended: its code, or the signal that ended it. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process that a test has started: what it says is kept, its end can be waited for. */
export class Child {
  readonly name: string
  readonly process: ChildProcess
  /** Resolves when it has ended and all it said was read. */
  readonly ended: Promise<ChildExit>
  stdout = ''
  stderr = ''
  #exit: ChildExit | undefined

  constructor(name: string, command: string, args: readonly string[], options: ChildOptions = {}) {
    this.name = name
    this.process = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      options.onStdout?.(text)
    })
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      if (process.env.WEIR_TEST_LOG) appendFileSync(process.env.WEIR_TEST_LOG, text)
    })
    this.ended = new Promise((resolve, reject) => {
      this.process.once('error', reject)
      this.process.once('close', (code, signal) => {
        this.#exit = { code, signal }
        resolve(this.#exit)
      })
    })
    this.ended.catch(() => undefined)
    // A test that has failed leaves its processes behind: they must not keep the test file from ending.
    this.process.unref()
    for (const stream of [this.process.stdout, this.process.stderr]) (stream as unknown as Socket).unref()
    running.add(this)
    void this.ended.finally(() => running.delete(this)).catch(() => undefined)
  }

  get pid(): number {
    return this.process.pid!
  }

  get hasEnded(): boolean {
    return this.#exit !== undefined
  }

  /** Everything it said, for the message of a failed assertion. */
  get said(): string {
    return `${this.name} said:\n${this.stdout.slice(-4000)}\n${this.stderr.slice(-8000)}`
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.process.kill(signal)
  }

  /** @returns how it ended. @throws if it has not ended in time. */
  async waitForEnd(deadlineMs = 30_000): Promise<ChildExit> {
    await until(`${this.name} has ended`, () => this.hasEnded, deadlineMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.said}`, { cause: error })
    })
    return this.ended
  }

  /** Wait for a text on one of its outputs. */
  async waitForText(text: string | RegExp, deadlineMs = 15_000): Promise<void> {
    const has = (all: string): boolean => (typeof text === 'string' ? all.includes(text) : text.test(all))
    await until(
      `${this.name} says ${String(text)}`,
      () => has(this.stdout) || has(this.stderr) || this.hasEnded,
      deadlineMs
    )
    if (!has(this.stdout) && !has(this.stderr))
      throw new Error(`${this.name} ended before it said ${String(text)}\n${this.said}`)
  }
}

const running = new Set<Child>()

/** Nothing that a test file has started outlives it, however its tests end. */
function killAll(): void {
  for (const child of running) child.process.kill('SIGKILL')
}
process.on('exit', killAll)
