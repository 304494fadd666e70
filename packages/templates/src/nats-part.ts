/**
 * A part: the entries of one place that are written together, in one value of the bucket. NATS finds the keys of a place
 * only by looking at every key it has, but gives a value whose key is known at once: so a place is read by its few keys.
 *
 *   version u8 | count u32 | count x { field length u8 | field (ASCII) | endsMs f64 | length u32 | sealed entry }
 *
 * All numbers big-endian. Each entry is sealed by itself; what is around it is not believed: who changes that can take
 * entries away, not make some.
 */
const VERSION = 1
const HEAD_OCTETS = 5
/** Of an entry, besides its field and its octets. */
const ENTRY_OCTETS = 13

export interface PartEntry {
  /** When it may be forgotten, milliseconds since 1970 UTC. */
  readonly endsMs: number
  readonly sealed: Uint8Array
}

/** Entries by their field. */
export type Part = Map<string, PartEntry>

/** @returns octets of this part as {@link encodePart} writes them. */
export function partOctets(part: ReadonlyMap<string, PartEntry>): number {
  let octets = HEAD_OCTETS
  for (const [field, { sealed }] of part) octets += ENTRY_OCTETS + field.length + sealed.length
  return octets
}

export function encodePart(part: ReadonlyMap<string, PartEntry>): Uint8Array {
  const value = Buffer.alloc(partOctets(part))
  value.writeUInt8(VERSION, 0)
  value.writeUInt32BE(part.size, 1)
  let at = HEAD_OCTETS
  for (const [field, { endsMs, sealed }] of part) {
    value.writeUInt8(field.length, at)
    value.write(field, at + 1, 'latin1')
    at += 1 + field.length
    value.writeDoubleBE(endsMs, at)
    value.writeUInt32BE(sealed.length, at + 8)
    value.set(sealed, at + 12)
    at += 12 + sealed.length
  }
  return value
}

/** @returns undefined if it is not exactly one part. The entries alias `octets`. */
export function decodePart(octets: Uint8Array): Part | undefined {
  const value = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  if (value.length < HEAD_OCTETS || value[0] !== VERSION) return undefined
  const count = value.readUInt32BE(1)
  const part: Part = new Map()
  let at = HEAD_OCTETS
  for (let index = 0; index < count; index++) {
    if (at >= value.length) return undefined
    const fieldEnd = at + 1 + value[at]!
    if (fieldEnd + 12 > value.length) return undefined
    const field = value.toString('latin1', at + 1, fieldEnd)
    const endsMs = value.readDoubleBE(fieldEnd)
    const end = fieldEnd + 12 + value.readUInt32BE(fieldEnd + 8)
    if (end > value.length || Number.isNaN(endsMs)) return undefined
    part.set(field, { endsMs, sealed: value.subarray(fieldEnd + 12, end) })
    at = end
  }
  return at === value.length ? part : undefined
}
