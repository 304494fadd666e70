import { ConfigError, type ConfigIssue } from '@weir/runtime'

/** What both ends of the data channel agree on or bound themselves by. Every key has a default; see {@link linkDefaults}. */
export interface LinkConfig {
  /** Octets of one batch frame, header included; a batch is sent when the next entry would not fit. */
  batchOctets: number
  /** Longest time an entry waits in an open batch while the peer can take it. */
  batchAgeMs: number
  /** Batches that may be at the receiver holding credit (L-55): 16 of 256 KiB are as many octets as 64 of 64 KiB. */
  windowBatches: number
  /** Octets of unsettled batches that the sender keeps (L-56). */
  bufferOctets: number
  /** Interval of heartbeats (L-53). */
  heartbeatMs: number
  /** Silence after which the peer is treated as down (L-53). */
  heartbeatTimeoutMs: number
  /** Largest frame accepted from the peer (L-51). */
  maxFrameOctets: number
}

/** Defaults of {@link LinkConfig}. Batch and window were chosen by `bench/link.bench.ts` (see the README). */
const linkDefaults: Readonly<LinkConfig> = Object.freeze({
  batchOctets: 262_144,
  batchAgeMs: 20,
  windowBatches: 16,
  bufferOctets: 134_217_728,
  heartbeatMs: 1000,
  heartbeatTimeoutMs: 3000,
  maxFrameOctets: 1_048_576
})

/** Fewest octets of a batch frame: one entry of 65,535 octets, its header and the frame's, rounded to 64. */
const MIN_BATCH_OCTETS = 65_664

/** Where the mediator of this number takes batches: `ipc://<runDir>/mediator-<n>.data`. */
export const dataEndpoint = (runDir: string, mediator: number): string => `ipc://${runDir}/mediator-${mediator}.data`

/** Where the coordinator serves the control channel: `ipc://<runDir>/control`. */
export const controlEndpoint = (runDir: string): string => `ipc://${runDir}/control`

/**
 * The whole configuration of a partial one.
 *
 * @throws ConfigError with every key that is out of range.
 */
export function completeLinkConfig(given: Partial<LinkConfig>): LinkConfig {
  const config = { ...linkDefaults }
  for (const key of Object.keys(linkDefaults) as (keyof LinkConfig)[]) config[key] = given[key] ?? linkDefaults[key]
  const issues: ConfigIssue[] = []
  const within = (key: keyof LinkConfig, least: number, most: number): void => {
    const value = config[key]
    if (Number.isSafeInteger(value) && value >= least && value <= most) return
    issues.push({ path: `link.${key}`, message: `${value} is out of range`, allowed: `${least} to ${most}` })
  }
  within('maxFrameOctets', MIN_BATCH_OCTETS, 16_777_216)
  within('batchOctets', MIN_BATCH_OCTETS, Math.max(MIN_BATCH_OCTETS, config.maxFrameOctets))
  within('batchAgeMs', 1, 10_000)
  within('windowBatches', 1, 4096)
  within('bufferOctets', 4 * config.batchOctets, 2 ** 40)
  within('heartbeatMs', 10, 60_000)
  within('heartbeatTimeoutMs', config.heartbeatMs, 600_000)
  if (issues.length > 0) throw new ConfigError(issues, 'The link')
  return config
}
