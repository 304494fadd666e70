import { InvalidArgumentError } from 'commander'
import type { TrafficTarget } from '@weir/analysis/replay'

/** Read `udp://host:port` or `tcp://host:port`. @throws InvalidArgumentError what is allowed. */
export function parseTarget(text: string): TrafficTarget {
  const match = /^(udp|tcp):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[4])
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError(
      'Give udp://host:port or tcp://host:port, e.g. tcp://127.0.0.1:4739 or udp://[::1]:4739.'
    )
  }
  return { transport: match[1] as 'udp' | 'tcp', host: match[2] ?? match[3], port }
}

/** A whole number from `least` on. @throws InvalidArgumentError */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Give a whole number from ${least} on.`)
    }
    return value
  }

/** A number from 0 on, fractions too. @throws InvalidArgumentError */
export function factor(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('Give a number from 0 on, e.g. 0.5, 10, or 0 for no waiting.')
  }
  return value
}
