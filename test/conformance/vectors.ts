import { readFileSync } from 'node:fs'
import { octetsOf } from '@weir/ipfix/testing'

/** One vector of `vectors.json`: its octets, and the RFC or table that they come from. */
export interface Vector {
  readonly source: string
  readonly content: string
  readonly octets: number
  readonly hex: string
}

/** All vectors by their name, `V01` to `V41`. */
export const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Vector>
>

/** The octets of one vector, a new array each time. */
export function vector(name: string): Uint8Array {
  const found = vectors[name]
  if (found === undefined) throw new TypeError(`no vector ${name}`)
  return octetsOf(found.hex)
}
