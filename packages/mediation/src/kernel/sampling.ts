import type { EntryContext } from '../program.ts'
import { boundedRate } from './integer.ts'
import { writeAscii, writeDouble, writeUnsigned } from './text-number.ts'

const OPTIONS = 2
const RECORD = 3

/**
 * The sampling rate of a record: its own, else its sampler's, else the source's; 0 = unknown.
 *
 * @param recordRate - 0 if the record tells none.
 * @param samplerId - -1 if the record names none.
 */
export function samplingRate(recordRate: number, samplerId: number, context: EntryContext): number {
  if (recordRate > 0) return recordRate
  const rate = samplerId < 0 ? 0 : boundedRate(context.samplingRateOf(samplerId))
  return rate > 0 ? rate : boundedRate(context.samplingRate)
}

/** The sampling rate of a record that tells none: that of its interface, else the source's; 0 = unknown. */
export function interfaceRate(ifIndex: number, context: EntryContext): number {
  const rate = boundedRate(context.samplingRateOfInterface(ifIndex))
  return rate > 0 ? rate : boundedRate(context.samplingRate)
}

const origins = ['unknown', 'header', 'options', 'record', 'configuration']

/** Write a rate or null, and where it was learned, as members of a JSON object. */
export function writeSampling(
  outView: DataView,
  q: number,
  recordRate: number,
  samplerId: number,
  isFallback: boolean,
  context: EntryContext
): number {
  if (recordRate > 0 || !isFallback) return writeRate(outView, q, recordRate, recordRate > 0 ? RECORD : 0)
  const rate = samplerId < 0 ? 0 : boundedRate(context.samplingRateOf(samplerId))
  if (rate > 0) return writeRate(outView, q, rate, OPTIONS)
  return writeSourceSampling(outView, q, context)
}

/** As {@link writeSampling} for a record of which no more is known than its interface. */
export function writeInterfaceSampling(outView: DataView, q: number, ifIndex: number, context: EntryContext): number {
  const rate = boundedRate(context.samplingRateOfInterface(ifIndex))
  return rate > 0 ? writeRate(outView, q, rate, OPTIONS) : writeSourceSampling(outView, q, context)
}

function writeSourceSampling(outView: DataView, q: number, context: EntryContext): number {
  const sourceRate = boundedRate(context.samplingRate)
  return writeRate(outView, q, sourceRate, sourceRate > 0 ? context.samplingOrigin : 0)
}

/** As {@link writeSampling} for a record that tells interval and space: one in (interval + space) / interval. */
export function writeExactSampling(outView: DataView, q: number, interval: number, space: number): number {
  const rate = interval > 0 ? (interval + space) / interval : 0
  return writeRate(outView, q, rate, rate > 0 ? RECORD : 0)
}

function writeRate(outView: DataView, q: number, rate: number, origin: number): number {
  let end: number
  if (rate === 0) end = writeAscii(outView, q, 'null')
  else if (Number.isInteger(rate)) end = writeUnsigned(outView, q, rate)
  else end = writeDouble(outView, q, rate)
  end = writeAscii(outView, end, ',"samplingOrigin":"')
  end = writeAscii(outView, end, origins[origin] ?? 'unknown')
  outView.setUint8(end, 34)
  return end + 1
}
