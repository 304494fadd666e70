import type { Clock } from '@weir/runtime'

/** Longest time for which an answer may keep the sockets waiting. */
const SLICE_MS = 2
/** Steps between two looks at the clock. */
const STEPS = 32

/**
 * Run a long walk in slices, so that datagrams are read between them: an answer to the API takes the data path's time only a
 * little at a once.
 *
 * @param walk - yields where it may be interrupted; what it walks through may change meanwhile.
 */
export async function inSlices(walk: Iterator<void>, clock: Clock): Promise<void> {
  let endMs = clock.monotonicMs() + SLICE_MS
  for (let steps = 1; walk.next().done !== true; steps++) {
    if (steps % STEPS !== 0 || clock.monotonicMs() < endMs) continue
    await new Promise<void>(resolve => setImmediate(resolve))
    endMs = clock.monotonicMs() + SLICE_MS
  }
}
