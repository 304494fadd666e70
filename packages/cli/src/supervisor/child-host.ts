import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ProcessMessage, SupervisorMessage } from '@weir/runtime'

/** A started child, as the supervisor sees it. */
export interface ChildHandle {
  readonly pid: number | undefined
  /** Its IPC channel; false if it is closed already. */
  send(message: SupervisorMessage): boolean
  kill(signal: NodeJS.Signals): void
}

/** What happens to a child. */
export interface ChildEvents {
  onMessage(message: ProcessMessage): void
  onExit(code: number): void
  /** One line of its standard error, if it is read. */
  onLine?(line: string): void
}

export interface ChildOptions {
  /** In a process group of its own: a terminal's Ctrl-C does not reach it, so it lives until it is told. */
  readonly isApart?: boolean
}

/** Starts a child; exchanged in tests. */
export type StartChild = (args: readonly string[], events: ChildEvents, options?: ChildOptions) => ChildHandle

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
// Standard error is for JSON lines; what is experimental in Node (FFI, SQLite) is our decision, and said in our own words.
const quiet = ['--disable-warning=ExperimentalWarning']
// MiB. What the data path allocates are buffers that die young: with a small young generation they go soon and cheaply, while
// a large one lets megabytes of them gather until a collection of the whole heap is due.
const smallYoungGeneration = ['--max-semi-space-size=4']
const signalNumbers: Readonly<Record<string, number>> = { SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }

/** Program and first arguments of a `weir ARGS…` like this one. */
export const weirCommandLine: readonly string[] = [process.execPath, ...process.execArgv, ...quiet, main]

/**
 * How to start `weir ARGS…` with an IPC channel. Standard output is ours; so is standard error, unless its lines are asked for.
 *
 * @param cacheFolder - where compiled sources are kept, so that a child that is started again, or a Weir, is there in half the time and memory.
 */
export const weirChildren =
  (cacheFolder: string): StartChild =>
  (args, events, { isApart = false } = {}) => {
    const child = spawn(process.execPath, [...process.execArgv, ...quiet, ...smallYoungGeneration, main, ...args], {
      stdio: ['ignore', 'inherit', events.onLine === undefined ? 'inherit' : 'pipe', 'ipc'],
      env: { ...withoutConfiguration(process.env), NODE_COMPILE_CACHE: cacheFolder },
      detached: isApart
    })
    child.on('message', message => events.onMessage(message as ProcessMessage))
    child.once('error', () => events.onExit(127))
    // `close` and not `exit`: by then its last lines have been read.
    child.once('close', (code, signal) => events.onExit(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)))
    let rest = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) events.onLine?.(line)
    })
    return {
      pid: child.pid,
      send: message => child.connected && child.send(message),
      kill: signal => void child.kill(signal)
    }
  }

/** The environment is in the effective document already; a child must not lay it over that again. */
function withoutConfiguration(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('WEIR_')))
}
