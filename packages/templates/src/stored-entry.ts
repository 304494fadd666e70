import { layoutKey, type FieldSpecifier } from '@weir/ipfix'

/** A template as it stood in one Observation Domain of one session. */
export interface StoredTemplate {
  readonly kind: 'template'
  /** Scope key (`udpScope`, `tcpScope`). */
  readonly scope: string
  readonly odid: number
  readonly templateId: number
  /** 0 for a (Data) Template. */
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** How often the exporter sent this definition. */
  readonly announcements: number
}

/** The last options record of one (session, Observation Domain, options Layout, scope value). */
export interface StoredOptions {
  readonly kind: 'options'
  readonly scope: string
  readonly odid: number
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  /** Milliseconds since 1970 UTC at which the exporter's sysUpTime was 0, or NaN. */
  readonly bootTimeMs: number
  /** Octets of the leading scope fields in `octets`. */
  readonly scopeOctets: number
  /** The record as the exporter wrote it. */
  readonly octets: Uint8Array
}

export type StoredEntry = StoredTemplate | StoredOptions

/** Identity of an entry in its store; equal keys replace each other. */
export function entryKey(entry: StoredEntry): string {
  if (entry.kind === 'template') return templateEntryKey(entry.scope, entry.odid, entry.templateId)
  return optionsEntryKey(entry.scope, entry.odid, layoutKey(entry.fields, entry.scopeCount), scopeText(entry))
}

export function templateEntryKey(scope: string, odid: number, templateId: number): string {
  return `t|${scope}|${odid}|${templateId}`
}

/**
 * @param layout - content key of the options Layout.
 * @param scopeValue - the octets of the scope fields, hexadecimal.
 */
export function optionsEntryKey(scope: string, odid: number, layout: string, scopeValue: string): string {
  return `o|${scope}|${odid}|${layout}|${scopeValue}`
}

const scopeText = (entry: StoredOptions): string =>
  Buffer.from(entry.octets.buffer, entry.octets.byteOffset, entry.scopeOctets).toString('hex')
