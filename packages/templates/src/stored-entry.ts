import { hash } from 'node:crypto'
import { layoutKey, type FieldSpecifier } from '@weir/ipfix'

/** What one Observation Domain under one scope has said: the unit of reading. */
export interface Place {
  /** Scope key (`udpScope`, `tcpScope`). */
  readonly scope: string
  readonly odid: number
}

/** A template as it stood in one Observation Domain of one session. */
export interface StoredTemplate extends Place {
  readonly kind: 'template'
  readonly templateId: number
  /** 0 for a (Data) Template. */
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
  /** Of the Message that announced it last; decides between writers. */
  readonly exportTimeSec: number
  /** The announcing session, e.g. `udp 192.0.2.1:49152 ipfix-udp`; at most 512 octets of UTF-8. */
  readonly session: string
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** How often the exporter sent this definition. */
  readonly announcements: number
  /** How long it lives after `lastSeenMs` (D8); the time to live in a shared ring follows from it. */
  readonly lifetimeMs: number
}

/** The last options record of one (place, options Layout, scope value). */
export interface StoredOptions extends Place {
  readonly kind: 'options'
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  /** Milliseconds since 1970 UTC at which the exporter's sysUpTime was 0, or NaN. */
  readonly bootTimeMs: number
  /** Octets of the leading fields in `octets` that name the record: scope fields, and see `keyFieldCount`. */
  readonly scopeOctets: number
  /** The record as the exporter wrote it. */
  readonly octets: Uint8Array
}

/** How far the sequence numbers of a place have come. */
export interface StoredSequence extends Place {
  readonly kind: 'sequence'
  /** Wire version: 9 or 10. */
  readonly version: number
  /** What the next Message's header should carry, 0..2^32 - 1. */
  readonly nextSequence: number
  readonly exportTimeSec: number
  /** Milliseconds since 1970 UTC at which the exporter's sysUpTime was 0, or NaN. */
  readonly bootTimeMs: number
  readonly atMs: number
}

/** Whether the source ports of one address are one exporter, at the place of the address. */
export interface StoredDecision extends Place {
  readonly kind: 'decision'
  readonly decision: 'merged' | 'apart'
  /** Why, one of the deciding code's list; at most 512 octets of UTF-8. */
  readonly evidence: string
  readonly exportTimeSec: number
  readonly sinceMs: number
}

export type StoredEntry = StoredTemplate | StoredOptions | StoredSequence | StoredDecision

/** All that is stored of one place. */
export interface StoredPlace {
  readonly place: Place
  readonly entries: readonly StoredEntry[]
}

/** Names one entry, to remove it. */
export interface EntryKey extends Place {
  /** The entry within its place; see {@link templateField}, {@link optionsField}. */
  readonly field: string
  /** Of what is removed: a shared ring keeps an entry that is newer. */
  readonly exportTimeSec: number
}

/** One definition that a template id had in one place. */
export interface TemplateVersion {
  readonly templateId: number
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
  /** {@link definitionHash} of the definition. */
  readonly hash: string
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly session: string
  /** What ended it; undefined for the one that is live or expired. */
  readonly ended?: 'redefined' | 'withdrawn'
}

/** Versions kept of one place; the oldest go first. */
export const MAX_VERSIONS_PER_PLACE = 256

/** Field of the one {@link StoredSequence} of a place. */
export const SEQUENCE_FIELD = 'q'
/** Field of the one {@link StoredDecision} of a place. */
export const DECISION_FIELD = 'd'

export const templateField = (templateId: number): string => `t${templateId}`

/**
 * @param layout - content key of the options Layout.
 * @param scopeValue - the octets of the scope fields.
 * @returns 23 characters for any length of these: 128 bits of a SHA-256 stand for them.
 */
export function optionsField(layout: string, scopeValue: Uint8Array): string {
  const scopeHex = Buffer.from(scopeValue.buffer, scopeValue.byteOffset, scopeValue.byteLength).toString('hex')
  return `o${hash('sha256', `${layout}|${scopeHex}`, 'base64url').slice(0, 22)}`
}

/** Name of an entry within its place; equal fields of a place replace each other. */
export function entryField(entry: StoredEntry): string {
  switch (entry.kind) {
    case 'template':
      return templateField(entry.templateId)
    case 'options':
      return optionsField(layoutKey(entry.fields, entry.scopeCount), entry.octets.subarray(0, entry.scopeOctets))
    case 'sequence':
      return SEQUENCE_FIELD
    case 'decision':
      return DECISION_FIELD
  }
}

/** Identity of a place, for Maps. */
export const placeKey = (place: Place): string => `${place.odid}|${place.scope}`

/** The key that removes this entry. */
export function keyOf(entry: StoredEntry): EntryKey {
  return { scope: entry.scope, odid: entry.odid, field: entryField(entry), exportTimeSec: entry.exportTimeSec }
}

/** @returns 16 hexadecimal characters: equal for equal definitions in every process and run. */
export function definitionHash(fields: readonly FieldSpecifier[], scopeCount: number): string {
  return hash('sha256', layoutKey(fields, scopeCount), 'hex').slice(0, 16)
}

/** When an entry was last said, by the clock of who received it. */
export function seenMsOf(entry: StoredEntry): number {
  switch (entry.kind) {
    case 'template':
      return entry.lastSeenMs
    case 'options':
      return entry.receivedAtMs
    case 'sequence':
      return entry.atMs
    case 'decision':
      return entry.sinceMs
  }
}

/** Received so much later, an entry wins whatever its Export Time: the exporter's clock was set back. */
const CLOCK_SET_BACK_MS = 60_000

/**
 * Which of two writers of one entry is believed: the latest Export Time, of equal ones the last received (TH-23). An
 * exporter whose clock was set back would else be refused until the old entry ends.
 *
 * @returns true if `entry` takes the place of `known`.
 */
export function supersedes(entry: StoredEntry, known: StoredEntry): boolean {
  const laterMs = seenMsOf(entry) - seenMsOf(known)
  if (entry.exportTimeSec === known.exportTimeSec) return laterMs >= 0
  if (entry.exportTimeSec > known.exportTimeSec) return laterMs > -CLOCK_SET_BACK_MS
  return laterMs >= CLOCK_SET_BACK_MS
}
