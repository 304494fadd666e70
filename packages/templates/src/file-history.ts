import { decodeEntry } from './entry-codec.ts'
import type { FileStatements } from './file-schema.ts'
import {
  definitionHash,
  MAX_VERSIONS_PER_PLACE,
  type Place,
  type StoredTemplate,
  type TemplateVersion
} from './stored-entry.ts'

/** How long a definition is known after it was last seen. */
const KEPT_MS = 604_800_000
/** Definitions kept of all places: each connection over TCP is one. The oldest go first. */
const MAX_VERSIONS = 200_000
/** At most so many more, until they are dropped. */
const DROP_EVERY = 4_096

/** What is too old, or too much: looks at every version, so it is for the start. */
export function dropOldVersions(statements: FileStatements, nowMs: number): void {
  statements.dropVersions.run(nowMs - KEPT_MS, MAX_VERSIONS)
}

/** Versions of templates in the file ring; called within its transaction. */
export function writeVersion(statements: FileStatements, template: StoredTemplate, value: Uint8Array): void {
  const { scope, odid, templateId, lastSeenMs, session } = template
  const hash = definitionHash(template.fields, template.scopeCount)
  const open = statements.openVersion.get(scope, odid, templateId) as { id: number; hash: string } | undefined
  if (open?.hash === hash) {
    statements.touchVersion.run(lastSeenMs, session, open.id)
    return
  }
  if (open !== undefined) statements.endVersion.run('redefined', scope, odid, templateId)
  const { lastInsertRowid } = statements.addVersion.run(scope, odid, templateId, hash, lastSeenMs, session, value)
  if (Number(lastInsertRowid) % DROP_EVERY === 0) statements.dropExcess.run(Number(lastInsertRowid) - MAX_VERSIONS)
  statements.pruneVersions.run(scope, odid, scope, odid, MAX_VERSIONS_PER_PLACE)
}

interface VersionRow {
  readonly templateId: number
  readonly hash: string
  readonly lastMs: number
  readonly session: string
  readonly ended: string | null
  readonly value: Uint8Array
}

/** @param onRejected - called for each row that is not a template of this place. */
export function readVersions(
  statements: FileStatements,
  { scope, odid }: Place,
  templateId: number | undefined,
  onRejected: () => void
): TemplateVersion[] {
  const versions: TemplateVersion[] = []
  for (const row of statements.versions.iterate(scope, odid)) {
    const { lastMs, session, ended, value, ...known } = row as unknown as VersionRow
    if (templateId !== undefined && known.templateId !== templateId) continue
    const entry = value instanceof Uint8Array ? decodeEntry(value) : undefined
    if (
      entry?.kind !== 'template' ||
      entry.scope !== scope ||
      entry.odid !== odid ||
      entry.templateId !== known.templateId
    ) {
      onRejected()
      continue
    }
    const { scopeCount, fields, firstSeenMs } = entry
    const hash = definitionHash(fields, scopeCount)
    versions.push({
      templateId: entry.templateId,
      scopeCount,
      fields,
      hash,
      firstSeenMs,
      lastSeenMs: lastMs,
      session,
      ...(ended === 'redefined' || ended === 'withdrawn' ? { ended } : {})
    })
  }
  return versions
}
