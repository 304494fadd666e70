import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import type { Component } from '@weir/runtime'

/** Leaves the CPU to all others that want it, once what is before it has begun. */
export const modesty: Component = {
  name: 'modesty',
  async start() {
    for (const thread of ownThreads()) {
      try {
        setPriority(thread, constants.priority.PRIORITY_LOW)
      } catch {
        // It has ended, or it is not allowed: then jobs are as good as others.
      }
    }
  },
  async stop() {}
}

/**
 * Linux has a priority for each thread. Those that are made later have that of the thread that makes them, but those that collect garbage
 * for all are there from the beginning.
 */
function ownThreads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return [0]
  }
}
