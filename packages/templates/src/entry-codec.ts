import { VARIABLE_LENGTH, type FieldSpecifier } from '@weir/ipfix'
import type { StoredEntry, StoredOptions, StoredTemplate } from './stored-entry.ts'

/**
 * Stored form of an entry, version 1. All numbers big-endian.
 *
 *   version u8 | kind u8 | scope length u16 | scope (UTF-8) | odid u32 | scopeCount u16 | fieldCount u16
 *   | fieldCount x { pen u32, id u16, length u16 }
 *   kind 1 (template): templateId u16 | firstSeenMs f64 | lastSeenMs f64 | announcements u32
 *   kind 2 (options):  exportTimeSec u32 | receivedAtMs f64 | bootTimeMs f64 | scopeOctets u16 | length u16 | octets
 */
const VERSION = 1
const KIND_TEMPLATE = 1
const KIND_OPTIONS = 2
const FIELD_OCTETS = 8
const MAX_FIELDS = 16384
/** A Message of 65535 octets less its header and one Set header. */
const MAX_RECORD_OCTETS = 65515
const MAX_SCOPE_OCTETS = 512

const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder('utf-8', { fatal: true })

/** @returns the octets of `decodeEntry`; a fresh array. */
export function encodeEntry(entry: StoredEntry): Uint8Array {
  const scope = textEncoder.encode(entry.scope)
  const headOctets = 12 + scope.length + entry.fields.length * FIELD_OCTETS
  const tailOctets = entry.kind === 'template' ? 22 : 24 + entry.octets.length
  const octets = new Uint8Array(headOctets + tailOctets)
  const view = new DataView(octets.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, entry.kind === 'template' ? KIND_TEMPLATE : KIND_OPTIONS)
  view.setUint16(2, scope.length)
  octets.set(scope, 4)
  let at = 4 + scope.length
  view.setUint32(at, entry.odid)
  view.setUint16(at + 4, entry.scopeCount)
  view.setUint16(at + 6, entry.fields.length)
  at += 8
  for (const { pen, id, length } of entry.fields) {
    view.setUint32(at, pen)
    view.setUint16(at + 4, id)
    view.setUint16(at + 6, length)
    at += FIELD_OCTETS
  }
  if (entry.kind === 'template') {
    view.setUint16(at, entry.templateId)
    view.setFloat64(at + 2, entry.firstSeenMs)
    view.setFloat64(at + 10, entry.lastSeenMs)
    view.setUint32(at + 18, entry.announcements)
  } else {
    view.setUint32(at, entry.exportTimeSec)
    view.setFloat64(at + 4, entry.receivedAtMs)
    view.setFloat64(at + 12, entry.bootTimeMs)
    view.setUint16(at + 20, entry.scopeOctets)
    view.setUint16(at + 22, entry.octets.length)
    octets.set(entry.octets, at + 24)
  }
  return octets
}

/**
 * Read an entry that may be damaged or hostile: everything is checked as a template from the wire is.
 *
 * @returns undefined for anything that is not exactly one valid entry of this version. Copies; nothing is aliased.
 */
export function decodeEntry(octets: Uint8Array): StoredEntry | undefined {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  if (octets.length < 12 || view.getUint8(0) !== VERSION) return undefined
  const kind = view.getUint8(1)
  const scopeLength = view.getUint16(2)
  if (scopeLength === 0 || scopeLength > MAX_SCOPE_OCTETS || octets.length < 12 + scopeLength) return undefined
  const scope = decodeText(octets.subarray(4, 4 + scopeLength))
  if (scope === undefined) return undefined
  let at = 4 + scopeLength
  const odid = view.getUint32(at)
  const scopeCount = view.getUint16(at + 4)
  const fieldCount = view.getUint16(at + 6)
  at += 8
  if (octets.length < at + fieldCount * FIELD_OCTETS) return undefined
  const fields = decodeFields(view, at, fieldCount)
  if (!isTemplate(fields, scopeCount)) return undefined
  at += fieldCount * FIELD_OCTETS
  const head = { scope, odid, scopeCount, fields }
  if (kind === KIND_TEMPLATE) return decodeTemplateTail(view, at, head)
  if (kind === KIND_OPTIONS) return decodeOptionsTail(view, octets, at, head)
  return undefined
}

type Head = Pick<StoredTemplate, 'scope' | 'odid' | 'scopeCount' | 'fields'>

function decodeTemplateTail(view: DataView, at: number, head: Head): StoredTemplate | undefined {
  if (view.byteLength !== at + 22) return undefined
  const templateId = view.getUint16(at)
  const firstSeenMs = view.getFloat64(at + 2)
  const lastSeenMs = view.getFloat64(at + 10)
  if (templateId < 256 || !isTime(firstSeenMs) || !isTime(lastSeenMs)) return undefined
  return { kind: 'template', ...head, templateId, firstSeenMs, lastSeenMs, announcements: view.getUint32(at + 18) }
}

function decodeOptionsTail(view: DataView, octets: Uint8Array, at: number, head: Head): StoredOptions | undefined {
  if (view.byteLength < at + 24 || head.scopeCount === 0) return undefined
  const exportTimeSec = view.getUint32(at)
  const receivedAtMs = view.getFloat64(at + 4)
  const bootTimeMs = view.getFloat64(at + 12)
  const length = view.getUint16(at + 22)
  if (!isTime(receivedAtMs) || (!Number.isNaN(bootTimeMs) && !Number.isFinite(bootTimeMs))) return undefined
  if (view.byteLength !== at + 24 + length) return undefined
  const record = octets.slice(at + 24)
  const end = recordEnd(head.fields, head.fields.length, record, 0, length)
  const scopeOctets = recordEnd(head.fields, head.scopeCount, record, 0, length)
  // The claimed length of the scope is not believed: it is a function of the record.
  if (end !== length || scopeOctets !== view.getUint16(at + 20)) return undefined
  return { kind: 'options', ...head, exportTimeSec, receivedAtMs, bootTimeMs, scopeOctets, octets: record }
}

function decodeText(octets: Uint8Array): string | undefined {
  try {
    return textDecoder.decode(octets)
  } catch {
    return undefined
  }
}

function decodeFields(view: DataView, offset: number, count: number): FieldSpecifier[] {
  const fields: FieldSpecifier[] = []
  for (let index = 0, at = offset; index < count; index++, at += FIELD_OCTETS) {
    fields.push({ pen: view.getUint32(at), id: view.getUint16(at + 4), length: view.getUint16(at + 6) })
  }
  return fields
}

function isTemplate(fields: readonly FieldSpecifier[], scopeCount: number): boolean {
  if (fields.length === 0 || fields.length > MAX_FIELDS || scopeCount > fields.length) return false
  let minimum = 0
  for (const { id, length } of fields) {
    if (id > 32767) return false
    minimum += length === VARIABLE_LENGTH ? 1 : length
  }
  return minimum > 0 && minimum <= MAX_RECORD_OCTETS
}

const isTime = (value: number): boolean => value >= 0 && value < 2 ** 53

/**
 * End of the first `fieldCount` fields of a record.
 *
 * @param offset - where the record begins in `octets`.
 * @param limit - end of what may be read.
 * @returns offset behind these fields, or -1 if they run past `limit` (RFC 7011 §7 for variable lengths).
 */
export function recordEnd(
  fields: readonly FieldSpecifier[],
  fieldCount: number,
  octets: Uint8Array,
  offset: number,
  limit: number
): number {
  let at = offset
  for (let index = 0; index < fieldCount; index++) {
    const length = fields[index].length
    if (length !== VARIABLE_LENGTH) {
      at += length
    } else {
      if (at >= limit) return -1
      const short = octets[at++]
      if (short < 255) {
        at += short
      } else {
        if (at + 2 > limit) return -1
        at += 2 + ((octets[at] << 8) | octets[at + 1])
      }
    }
    if (at > limit) return -1
  }
  return at
}
