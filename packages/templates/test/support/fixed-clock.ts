import { systemClock, type Clock } from '@weir/runtime'

/** Real timers; the wall clock stands where the entries of the tests are young. */
export const fixedClock: Clock = { ...systemClock, nowMs: () => 1_700_000_100_000 }
