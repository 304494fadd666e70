import { hash } from 'node:crypto'
import { DECISION_FIELD, placeKey, SEQUENCE_FIELD, type Place } from './stored-entry.ts'

/*
 * Keys of the bucket. A place is 128 bits of a SHA-256: legal in a subject whatever a scope is made of, and of one
 * length. The place itself stands inside each entry and is compared.
 *
 *   e.t.<place>   templates and the decision      e.o.<place>   options
 *   q.<place>     the sequence number             h.<place>     versions of templates
 *   m.epoch       a random value: another one, or none, means that the server lost what was written
 */

/** Entries that stand in one value: `t` templates and the decision, `o` options, `q` the sequence number. */
export type PartName = 't' | 'o' | 'q'
export const partNames: readonly PartName[] = ['t', 'o', 'q']

const prefixes = { t: 'e.t.', o: 'e.o.', q: 'q.' } as const satisfies Record<PartName, string>

/** @returns 22 characters. */
export const placeHash = (place: Place): string => hash('sha256', placeKey(place), 'base64url').slice(0, 22)

export const partKey = (part: PartName, place: string): string => prefixes[part] + place
export const EPOCH_KEY = 'm.epoch'
export const historyKey = (place: string): string => `h.${place}`

/** The hash of the place in a key of a part. */
export const placeOfKey = (key: string): string => key.slice(key.lastIndexOf('.') + 1)

export function partOfField(field: string): PartName {
  if (field === SEQUENCE_FIELD) return 'q'
  return field === DECISION_FIELD || field.startsWith('t') ? 't' : 'o'
}

/**
 * Header of a value, for who looks at all of them without reading them: when something in it was last seen, milliseconds
 * since 1970 UTC. Not believed beyond that.
 */
export const SEEN_HEADER = 'Weir-Seen'

const MAX_LINE_CHARACTERS = 2048

/** A place as one line of a push. */
export const placeLine = (place: Place): string => `${place.odid} ${encodeURIComponent(place.scope.toWellFormed())}`

/** @returns undefined for what no writer writes. */
export function parsePlaceLine(text: string): Place | undefined {
  const [, odidText, scopeText] = /^(\d{1,10}) (\S+)$/.exec(text) ?? []
  if (odidText === undefined || scopeText === undefined || text.length > MAX_LINE_CHARACTERS) return undefined
  const odid = Number(odidText)
  if (odid > 0xffff_ffff) return undefined
  try {
    return { scope: decodeURIComponent(scopeText), odid }
  } catch {
    return undefined
  }
}
