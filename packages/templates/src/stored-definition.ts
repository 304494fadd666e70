import { VARIABLE_LENGTH, type FieldSpecifier } from '@weir/ipfix'
import type { OctetCursor } from './octet-cursor.ts'

/** Fields of a Message of 65535 octets, less its header and one Set header. */
const MAX_FIELDS = 16384
const MAX_RECORD_OCTETS = 65515
const ENTERPRISE_BIT = 0x8000

/** The fields and the scope count of a template. */
export interface Definition {
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
}

export function definitionOctets({ fields }: Definition): number {
  let octets = 4
  for (const { pen } of fields) octets += pen === 0 ? 4 : 8
  return octets
}

/** Writes `scopeCount u16 | fieldCount u16 | fields`, each field as on the wire (RFC 7011 §3.2). */
export function writeDefinition({ scopeCount, fields }: Definition, view: DataView, offset: number): void {
  view.setUint16(offset, scopeCount)
  view.setUint16(offset + 2, fields.length)
  let at = offset + 4
  for (const { pen, id, length } of fields) {
    view.setUint16(at, pen === 0 ? id : id | ENTERPRISE_BIT)
    view.setUint16(at + 2, length)
    if (pen !== 0) view.setUint32(at + 4, pen)
    at += pen === 0 ? 4 : 8
  }
}

/** @returns undefined unless it is a definition that the wire could have announced, in the one form it is written in. */
export function readDefinition(cursor: OctetCursor): Definition | undefined {
  const scopeCount = cursor.u16()
  const fieldCount = cursor.u16()
  const fields: FieldSpecifier[] = []
  for (let index = 0; index < fieldCount && !cursor.isBroken; index++) {
    const id = cursor.u16()
    const length = cursor.u16()
    if (id < ENTERPRISE_BIT) {
      fields.push({ pen: 0, id, length })
      continue
    }
    const pen = cursor.u32()
    if (pen === 0) return undefined
    fields.push({ pen, id: id & ~ENTERPRISE_BIT, length })
  }
  if (cursor.isBroken || !isTemplate(fields, scopeCount)) return undefined
  return { scopeCount, fields }
}

/** What the wire decoder asks of a template too: fields, a scope within them, records neither empty nor too long. */
export function isTemplate(fields: readonly FieldSpecifier[], scopeCount: number): boolean {
  if (fields.length === 0 || fields.length > MAX_FIELDS || scopeCount > fields.length) return false
  let minimum = 0
  for (const { id, length } of fields) {
    if (id > 32767) return false
    minimum += length === VARIABLE_LENGTH ? 1 : length
  }
  return minimum > 0 && minimum <= MAX_RECORD_OCTETS
}
