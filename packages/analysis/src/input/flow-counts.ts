import { captureCounters } from '@weir/ipfix'
import type { CaptureCounters, CaptureFault, CaptureFormat, DecodeSummary } from '@weir/ipfix'

/** One input as it was found. */
export interface InputReport {
  readonly name: string
  readonly format: CaptureFormat | 'parquet' | undefined
  /** Why it could not be read to its end, if so. */
  readonly fault: CaptureFault | undefined
}

/** What was read. Every Data Set is in it: `sets` + `setsDelivered` + `setsWithoutTemplate` + those of malformed Messages. */
export interface FlowCounts {
  /** Messages, templates, records and faults, by version; what is in it of Data Sets without a template is of the first look. */
  readonly decoded: DecodeSummary
  readonly capture: CaptureCounters
  readonly inputs: InputReport[]
  /** Data Sets that could be read when they came. */
  sets: number
  /** Data Records given to the sink, without those of options. */
  records: number
  optionsRecords: number
  /** Data Sets that came before their template, and their Data Records: these are among `records`. */
  setsDelivered: number
  recordsDelivered: number
  /** Data Sets that no template came for, or for which there was no room to wait, and their octets. */
  setsWithoutTemplate: number
  octetsWithoutTemplate: number
  /** Messages of domains past the bound; they are read, but without sequence numbers and options state. */
  messagesOfOtherDomains: number
}

/** All zero. */
export const flowCounts = (decoded: DecodeSummary, capture: CaptureCounters = captureCounters()): FlowCounts => ({
  decoded,
  capture,
  inputs: [],
  sets: 0,
  records: 0,
  optionsRecords: 0,
  setsDelivered: 0,
  recordsDelivered: 0,
  setsWithoutTemplate: 0,
  octetsWithoutTemplate: 0,
  messagesOfOtherDomains: 0
})

/** Inputs that could not be read to their end: of these only what comes before the damage is in the result. */
export const damagedFilesOf = ({ inputs }: FlowCounts): number =>
  inputs.filter(({ fault }) => fault !== undefined).length
