import { decodeEntryV1 } from './entry-codec-v1.ts'
import { OctetCursor } from './octet-cursor.ts'
import { keyFieldCount } from './options-key.ts'
import { recordEnd } from './record-end.ts'
import { definitionOctets, readDefinition, writeDefinition } from './stored-definition.ts'
import { seenMsOf, type StoredEntry, type StoredOptions, type StoredTemplate } from './stored-entry.ts'

/*
 * Stored form of an entry, version 2. All numbers big-endian.
 *
 *   version u8 | kind u8 | exportTimeSec u32 | seenMs f64 | definitionAt u32 | scope length u16 | scope (UTF-8) | odid u32
 *   kind 1 (template): templateId u16 | firstSeenMs f64 | announcements u32 | lifetimeMs f64 | session length u16 | session
 *                      | definition
 *   kind 2 (options):  bootTimeMs f64 | scopeOctets u16 | length u16 | octets | definition
 *   kind 3 (sequence): wire version u16 | nextSequence u32 | bootTimeMs f64
 *   kind 4 (decision): decision u8 | evidence length u16 | evidence
 *   definition: scopeCount u16 | fieldCount u16 | field specifiers (RFC 7011 §3.2)
 *
 * A ring's server compares entries without decoding them: exportTimeSec and seenMs stand at fixed offsets, and the
 * definition is all from `definitionAt` (0 where there is none) to the end.
 */
const VERSION = 2
const kinds = { template: 1, options: 2, sequence: 3, decision: 4 } as const
const decisions = ['merged', 'apart'] as const
const HEAD_OCTETS = 24
const TEMPLATE_OCTETS = 24
const OPTIONS_OCTETS = 12
const SEQUENCE_OCTETS = 14
const DECISION_OCTETS = 3
const MAX_TEXT_OCTETS = 512

/** Octets of the longest entry that a shared ring takes; a longer one is not shared, and counted. */
export const MAX_ENTRY_OCTETS = 69_632

const textEncoder = new TextEncoder()

/** @returns the octets of {@link decodeEntry}; a fresh array. */
export function encodeEntry(entry: StoredEntry): Uint8Array {
  const scope = textEncoder.encode(entry.scope)
  const text = textEncoder.encode(textOf(entry))
  const headOctets = HEAD_OCTETS + scope.length
  const hasDefinition = entry.kind === 'template' || entry.kind === 'options'
  const definitionAt = hasDefinition ? headOctets + tailOctets(entry, text.length) : 0
  const octets = new Uint8Array(
    hasDefinition ? definitionAt + definitionOctets(entry) : headOctets + tailOctets(entry, text.length)
  )
  const view = new DataView(octets.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, kinds[entry.kind])
  view.setUint32(2, entry.exportTimeSec)
  view.setFloat64(6, seenMsOf(entry))
  view.setUint32(14, definitionAt)
  view.setUint16(18, scope.length)
  octets.set(scope, 20)
  view.setUint32(headOctets - 4, entry.odid)
  writeTail(entry, text, octets, view, headOctets)
  if (hasDefinition) writeDefinition(entry, view, definitionAt)
  return octets
}

const textOf = (entry: StoredEntry): string =>
  entry.kind === 'template' ? entry.session : entry.kind === 'decision' ? entry.evidence : ''

function tailOctets(entry: StoredEntry, textOctets: number): number {
  switch (entry.kind) {
    case 'template':
      return TEMPLATE_OCTETS + textOctets
    case 'options':
      return OPTIONS_OCTETS + entry.octets.length
    case 'sequence':
      return SEQUENCE_OCTETS
    case 'decision':
      return DECISION_OCTETS + textOctets
  }
}

function writeTail(entry: StoredEntry, text: Uint8Array, octets: Uint8Array, view: DataView, at: number): void {
  switch (entry.kind) {
    case 'template':
      view.setUint16(at, entry.templateId)
      view.setFloat64(at + 2, entry.firstSeenMs)
      view.setUint32(at + 10, entry.announcements)
      view.setFloat64(at + 14, entry.lifetimeMs)
      view.setUint16(at + 22, text.length)
      octets.set(text, at + TEMPLATE_OCTETS)
      return
    case 'options':
      view.setFloat64(at, entry.bootTimeMs)
      view.setUint16(at + 8, entry.scopeOctets)
      view.setUint16(at + 10, entry.octets.length)
      octets.set(entry.octets, at + OPTIONS_OCTETS)
      return
    case 'sequence':
      view.setUint16(at, entry.version)
      view.setUint32(at + 2, entry.nextSequence)
      view.setFloat64(at + 6, entry.bootTimeMs)
      return
    case 'decision':
      view.setUint8(at, decisions.indexOf(entry.decision))
      view.setUint16(at + 1, text.length)
      octets.set(text, at + DECISION_OCTETS)
  }
}

interface Head {
  readonly scope: string
  readonly odid: number
  readonly exportTimeSec: number
  readonly seenMs: number
  readonly definitionAt: number
}

/**
 * Read an entry that may be damaged or hostile: everything is checked as a template from the wire is.
 *
 * @returns undefined for anything that is not exactly one valid entry of version 2 or 1. Copies; nothing is aliased.
 */
export function decodeEntry(octets: Uint8Array): StoredEntry | undefined {
  const cursor = new OctetCursor(octets)
  const version = cursor.u8()
  if (version === 1) return decodeEntryV1(octets)
  if (version !== VERSION) return undefined
  const kind = cursor.u8()
  const exportTimeSec = cursor.u32()
  const seenMs = cursor.time()
  const definitionAt = cursor.u32()
  const scope = cursor.text(1, MAX_TEXT_OCTETS)
  const head: Head = { scope, odid: cursor.u32(), exportTimeSec, seenMs, definitionAt }
  if (cursor.isBroken) return undefined
  const entry = readTail(kind, head, cursor)
  return cursor.isAtEnd ? entry : undefined
}

function readTail(kind: number, head: Head, cursor: OctetCursor): StoredEntry | undefined {
  if (kind === kinds.template) return readTemplate(head, cursor)
  if (kind === kinds.options) return readOptions(head, cursor)
  if (head.definitionAt !== 0) return undefined
  const { scope, odid, exportTimeSec, seenMs } = head
  if (kind === kinds.sequence) {
    const version = cursor.u16()
    const nextSequence = cursor.u32()
    const bootTimeMs = cursor.optionalTime()
    return { kind: 'sequence', scope, odid, version, nextSequence, exportTimeSec, bootTimeMs, atMs: seenMs }
  }
  if (kind !== kinds.decision) return undefined
  const decision = decisions[cursor.u8()]
  const evidence = cursor.text(0, MAX_TEXT_OCTETS)
  if (decision === undefined) return undefined
  return { kind: 'decision', scope, odid, decision, evidence, exportTimeSec, sinceMs: seenMs }
}

function readTemplate(head: Head, cursor: OctetCursor): StoredTemplate | undefined {
  const templateId = cursor.u16()
  const firstSeenMs = cursor.time()
  const announcements = cursor.u32()
  const lifetimeMs = cursor.time()
  const session = cursor.text(0, MAX_TEXT_OCTETS)
  if (templateId < 256 || cursor.at !== head.definitionAt) return undefined
  const definition = readDefinition(cursor)
  if (definition === undefined) return undefined
  const { scope, odid, exportTimeSec, seenMs: lastSeenMs } = head
  const { scopeCount, fields } = definition
  return {
    kind: 'template',
    scope,
    odid,
    templateId,
    scopeCount,
    fields,
    exportTimeSec,
    session,
    firstSeenMs,
    lastSeenMs,
    announcements,
    lifetimeMs
  }
}

function readOptions(head: Head, cursor: OctetCursor): StoredOptions | undefined {
  const bootTimeMs = cursor.optionalTime()
  const scopeOctets = cursor.u16()
  const length = cursor.u16()
  const octets = cursor.octets(length)
  if (cursor.at !== head.definitionAt) return undefined
  const definition = readDefinition(cursor)
  if (definition === undefined || definition.scopeCount === 0) return undefined
  const { scopeCount, fields } = definition
  const end = recordEnd(fields, fields.length, octets, 0, length)
  // The claimed length is not believed: it is a function of the record.
  if (end !== length) return undefined
  if (recordEnd(fields, keyFieldCount(fields, scopeCount), octets, 0, length) !== scopeOctets) return undefined
  const { scope, odid, exportTimeSec, seenMs: receivedAtMs } = head
  return {
    kind: 'options',
    scope,
    odid,
    scopeCount,
    fields,
    exportTimeSec,
    receivedAtMs,
    bootTimeMs,
    scopeOctets,
    octets
  }
}
