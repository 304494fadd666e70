import type { CollectorConfig } from '@weir/config'

/** Bounds of the collector, one key for each of L-01 to L-33: section `collector.limits` of the configuration. */
export type CollectorLimits = CollectorConfig['limits']
