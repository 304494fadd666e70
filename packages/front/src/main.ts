import type { WeirConfig } from '@weir/config'
import { createLog, runProcess } from '@weir/runtime'
import type { Log } from '@weir/runtime'
import { createFront } from './front.ts'

export interface FrontProcessOptions {
  readonly config: WeirConfig
  readonly version: string
  /** Pods instead of those of an empty `front.pods`. */
  readonly pods?: readonly string[]
  /** Default: JSON lines on standard error at the document's level. */
  readonly log?: Log
}

/** Run a front process until it is told to stop. */
export async function runFront({ config, version, pods, log: given }: FrontProcessOptions): Promise<number> {
  const log = given ?? createLog({ name: 'front', level: config.log.level })
  const front = createFront(config, { log, version, pods })
  return runProcess('front', [front], {
    log,
    describe: () => {
      const { url, adminKeyPath, isAdminKeyNew } = front
      return { url, port: Number(new URL(url).port), adminKeyPath, isAdminKeyNew }
    }
  })
}
