import { Presets, SingleBar } from 'cli-progress'

/** Shows how far a long reading is. */
export interface Progress {
  add(octets: number): void
  /** May be called again. */
  stop(): void
}

const mebibytes = (octets: number): number => Math.round(octets / 2 ** 20)

const none: Progress = { add() {}, stop() {} }
/** Less than this is read at once. */
const LEAST_OCTETS = 8 * 1024 * 1024

/**
 * A bar on standard error, if that is a terminal, the octets to read are known and not few.
 *
 * @param totalOctets - undefined if unknown.
 */
export function createProgress(totalOctets: number | undefined, isTerminal: boolean): Progress {
  if (!isTerminal || totalOctets === undefined || totalOctets < LEAST_OCTETS) return none
  const format = 'decoding {bar} {percentage}% | {value}/{total} MiB | {eta_formatted} left'
  const bar = new SingleBar({ format, clearOnComplete: true, stream: process.stderr }, Presets.shades_classic)
  let octets = 0
  bar.start(mebibytes(totalOctets), 0)
  return {
    add(count) {
      octets += count
      bar.update(mebibytes(octets))
    },
    stop() {
      if (bar.isActive) bar.stop()
    }
  }
}
