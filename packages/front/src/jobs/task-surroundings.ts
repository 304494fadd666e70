import type { TaskContext } from '@weir/analysis'
import type { PolicyDocument, WeirConfig } from '@weir/config'

/** What tasks have around them besides their inputs: facts of the job worker, plain data. */
export interface TaskSurroundings {
  /** Program and first arguments of the `weir` command; undefined: this job worker cannot start one. */
  readonly weir?: readonly string[] | undefined
  /** Where to they may send: the document of file and environment. */
  readonly policy: PolicyDocument
  /** What a pipeline of their own has in common with the one that runs. */
  readonly pipeline: {
    readonly collector: Pick<WeirConfig['collector'], 'elementFiles' | 'strict' | 'v9EnterpriseNumber'>
    readonly mediator: Pick<WeirConfig['mediator'], 'plan'>
  }
}

/** A context with them. */
export interface JobContext extends TaskContext {
  readonly surroundings: TaskSurroundings
}

/**
 * @param config - the document that is in force.
 * @param base - that of file and environment.
 */
export function surroundingsOf(config: WeirConfig, base: WeirConfig, weir?: readonly string[]): TaskSurroundings {
  const { elementFiles, strict, v9EnterpriseNumber } = config.collector
  const { destinationPolicy } = base.mediator
  return {
    weir,
    policy: { mediator: { destinationPolicy }, destinations: base.destinations, stateDir: base.stateDir },
    pipeline: {
      collector: { elementFiles, strict, v9EnterpriseNumber },
      mediator: { plan: config.mediator.plan }
    }
  }
}
