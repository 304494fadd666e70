import { section } from './keys.ts'
import { protocolLimits } from './protocol-limits.ts'
import { sessionLimits } from './session-limits.ts'

/** Bounds of the collector, one key for each of L-01 to L-33. */
export const CollectorLimits = section(
  { ...protocolLimits, ...sessionLimits },
  'Bounds of what exporters can make the collector hold or do.'
)
