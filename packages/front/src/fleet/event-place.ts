import { HttpProblem } from '@weir/http'

/** Up to where the events of each pod have been read: the id of a merged event. */
export type EventPlace = ReadonlyMap<string, string>

/** Opaque to the reader, and good at any front. */
export const writeEventPlace = (place: EventPlace): string =>
  Buffer.from(JSON.stringify([...place]), 'utf8').toString('base64url')

/** @throws HttpProblem 400 if it is none. */
export function readEventPlace(id: string): Map<string, string> {
  try {
    const entries = JSON.parse(Buffer.from(id, 'base64url').toString('utf8')) as unknown
    if (Array.isArray(entries) && entries.every(isEntry)) return new Map(entries)
  } catch {
    // Told below.
  }
  const detail = 'This is no id of a merged event; leave it out to read from now on.'
  throw new HttpProblem(400, 'BAD_EVENT_ID', detail)
}

const isEntry = (entry: unknown): entry is [pod: string, id: string] =>
  Array.isArray(entry) && entry.length === 2 && entry.every(part => typeof part === 'string' && part.length <= 300)
