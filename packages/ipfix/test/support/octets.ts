import { LayoutTable, VARIABLE_LENGTH } from '../../src/layout.ts'
import type { FieldSpecifier, Layout } from '../../src/layout.ts'

/** Octets and a view of the same memory. */
export interface Octets {
  readonly octets: Uint8Array
  readonly view: DataView
  readonly length: number
}

/** Octets of hex pairs; white space between them does not count. */
export function hex(text: string): Octets {
  return wrap(new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex')))
}

export function wrap(octets: Uint8Array): Octets {
  return { octets, view: new DataView(octets.buffer, octets.byteOffset, octets.byteLength), length: octets.length }
}

/** Pairs of lower-case digits. */
export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}

/** A Layout of `pen.id:length` or `id:length`, `v` for variable, separated by spaces: `8:4 9.100:v`. */
export function layoutOf(specifiers: string, scopeCount = 0): Layout {
  const fields = specifiers.split(' ').map((text): FieldSpecifier => {
    const match = /^(?:(\d+)\.)?(\d+):(\d+|v)$/.exec(text)
    if (match === null) throw new Error(`no field specifier: ${text}`)
    const length = match[3] === 'v' ? VARIABLE_LENGTH : Number(match[3])
    return { pen: Number(match[1] ?? 0), id: Number(match[2]), length }
  })
  return new LayoutTable().intern(fields, scopeCount)
}
