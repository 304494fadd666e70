import { OctetCursor } from './octet-cursor.ts'
import type { ShelvedSet } from './pending-shelf.ts'

/*
 * Stored form of a shelved Data Set, version 1. All numbers big-endian; texts and octets behind their length (u16).
 *
 *   version u8 | transport u8 | wire version u16 | templateId u16 | exportTimeSec u32 | sequence u32 | odid u32 | port u16
 *   | receivedAtMs f64 | bootTimeMs f64 | scope | address | listener | octets
 */
const VERSION = 1
const transports = ['udp', 'tcp'] as const
const FIXED_OCTETS = 36
const MAX_TEXT_OCTETS = 512

const textEncoder = new TextEncoder()

/** @returns the octets of {@link decodeShelvedSet}; a fresh array. */
export function encodeShelvedSet(set: ShelvedSet): Uint8Array {
  const texts = [set.scope, set.address, set.listener].map(text => textEncoder.encode(text))
  const parts = [...texts, set.octets]
  const octets = new Uint8Array(parts.reduce((sum, part) => sum + 2 + part.length, FIXED_OCTETS))
  const view = new DataView(octets.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, transports.indexOf(set.transport))
  view.setUint16(2, set.version)
  view.setUint16(4, set.templateId)
  view.setUint32(6, set.exportTimeSec)
  view.setUint32(10, set.sequence)
  view.setUint32(14, set.odid)
  view.setUint16(18, set.port)
  view.setFloat64(20, set.receivedAtMs)
  view.setFloat64(28, set.bootTimeMs)
  let at = FIXED_OCTETS
  for (const part of parts) {
    view.setUint16(at, part.length)
    octets.set(part, at + 2)
    at += 2 + part.length
  }
  return octets
}

/**
 * Read a Set that may be damaged or hostile.
 *
 * @returns undefined for anything that is not exactly one. Copies; nothing is aliased.
 */
export function decodeShelvedSet(octets: Uint8Array): ShelvedSet | undefined {
  const cursor = new OctetCursor(octets)
  if (cursor.u8() !== VERSION) return undefined
  const transport = transports[cursor.u8()]
  const version = cursor.u16()
  const templateId = cursor.u16()
  const exportTimeSec = cursor.u32()
  const sequence = cursor.u32()
  const odid = cursor.u32()
  const port = cursor.u16()
  const receivedAtMs = cursor.time()
  const bootTimeMs = cursor.optionalTime()
  const scope = cursor.text(1, MAX_TEXT_OCTETS)
  const address = cursor.text(1, MAX_TEXT_OCTETS)
  const listener = cursor.text(0, MAX_TEXT_OCTETS)
  const body = cursor.octets(cursor.u16())
  const isSet = transport !== undefined && (version === 9 || version === 10) && templateId >= 256
  if (!cursor.isAtEnd || !isSet) return undefined
  return {
    scope,
    odid,
    templateId,
    version,
    exportTimeSec,
    receivedAtMs,
    bootTimeMs,
    sequence,
    octets: body,
    transport,
    address,
    port,
    listener
  }
}
