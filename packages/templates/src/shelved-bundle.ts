import { decodeShelvedSet, encodeShelvedSet } from './shelved-set-codec.ts'
import type { ShelvedSet } from './pending-shelf.ts'
import { placeKey } from './stored-entry.ts'

/** Data Sets of one place and template, in the order they were put, as one value: each behind its length (u32). */
export interface SetBundle {
  readonly templateId: number
  readonly sets: readonly ShelvedSet[]
  readonly octets: Uint8Array
}

/** A bundle is closed when it has so many octets. */
const BUNDLE_OCTETS = 262_144

/** @returns octets that a Set has in a bundle. */
export const setOctets = (set: ShelvedSet): number => 4 + encodeShelvedSet(set).length

/** Cut a batch into bundles, in order; a batch is always cut alike. */
export function* encodeSets(sets: readonly ShelvedSet[]): Generator<SetBundle> {
  let from = 0
  let parts: Uint8Array[] = []
  let octets = 0
  for (const [index, set] of sets.entries()) {
    const encoded = encodeShelvedSet(set)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(encoded.length)
    parts.push(head, encoded)
    octets += 4 + encoded.length
    const next = sets[index + 1]
    const isAlike = next?.templateId === set.templateId && placeKey(next) === placeKey(set)
    if (isAlike && octets < BUNDLE_OCTETS) continue
    yield { templateId: set.templateId, sets: sets.slice(from, index + 1), octets: Buffer.concat(parts) }
    from = index + 1
    parts = []
    octets = 0
  }
}

/** @returns undefined if these are not whole and valid Sets. */
export function decodeSets(octets: Uint8Array): ShelvedSet[] | undefined {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const sets: ShelvedSet[] = []
  for (let at = 0; at < octets.length;) {
    if (at + 4 > octets.length) return undefined
    const end = at + 4 + view.getUint32(at)
    if (end > octets.length) return undefined
    const set = decodeShelvedSet(octets.subarray(at + 4, end))
    if (set === undefined) return undefined
    sets.push(set)
    at = end
  }
  return sets
}
