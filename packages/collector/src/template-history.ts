import type { Place, TemplateVersion } from '@weir/templates'
import type { CollectorParts } from './collector.ts'
import { nameOf, notFound } from './template-lookup.ts'
import { storedPlace } from './template-place.ts'
import { definitionToJson } from './template-view.ts'

/**
 * Answer of `collector.templateHistory`: every definition that a template's id had in its place, as far as the store keeps
 * them, and what it meant at a time.
 *
 * @param atMs - milliseconds since 1970 UTC, or undefined if that is not asked.
 * @throws CodedError NOT_FOUND if nothing is known of it.
 */
export async function templateHistory(parts: CollectorParts, key: unknown, atMs: number | undefined) {
  const { scope, odid, templateId } = nameOf(key)
  const { exporter, version: wireVersion } = storedPlace(scope, odid)
  const versions = await versionsOf(parts, { scope, odid }, templateId)
  if (versions.length === 0) throw notFound('Nothing is known of the past of this template.')
  const shown = versions.map(version => versionToJson(parts, version, wireVersion))
  const name = { key: String(key), exporter, scope, odid, templateId }
  if (atMs === undefined) return { ...name, atMs: null, meaning: null, isCertain: null, versions: shown }
  const index = versions.findLastIndex(({ firstSeenMs }) => firstSeenMs <= atMs)
  const version = versions[index]
  const isCertain = version !== undefined && (atMs <= version.lastSeenMs || index < versions.length - 1)
  return { ...name, atMs, meaning: shown[index] ?? null, isCertain, versions: shown }
}

/** All pods' history where it can be asked for, else that of this one. */
async function versionsOf(
  { store, shared }: CollectorParts,
  place: Place,
  templateId: number
): Promise<TemplateVersion[]> {
  const versions = shared?.health === 'up' ? await shared.history(place, templateId) : []
  return versions.length > 0 ? versions : store.history(place, templateId)
}

function versionToJson(parts: CollectorParts, version: TemplateVersion, wireVersion: number) {
  const { scopeCount, fields, firstSeenMs, lastSeenMs, session, ended = null } = version
  return {
    kind: scopeCount > 0 ? 'options' : 'template',
    scopeCount,
    firstSeenAtMs: Math.round(firstSeenMs),
    lastSeenAtMs: Math.round(lastSeenMs),
    session,
    ended,
    ...definitionToJson(parts, fields, scopeCount, wireVersion)
  }
}
