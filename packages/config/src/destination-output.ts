import { isDeepStrictEqual } from 'node:util'
import type { Destination } from './schema/destination.ts'

/** Keys that a running encoder can take over; all others need a new output. */
const encoderKeys: ReadonlySet<string> = new Set([
  'id',
  'observationDomainId',
  'maxMessageOctets',
  'templateRefreshSec',
  'optionsRefreshSec',
  'templateCopies',
  'numbers64',
  'plan',
  'filter',
  'queue'
])

/** True if the output of one configuration serves the other: same kind, same target, same behaviour of the connection. */
export function hasSameOutput(one: Destination, other: Destination): boolean {
  return isDeepStrictEqual(outputKeys(one), outputKeys(other))
}

const outputKeys = (config: Destination): object =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !encoderKeys.has(key)))
