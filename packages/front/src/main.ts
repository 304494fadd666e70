import type { WeirConfig } from '@weir/config'
import { createLog, runProcess } from '@weir/runtime'
import type { Log } from '@weir/runtime'
import { availableParallelism } from 'node:os'
import { createFront } from './front.ts'
import { openKeyStore } from './auth/key-store.ts'
import { openFleetStore } from './rollouts/open-store.ts'
import { FrontPrimary } from './workers/primary.ts'

export interface FrontProcessOptions {
  readonly config: WeirConfig
  readonly version: string
  /** Pods instead of those of an empty `front.pods`. */
  readonly pods?: readonly string[]
  /** Default: JSON lines on standard error at the document's level. */
  readonly log?: Log
}

const MOST_WORKERS = 8

/** Run a front process until it is told to stop. */
export async function runFront({ config, version, pods, log: given }: FrontProcessOptions): Promise<number> {
  const log = given ?? createLog({ name: 'front', level: config.log.level })
  // With pods it runs beside them, on a machine that has other things to do.
  const wanted = config.front?.workers ?? (pods === undefined ? Math.min(MOST_WORKERS, availableParallelism()) : 1)
  const keyStore = await openKeyStore(config, log)
  const front =
    config.front === null || wanted === 1
      ? createFront(config, { log, version, pods, fleetStore: await openFleetStore(config, log), keyStore })
      : new FrontPrimary({ config: { ...config, front: config.front }, workers: wanted, version, pods, log, keyStore })
  return runProcess('front', [front], {
    log,
    describe: () => {
      const { url, adminKeyPath, isAdminKeyNew } = front
      return { url, port: Number(new URL(url).port), adminKeyPath, isAdminKeyNew }
    }
  })
}
