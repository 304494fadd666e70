import { pairsOf } from './redis-link.ts'
import {
  definitionHash,
  MAX_VERSIONS_PER_PLACE,
  templateField,
  type StoredEntry,
  type TemplateVersion
} from './stored-entry.ts'

/** A sealed template and the field it was sealed for. */
export interface SealedVersion {
  readonly field: string
  readonly sealed: Uint8Array
}

/** Of an ended version: what ended it u8 | last seen f64 | template id u16. */
const ENDED_HEAD_OCTETS = 11
const marks: Readonly<Record<string, TemplateVersion['ended']>> = { r: 'redefined', w: 'withdrawn' }

/**
 * The definitions that a place had.
 *
 * @param live - reply of HGETALL: `t<id>` and `s<id>`.
 * @param ended - reply of LRANGE.
 * @param believe - opens, decodes and checks one; undefined: it is left out.
 * @returns in the order of first announcement.
 */
export function readRedisVersions(
  live: unknown,
  ended: unknown,
  believe: (version: SealedVersion) => StoredEntry | undefined
): TemplateVersion[] {
  const versions: TemplateVersion[] = []
  const add = (version: SealedVersion, lastSeenMs: number, mark: TemplateVersion['ended']): void => {
    const entry = believe(version)
    if (entry?.kind !== 'template') return
    const { templateId, scopeCount, fields, firstSeenMs, session } = entry
    versions.push({
      templateId,
      scopeCount,
      fields,
      hash: definitionHash(fields, scopeCount),
      firstSeenMs,
      // Who counts it is not sealed: it is a time at least as late as the sealed one, or not believed.
      lastSeenMs: lastSeenMs >= entry.lastSeenMs && lastSeenMs < 2 ** 53 ? lastSeenMs : entry.lastSeenMs,
      session,
      ...(mark === undefined ? {} : { ended: mark })
    })
  }
  for (const item of Array.isArray(ended) ? (ended as Buffer[]) : []) {
    if (item.length <= ENDED_HEAD_OCTETS) continue
    const field = templateField(item.readUInt16BE(9))
    const mark = marks[String.fromCodePoint(item[0])]
    if (mark !== undefined) add({ field, sealed: item.subarray(ENDED_HEAD_OCTETS) }, item.readDoubleBE(1), mark)
  }
  const fields = new Map(pairsOf(live))
  for (const [field, sealed] of fields) {
    if (field.startsWith('t')) add({ field, sealed }, Number(fields.get(`s${field.slice(1)}`)?.toString()), undefined)
  }
  return versions.toSorted((a, b) => a.firstSeenMs - b.firstSeenMs).slice(-MAX_VERSIONS_PER_PLACE)
}
