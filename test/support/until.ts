import { setTimeout as pause } from 'node:timers/promises'

/** Time between two looks at a condition. */
const LOOK_MS = 50

/**
 * Wait for a condition, by looking at it again and again.
 *
 * @param what - what is waited for; ends up in the error.
 * @param look - anything but undefined, null or false ends the wait; an error counts as "not yet" and is told at the end.
 * @param deadlineMs - milliseconds from now.
 * @returns what `look` gave at last.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs = 10_000
): Promise<Exclude<T, undefined | null | false>> {
  const endMs = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const seen = await look()
      if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>
      last = seen
    } catch (error) {
      last = error
    }
    if (performance.now() >= endMs) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last)
      throw new Error(`waited ${deadlineMs} ms in vain until ${what}; last seen: ${seen}`)
    }
    await pause(LOOK_MS)
  }
}

/**
 * Wait until a number has not changed for a while: the only way to know that nothing more comes.
 *
 * @returns the number at rest.
 */
export async function atRest(
  what: string,
  look: () => number | Promise<number>,
  stillMs = 500,
  deadlineMs = 20_000
): Promise<number> {
  let last = await look()
  let changedMs = performance.now()
  await until(
    `${what} is at rest`,
    async () => {
      const seen = await look()
      if (seen !== last) changedMs = performance.now()
      last = seen
      return performance.now() - changedMs >= stillMs
    },
    deadlineMs
  )
  return last
}
