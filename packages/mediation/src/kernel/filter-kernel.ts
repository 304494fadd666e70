import {
  exporterInRanges,
  inRanges,
  inRanges16,
  msOfDelta,
  msOfMicroseconds,
  msOfNanoseconds,
  msOfSeconds,
  msOfUptime,
  readFloatNumber,
  readOctetsNumber,
  readSignedNumber,
  textContains,
  textEquals,
  textLength,
  textStarts
} from './filter.ts'
import { boundedRate, readUnsigned, selectorAlgorithm } from './integer.ts'
import { address4 } from './octets.ts'
import { interfaceRate, samplingRate } from './sampling.ts'

/** What conditions are made of: the part of the kernel that needs no registry. */
export const filterKernel = {
  address4,
  boundedRate,
  exporterInRanges,
  inRanges,
  inRanges16,
  interfaceRate,
  msOfDelta,
  msOfMicroseconds,
  msOfNanoseconds,
  msOfSeconds,
  msOfUptime,
  readFloatNumber,
  readOctetsNumber,
  readSignedNumber,
  readUnsigned,
  samplingRate,
  selectorAlgorithm,
  textContains,
  textEquals,
  textLength,
  textStarts
} as const

export type FilterKernel = typeof filterKernel
