import type { EffectiveDocument } from '@weir/config'
import { controlEndpoint, createControlServer } from '@weir/link'
import { createLog, runProcess } from '@weir/runtime'
import type { Log } from '@weir/runtime'
import { createCoordinator } from './coordinator.ts'

export interface CoordinatorProcessOptions extends EffectiveDocument {
  readonly version: string
  /** Default: JSON lines on standard error at the document's level. */
  readonly log?: Log
}

/** Run a coordinator process until it is told to stop. */
export async function runCoordinator({ version, log: given, ...document }: CoordinatorProcessOptions): Promise<number> {
  const { config } = document
  const log = given ?? createLog({ name: 'coordinator', level: config.log.level })
  const { heartbeatMs, heartbeatTimeoutMs } = config.link
  const control = createControlServer({
    endpoint: controlEndpoint(config.runDir ?? '/run/weir'),
    heartbeatMs,
    heartbeatTimeoutMs
  })
  const coordinator = createCoordinator(document, { control, log, version })
  return runProcess('coordinator', [coordinator], {
    log,
    describe: () => ({ url: coordinator.url, port: Number(new URL(coordinator.url).port) })
  })
}
