import type { FaultCode } from '../faults.ts'

/** What was decoded, of one version or of all. */
export interface DecodeCounts {
  /** Messages, whatever became of them: IPFIX Messages, NetFlow packets, sFlow datagrams. */
  messages: number
  /** Template Records that define a template, repetitions included. */
  templates: number
  /** Options Template Records, likewise. */
  optionsTemplates: number
  /** Withdrawals, also those that were ignored (RFC 7011 §8.1, §8.4). */
  withdrawals: number
  /** Data Records of Templates, and records of NetFlow v1, v5 and v7. */
  dataRecords: number
  /** Data Records of Options Templates. */
  optionsRecords: number
  sflowSamples: number
  /** Data Sets whose template is not known, or was rejected. */
  undecodableSets: number
  /** Messages that were discarded whole (RFC 7011 §9.1). */
  malformedMessages: number
}

/** Versions as `byVersion` names them; `other` is what no known version begins like. */
export type DecodeVersion = '1' | '5' | '7' | '9' | '10' | 'sflow' | 'other'

/** The counts of a case: in all, by version, and how often each fault was met. */
export interface DecodeSummary extends DecodeCounts {
  /** Versions that occurred. */
  readonly byVersion: Partial<Record<DecodeVersion, DecodeCounts>>
  readonly faults: Partial<Record<FaultCode | 'SFLOW_MALFORMED', number>>
}

export function decodeCounts(): DecodeCounts {
  return {
    messages: 0,
    templates: 0,
    optionsTemplates: 0,
    withdrawals: 0,
    dataRecords: 0,
    optionsRecords: 0,
    sflowSamples: 0,
    undecodableSets: 0,
    malformedMessages: 0
  }
}
