import type { WeirConfig } from '@weir/config'
import { createLog, runProcess, systemClock } from '@weir/runtime'
import type { Metrics } from '@weir/runtime'
import type { StoredKey } from '../auth/api-key.ts'
import { createFront } from '../front.ts'
import { openFleetStore } from '../rollouts/open-store.ts'
import type { FrontHome } from './front-home.ts'
import { IpcPeer } from './ipc-peer.ts'
import { KeyMirror } from './key-mirror.ts'
import { LeasedLimiter } from './leased-limiter.ts'
import type { Lease } from './leased-limiter.ts'

/** What a worker is told when it begins. */
export interface WorkerTask {
  readonly config: WeirConfig
  readonly version: string
  readonly pods?: readonly string[]
  readonly adminKeyPath: string
  readonly keys: readonly StoredKey[]
}

/** One of the HTTP processes of a front. */
async function runWorker(): Promise<void> {
  let own: Metrics | undefined
  const primary: IpcPeer = new IpcPeer(message => void process.send?.(message), {
    keys: (stored: readonly StoredKey[]) => keys.replace(stored),
    metrics: () => own?.snapshot()
  })
  const keys = new KeyMirror(primary)
  process.on('message', message => primary.receive(message))
  process.on('disconnect', () => primary.close())
  const task = await primary.call<WorkerTask>('begin')
  const { config, version, pods, adminKeyPath } = task
  keys.replace(task.keys)
  const home: FrontHome = {
    keys,
    adminKeyPath,
    audit: {
      add: line => void primary.call('audit', line).catch(() => undefined),
      flush: () => primary.call<void>('flush').catch(() => undefined)
    },
    limiter: (what, _count, windowMs) =>
      new LeasedLimiter(systemClock, windowMs / 4, name => primary.call<Lease>('lease', what, name)),
    start: () => Promise.resolve({ isAdminKeyNew: false }),
    close: () => Promise.resolve(),
    metrics: mine => {
      own = mine
      return { ...mine, text: () => primary.call<string>('metricsOfAll') }
    }
  }
  const log = createLog({ name: 'front-worker', level: config.log.level })
  const front = createFront(config, { log, version, pods, home, fleetStore: await openFleetStore(config, log) })
  await runProcess('front-worker', [front], { log, describe: () => ({ url: front.url }) })
}

await runWorker()
