import type { Component } from '@weir/runtime'
import { SupervisedChild } from './supervised-child.ts'
import type { ChildDeps, ChildSpec } from './supervised-child.ts'

/** A child and the share of the stop that is its own. */
export interface SupervisedSpec extends ChildSpec {
  /** Milliseconds that must be left for those that stop after it. */
  readonly leaveMs: number
  /** Those after it need not wait until it is ready. */
  readonly isBeside?: boolean
}

export interface Supervisor extends Component {
  readonly children: readonly SupervisedChild[]
  /** End all children at once. */
  killAll(): void
}

/**
 * The parent of the processes: starts them in order, each when the one before is ready, keeps them running, and stops them in
 * reverse order, so that what was read reaches the destinations before those that carry it are gone.
 */
export function createSupervisor(specs: readonly SupervisedSpec[], deps: ChildDeps): Supervisor {
  const children = specs.map(spec => new SupervisedChild(spec, deps))
  return {
    name: 'supervisor',
    children,
    async start(signal) {
      const beside: Promise<void>[] = []
      for (const [index, child] of children.entries()) {
        if (signal.aborted) return
        const started = child.start(signal)
        if (specs[index]!.isBeside === true) beside.push(started)
        // One beside that fails is heard at once.
        await Promise.race([specs[index]!.isBeside === true ? undefined : started, failing(beside)])
      }
      await Promise.all(beside)
    },
    async stop(deadlineMs) {
      const endMs = deps.clock.monotonicMs() + deadlineMs
      const failures: unknown[] = []
      for (const [index, child] of [...children.entries()].toReversed()) {
        const leftMs = endMs - deps.clock.monotonicMs() - specs[index]!.leaveMs
        await child.stop(Math.max(500, leftMs)).catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '))
    },
    killAll() {
      for (const child of children) child.kill()
    }
  }
}

/** Settles only if one of them fails. */
const failing = (starts: readonly Promise<void>[]): Promise<void> =>
  new Promise((_resolve, reject) => {
    for (const start of starts) start.catch(reject)
  })
