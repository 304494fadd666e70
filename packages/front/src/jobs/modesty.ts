import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { errorMessage } from '@weir/runtime'
import type { Component, Log } from '@weir/runtime'

/** SCHED_IDLE of sched(7): runs when nobody else wants the CPU, and gives way at once. */
const SCHED_IDLE = 5

/** Sets the policy of one thread. @returns false where the kernel will not. */
type MakeIdle = (thread: number) => boolean

/**
 * Leaves the CPU to all others that want it: the process that does jobs has the lowest priority, and all its threads but the main one are
 * idle. A thread of the lowest priority that runs is let run for some milliseconds before one that wakes up gets its turn, and whoever
 * answers requests wakes up thousands of times a second; one that is idle is put aside at once. The main thread says how far jobs are and
 * that they are still done, and has little to do.
 */
export class Modesty implements Component {
  readonly name = 'modesty'
  readonly #log: Log
  #makeIdle: MakeIdle | undefined

  constructor(log: Log) {
    this.#log = log
  }

  async start(): Promise<void> {
    this.#makeIdle = await loadMakeIdle().catch((error: unknown) => {
      this.#log.info('idle_threads_refused', `jobs have the lowest priority only: ${errorMessage(error)}`)
      return undefined
    })
    this.apply()
  }

  async stop(): Promise<void> {}

  /** For the threads that there are now: those that a thread makes have what it has, but the main one makes some too. */
  readonly apply = (): void => {
    for (const thread of ownThreads()) {
      if (thread !== process.pid && this.#makeIdle?.(thread) === true) continue
      try {
        setPriority(thread, constants.priority.PRIORITY_LOW)
      } catch {
        // It has ended, or it is not allowed: then jobs are as good as others.
      }
    }
  }
}

/** @throws where there is no libc with sched_setscheduler(2), or no node:ffi, which Node has from 26.1 on. */
async function loadMakeIdle(): Promise<MakeIdle> {
  if (process.platform !== 'linux') throw new Error(`not made for ${process.platform}`)
  const ffi = await import('node:ffi')
  const { functions } = ffi.dlopen('libc.so.6', {
    sched_setscheduler: { return: 'int32', arguments: ['int32', 'int32', 'pointer'] }
  })
  const setScheduler = functions.sched_setscheduler as (thread: number, policy: number, param: bigint) => number
  // struct sched_param: its one number is the priority, and that of SCHED_IDLE is 0.
  const param = new Int32Array(1)
  return thread => setScheduler(thread, SCHED_IDLE, ffi.getRawPointer(param) as bigint) === 0
}

/** Linux has a priority for each thread; elsewhere there is one for the process. */
function ownThreads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return [0]
  }
}
