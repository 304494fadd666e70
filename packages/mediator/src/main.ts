import { loadElements } from '@weir/config'
import { createControlClient, controlEndpoint, serveLogLevel } from '@weir/link'
import { createHttpHealth, createLog, exitCodes, runProcess } from '@weir/runtime'
import { serveControl } from './control.ts'
import { createMediator } from './mediator.ts'
import { createMediatorMetrics } from './metrics.ts'
import type { WeirConfig } from '@weir/config'
import type { Component, Log } from '@weir/runtime'

export interface MediatorProcessOptions {
  /** The effective document; `runDir` is set. */
  readonly config: WeirConfig
  /** The document of file and environment, where `config` is a later revision. */
  readonly base?: WeirConfig
  readonly version: string
  readonly worker?: number
  /** Default: JSON lines on standard error at the document's level. */
  readonly log?: Log
}

/** Run a mediator process until it is told to stop. Components start in this order and stop in reverse. */
export async function runMediator({
  config,
  base = config,
  version,
  worker = 0,
  log: given
}: MediatorProcessOptions): Promise<number> {
  const log = given ?? createLog({ name: 'mediator', level: config.log.level })
  const registry = loadElements(config.collector.elementFiles)
  const control = createControlClient({
    ...config.link,
    endpoint: controlEndpoint(config.runDir ?? '/run/weir'),
    process: 'mediator',
    worker,
    version
  })
  const mediator = createMediator(config, {
    log,
    base,
    worker,
    registry,
    onFenced: () => process.exit(exitCodes.unavailable),
    onDestination: (destination, change) => {
      if ('mode' in change) control.event('destination_mode', { destination, mode: change.mode })
      else control.event(change.isReady ? 'destination_ready' : 'destination_lost', { destination })
    }
  })
  const metrics = createMediatorMetrics(() => mediator.state)
  serveControl(control, mediator, metrics)
  serveLogLevel(control, log)
  const components: Component[] = [
    {
      name: 'control',
      start: () => control.start(),
      stop: deadlineMs => control.stop(deadlineMs)
    }
  ]
  const { http } = config.mediator
  if (http !== null) components.push(createHttpHealth(http, { log, metrics, readiness: () => mediator.readiness }))
  components.push(mediator)
  return runProcess('mediator', components, { log, describe: () => ({ destinations: mediator.destinations.size }) })
}
