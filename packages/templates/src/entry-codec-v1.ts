import type { FieldSpecifier } from '@weir/ipfix'
import { OctetCursor } from './octet-cursor.ts'
import { keyFieldCount } from './options-key.ts'
import { recordEnd } from './record-end.ts'
import { isTemplate } from './stored-definition.ts'
import type { StoredEntry } from './stored-entry.ts'

/*
 * Stored form of an entry, version 1: read only. All numbers big-endian.
 *
 *   version u8 | kind u8 | scope length u16 | scope (UTF-8) | odid u32 | scopeCount u16 | fieldCount u16
 *   | fieldCount x { pen u32, id u16, length u16 }
 *   kind 1 (template): templateId u16 | firstSeenMs f64 | lastSeenMs f64 | announcements u32
 *   kind 2 (options):  exportTimeSec u32 | receivedAtMs f64 | bootTimeMs f64 | scopeOctets u16 | length u16 | octets
 */
const KIND_TEMPLATE = 1
const KIND_OPTIONS = 2
const MAX_SCOPE_OCTETS = 512
/** Version 1 did not keep it: that of a template announced once (D8). */
const LIFETIME_MS = 3_600_000

/** @returns the entry with what version 1 did not have derived from the rest, or undefined as {@link decodeEntry}. */
export function decodeEntryV1(octets: Uint8Array): StoredEntry | undefined {
  const cursor = new OctetCursor(octets)
  cursor.u8()
  const kind = cursor.u8()
  const scope = cursor.text(1, MAX_SCOPE_OCTETS)
  const odid = cursor.u32()
  const scopeCount = cursor.u16()
  const fields = readFields(cursor, cursor.u16())
  if (cursor.isBroken || !isTemplate(fields, scopeCount)) return undefined
  const head = { scope, odid, scopeCount, fields }
  const entry = kind === KIND_TEMPLATE ? readTemplate(head, cursor) : readOptions(kind, head, cursor)
  return cursor.isAtEnd ? entry : undefined
}

interface Head {
  readonly scope: string
  readonly odid: number
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
}

function readFields(cursor: OctetCursor, count: number): FieldSpecifier[] {
  const fields: FieldSpecifier[] = []
  for (let index = 0; index < count && !cursor.isBroken; index++) {
    fields.push({ pen: cursor.u32(), id: cursor.u16(), length: cursor.u16() })
  }
  return fields
}

function readTemplate(head: Head, cursor: OctetCursor): StoredEntry | undefined {
  const templateId = cursor.u16()
  const firstSeenMs = cursor.time()
  const lastSeenMs = cursor.time()
  const announcements = cursor.u32()
  if (templateId < 256) return undefined
  const exportTimeSec = Math.min(Math.floor(lastSeenMs / 1000), 0xffff_ffff)
  const { scope: session } = head
  const life = { exportTimeSec, session, firstSeenMs, lastSeenMs, announcements, lifetimeMs: LIFETIME_MS }
  return { kind: 'template', ...head, templateId, ...life }
}

function readOptions(kind: number, head: Head, cursor: OctetCursor): StoredEntry | undefined {
  if (kind !== KIND_OPTIONS || head.scopeCount === 0) return undefined
  const exportTimeSec = cursor.u32()
  const receivedAtMs = cursor.time()
  const bootTimeMs = cursor.optionalTime()
  const scopeOctets = cursor.u16()
  const length = cursor.u16()
  const octets = cursor.octets(length)
  if (cursor.isBroken || recordEnd(head.fields, head.fields.length, octets, 0, length) !== length) return undefined
  if (recordEnd(head.fields, head.scopeCount, octets, 0, length) !== scopeOctets) return undefined
  // In version 1 the scope alone named a record.
  const keyOctets = recordEnd(head.fields, keyFieldCount(head.fields, head.scopeCount), octets, 0, length)
  return { kind: 'options', ...head, exportTimeSec, receivedAtMs, bootTimeMs, scopeOctets: keyOctets, octets }
}
