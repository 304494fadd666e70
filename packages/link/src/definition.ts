import type { FieldSpecifier, Layout } from '@weir/ipfix'
import { viewOf } from './frame.ts'
import type { Source } from './source.ts'

/** What one definition in a DEFINE frame is. */
const definitionKinds = { layout: 1, source: 2, context: 3, forget: 4 } as const
export type DefinedKind = 1 | 2 | 3

/** A definition as it stands in a frame: checked in itself, ids not looked up. */
export type Definition =
  | { kind: 1; id: number; scopeCount: number; fields: FieldSpecifier[] }
  | { kind: 2; id: number; source: Source }
  | { kind: 3; id: number; entries: [templateId: number, layoutId: number][] }
  | { kind: 4; id: number; what: DefinedKind }

const HEADER_OCTETS = 16
const SOURCE_OCTETS = 56
const transports = ['udp', 'tcp', 'file'] as const
const MAX_FIELDS = 65_535
const utf8 = new TextDecoder('utf-8')

const padded = (octets: number): number => (octets + 7) & ~7

/** kind u8, what u8, u16 0, length u32, id u32, count u32. */
function begin(kind: number, id: number, count: number, lengthOctets: number, what = 0): [Uint8Array, DataView] {
  const octets = new Uint8Array(padded(lengthOctets))
  const view = viewOf(octets)
  view.setUint8(0, kind)
  view.setUint8(1, what)
  view.setUint32(4, octets.length, true)
  view.setUint32(8, id, true)
  view.setUint32(12, count, true)
  return [octets, view]
}

export function encodeLayout({ id, fields, scopeCount }: Layout): Uint8Array {
  const [octets, view] = begin(definitionKinds.layout, id, fields.length, HEADER_OCTETS + 8 + 8 * fields.length)
  view.setUint32(HEADER_OCTETS, scopeCount, true)
  fields.forEach((field, index) => {
    const offset = HEADER_OCTETS + 8 + 8 * index
    view.setUint32(offset, field.pen, true)
    view.setUint16(offset + 4, field.id, true)
    view.setUint16(offset + 6, field.length, true)
  })
  return octets
}

export function encodeSource(source: Source): Uint8Array {
  const name = new TextEncoder().encode(source.exporterId).subarray(0, 1024)
  const [octets, view] = begin(definitionKinds.source, source.id, name.length, SOURCE_OCTETS + name.length)
  view.setUint8(16, transports.indexOf(source.transport))
  view.setUint8(17, source.isIPv6 ? 1 : 0)
  view.setUint16(18, source.version, true)
  view.setUint16(20, source.port, true)
  view.setUint32(24, source.odid, true)
  view.setInt32(28, source.v5Sampling, true)
  octets.set(source.address.subarray(0, 16), 32)
  octets.set(name, SOURCE_OCTETS)
  return octets
}

export function encodeContext(id: number, entries: ReadonlyMap<number, Layout>): Uint8Array {
  const [octets, view] = begin(definitionKinds.context, id, entries.size, HEADER_OCTETS + 8 * entries.size)
  let offset = HEADER_OCTETS
  for (const [templateId, layout] of entries) {
    view.setUint32(offset, templateId, true)
    view.setUint32(offset + 4, layout.id, true)
    offset += 8
  }
  return octets
}

export function encodeForget(what: DefinedKind, id: number): Uint8Array {
  return begin(definitionKinds.forget, id, 0, HEADER_OCTETS, what)[0]
}

/**
 * Read the definitions of a DEFINE frame's body.
 *
 * @returns undefined if one of them is malformed; none is then given.
 */
export function decodeDefinitions(view: DataView, bodyOffset: number): Definition[] | undefined {
  const found: Definition[] = []
  let offset = bodyOffset
  while (offset < view.byteLength) {
    if (view.byteLength - offset < HEADER_OCTETS) return undefined
    const lengthOctets = view.getUint32(offset + 4, true)
    if (lengthOctets < HEADER_OCTETS || lengthOctets % 8 !== 0) return undefined
    if (lengthOctets > view.byteLength - offset) return undefined
    const definition = decodeDefinition(view, offset, lengthOctets)
    if (definition === undefined) return undefined
    found.push(definition)
    offset += lengthOctets
  }
  return found
}

function decodeDefinition(view: DataView, offset: number, lengthOctets: number): Definition | undefined {
  const id = view.getUint32(offset + 8, true)
  const count = view.getUint32(offset + 12, true)
  if (id === 0) return undefined
  switch (view.getUint8(offset)) {
    case definitionKinds.layout:
      return decodeLayout(view, offset, lengthOctets, id, count)
    case definitionKinds.source:
      return decodeSource(view, offset, lengthOctets, id, count)
    case definitionKinds.context:
      return decodeContext(view, offset, lengthOctets, id, count)
    case definitionKinds.forget: {
      const what = view.getUint8(offset + 1)
      return what === 1 || what === 2 || what === 3 ? { kind: 4, id, what } : undefined
    }
    default:
      return undefined
  }
}

function decodeLayout(
  view: DataView,
  offset: number,
  lengthOctets: number,
  id: number,
  count: number
): Definition | undefined {
  if (count === 0 || count > MAX_FIELDS || lengthOctets !== HEADER_OCTETS + 8 + 8 * count) return undefined
  const scopeCount = view.getUint32(offset + HEADER_OCTETS, true)
  if (scopeCount > count) return undefined
  const fields: FieldSpecifier[] = []
  let leastOctets = 0
  for (let index = 0; index < count; index++) {
    const at = offset + HEADER_OCTETS + 8 + 8 * index
    const length = view.getUint16(at + 6, true)
    leastOctets += length === 65_535 ? 1 : length
    fields.push({ pen: view.getUint32(at, true), id: view.getUint16(at + 4, true), length })
  }
  // A record of no octets would let a hostile count of records cost nothing and mean everything.
  return leastOctets === 0 ? undefined : { kind: 1, id, scopeCount, fields }
}

function decodeSource(
  view: DataView,
  offset: number,
  lengthOctets: number,
  id: number,
  nameOctets: number
): Definition | undefined {
  if (nameOctets > 1024 || lengthOctets !== padded(SOURCE_OCTETS + nameOctets)) return undefined
  const transport = transports[view.getUint8(offset + 16)]
  if (transport === undefined) return undefined
  const octets = new Uint8Array(view.buffer, view.byteOffset + offset, lengthOctets)
  const source: Source = {
    id,
    transport,
    version: view.getUint16(offset + 18, true),
    address: octets.slice(32, 48),
    isIPv6: view.getUint8(offset + 17) === 1,
    port: view.getUint16(offset + 20, true),
    odid: view.getUint32(offset + 24, true),
    v5Sampling: view.getInt32(offset + 28, true),
    exporterId: utf8.decode(octets.subarray(SOURCE_OCTETS, SOURCE_OCTETS + nameOctets))
  }
  return { kind: 2, id, source }
}

function decodeContext(
  view: DataView,
  offset: number,
  lengthOctets: number,
  id: number,
  count: number
): Definition | undefined {
  if (count > 65_536 || lengthOctets !== HEADER_OCTETS + 8 * count) return undefined
  const entries: [number, number][] = []
  for (let at = offset + HEADER_OCTETS; at < offset + lengthOctets; at += 8) {
    const templateId = view.getUint32(at, true)
    if (templateId > 65_535) return undefined
    entries.push([templateId, view.getUint32(at + 4, true)])
  }
  return { kind: 3, id, entries }
}
