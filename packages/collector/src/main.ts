import { hostname } from 'node:os'
import { join } from 'node:path'
import { loadElements, overridesOf, type WeirConfig } from '@weir/config'
import { controlEndpoint, createControlClient, createLinkSender, dataEndpoint, serveLogLevel } from '@weir/link'
import { createHttpHealth, createLog, runProcess, type Component, type Log } from '@weir/runtime'
import { createCollector } from './collector.ts'
import { serveControl } from './control.ts'
import { createCollectorMetrics } from './metric-readers.ts'
import { createStores } from './store.ts'

export interface CollectorProcessOptions {
  /** The effective document; `runDir` is set. */
  readonly config: WeirConfig
  readonly version: string
  readonly worker?: number
  /** Default: JSON lines on standard error at the document's level. */
  readonly log?: Log
}

/** Run a collector process until it is told to stop. Components start in this order and stop in reverse. */
export async function runCollector({
  config,
  version,
  worker = 0,
  log: given
}: CollectorProcessOptions): Promise<number> {
  const log = given ?? createLog({ name: 'collector', level: config.log.level })
  const runDir = config.runDir ?? '/run/weir'
  const link = createLinkSender({ ...config.link, endpoint: dataEndpoint(runDir, 0), worker })
  const control = createControlClient({
    ...config.link,
    endpoint: controlEndpoint(runDir),
    process: 'collector',
    worker,
    version
  })
  const isSpooling = config.collector.templateStore === 'file' && config.collector.limits.pendingSpoolOctets > 0
  const stores = await createStores(config, worker, log)
  const collector = createCollector(config, {
    link,
    store: stores.local,
    shared: stores.shared,
    registry: loadElements(config.collector.elementFiles),
    log,
    emit: (event, fields) => control.event(event, fields),
    listenerStatesPath: join(config.stateDir, `listeners-${worker}.json`),
    claimer: `${hostname()}-${worker}`,
    ...(isSpooling ? { pendingSpoolPath: join(config.stateDir, `pending-${worker}.db`) } : {})
  })
  collector.parts.policies.setAll(overridesOf(config))
  const metrics = createCollectorMetrics(collector.parts)
  serveControl(control, collector, metrics)
  serveLogLevel(control, log)
  const components: Component[] = [
    { name: 'control', start: () => control.start(), stop: deadlineMs => control.stop(deadlineMs) }
  ]
  const { http } = config.collector
  if (http !== null) components.push(createHttpHealth(http, { log, metrics, readiness: () => collector.readiness() }))
  components.push(collector)
  return runProcess('collector', components, {
    log,
    describe: () => ({ listeners: collector.parts.udp.length + collector.parts.tcp.length })
  })
}
