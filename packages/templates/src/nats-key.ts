import { hash } from 'node:crypto'
import { DECISION_FIELD, placeKey, SEQUENCE_FIELD, type Place } from './stored-entry.ts'

/*
 * Keys of the bucket. A place is 128 bits of a SHA-256: legal in a subject whatever a scope is made of, and of one
 * length. The place itself stands inside each entry and is compared.
 *
 *   e.t.<place>   templates and the decision      e.o.<place>   options
 *   q.<place>     the sequence number             h.<place>     versions of templates
 *
 * Pushes follow `e.>` alone: sequence numbers change every second.
 */

/** Entries that stand in one value: `t` templates and the decision, `o` options, `q` the sequence number. */
export type PartName = 't' | 'o' | 'q'
export const partNames: readonly PartName[] = ['t', 'o', 'q']

const prefixes = { t: 'e.t.', o: 'e.o.', q: 'q.' } as const satisfies Record<PartName, string>

/** @returns 22 characters. */
export const placeHash = (place: Place): string => hash('sha256', placeKey(place), 'base64url').slice(0, 22)

export const partKey = (part: PartName, place: string): string => prefixes[part] + place
export const historyKey = (place: string): string => `h.${place}`

/** The hash of the place in a key of a part. */
export const placeOfKey = (key: string): string => key.slice(key.lastIndexOf('.') + 1)

export function partOfField(field: string): PartName {
  if (field === SEQUENCE_FIELD) return 'q'
  return field === DECISION_FIELD || field.startsWith('t') ? 't' : 'o'
}

/** Headers of a value: for who is told of it, or looks at all of them, without reading it. Not believed beyond that. */
export const WRITER_HEADER = 'Weir-Writer'
export const PLACE_HEADER = 'Weir-Place'
/** When something in the value was last seen, milliseconds since 1970 UTC. */
export const SEEN_HEADER = 'Weir-Seen'

const MAX_PLACE_CHARACTERS = 2048

export const placeHeader = (place: Place): string => `${place.odid} ${encodeURIComponent(place.scope.toWellFormed())}`

/** @returns undefined for what no writer writes. */
export function parsePlaceHeader(text: string): Place | undefined {
  const [, odidText, scopeText] = /^(\d{1,10}) (\S+)$/.exec(text) ?? []
  if (odidText === undefined || scopeText === undefined || text.length > MAX_PLACE_CHARACTERS) return undefined
  const odid = Number(odidText)
  if (odid > 0xffff_ffff) return undefined
  try {
    return { scope: decodeURIComponent(scopeText), odid }
  } catch {
    return undefined
  }
}
