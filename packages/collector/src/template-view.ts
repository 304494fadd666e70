import { VARIABLE_LENGTH, type FieldSpecifier } from '@weir/ipfix'
import { definitionHash } from '@weir/templates'
import type { CollectorParts } from './collector.ts'
import { templateKeyOf } from './template-key.ts'
import { definitionOf, isStored, type KnownTemplate, type TemplatePlace } from './template-place.ts'

/** `live`: the exporter has announced it; `hint`: it has not yet, here; `quarantined`: it is in doubt, and data waits; `remembered`: its session is not here. */
export type TemplateState = 'live' | 'hint' | 'quarantined' | 'remembered'

export function stateOf(template: KnownTemplate, { domain }: TemplatePlace): TemplateState {
  if (isStored(template)) return 'remembered'
  if (domain?.table.isGuarded === true && domain.table.isHeld(template)) return 'quarantined'
  return template.isHint ? 'hint' : 'live'
}

export const sourceOf = (template: KnownTemplate): string => (isStored(template) ? 'store' : template.source)

/** Milliseconds since 1970 UTC. @param wallOffsetMs - what the wall clock is ahead of the monotonic one. */
export const firstSeenAtMs = (template: KnownTemplate, wallOffsetMs: number): number =>
  isStored(template) ? template.firstSeenMs : template.firstSeenMs + wallOffsetMs

export const lastSeenAtMs = (template: KnownTemplate, wallOffsetMs: number): number =>
  isStored(template) ? template.lastSeenMs : template.lastSeenMs + wallOffsetMs

/** `Infinity` where there is no end. */
export const expiresAtMs = (template: KnownTemplate, wallOffsetMs: number): number =>
  isStored(template) ? template.lastSeenMs + template.lifetimeMs : template.expiresAtMs + wallOffsetMs

/** One template in a list (RFC 7011 §8.4: what is stored of each). */
export function templateToJson(
  parts: CollectorParts,
  place: TemplatePlace,
  template: KnownTemplate,
  wallOffsetMs: number
) {
  const { exporter, scope, odid, version, transport, listener, port } = place
  const { templateId, announcements } = template
  const { fields, scopeCount } = definitionOf(template)
  const endAtMs = expiresAtMs(template, wallOffsetMs)
  const local = listenerOf(parts, listener)
  const state = stateOf(template, place)
  return {
    key: templateKeyOf(scope, odid, templateId),
    exporter,
    exporterPort: port,
    transport,
    version,
    listener,
    collectorAddress: local.address,
    collectorPort: local.port,
    scope,
    odid,
    templateId,
    kind: scopeCount > 0 ? 'options' : 'template',
    scopeCount,
    fields: fields.map((field, index) => fieldToJson(parts, field, version, index < scopeCount)),
    firstSeenAtMs: Math.round(firstSeenAtMs(template, wallOffsetMs)),
    lastSeenAtMs: Math.round(lastSeenAtMs(template, wallOffsetMs)),
    expiresAtMs: endAtMs === Infinity ? null : Math.round(endAtMs),
    announcements,
    records: isStored(template) ? 0 : template.records,
    source: sourceOf(template),
    state,
    isHint: state !== 'live'
  }
}

/** One template with all that is known of its elements and records. */
export function templateDetails(
  parts: CollectorParts,
  place: TemplatePlace,
  template: KnownTemplate,
  wallOffsetMs: number
) {
  const { fields, scopeCount } = definitionOf(template)
  return {
    ...templateToJson(parts, place, template, wallOffsetMs),
    ...definitionToJson(parts, fields, scopeCount, place.version)
  }
}

/** A definition with all that is known of its elements. */
export function definitionToJson(
  parts: CollectorParts,
  fields: readonly FieldSpecifier[],
  scopeCount: number,
  wireVersion: number
) {
  const isVariable = fields.some(({ length }) => length === VARIABLE_LENGTH)
  const fixedOctets = fields.reduce((sum, { length }) => sum + (length === VARIABLE_LENGTH ? 1 : length), 0)
  return {
    hash: definitionHash(fields, scopeCount),
    recordLength: isVariable ? null : fixedOctets,
    minRecordLength: fixedOctets,
    fields: fields.map((field, index) => elementToJson(parts, field, wireVersion, index < scopeCount))
  }
}

function fieldToJson({ registry }: CollectorParts, field: FieldSpecifier, wireVersion: number, isScope: boolean) {
  const { pen, id, length } = field
  const element = registry.get(pen, id, wireVersion)
  return { pen, id, length, name: element?.name ?? null, type: element?.type ?? null, isScope }
}

function elementToJson(parts: CollectorParts, field: FieldSpecifier, wireVersion: number, isScope: boolean) {
  const element = parts.registry.get(field.pen, field.id, wireVersion)
  return {
    ...fieldToJson(parts, field, wireVersion, isScope),
    semantics: element?.semantics ?? null,
    units: element?.units ?? null
  }
}

function listenerOf({ udp, tcp }: CollectorParts, name: string): { address: string; port: number } {
  for (const listener of [...udp.map(part => part.listener), ...tcp]) {
    if (listener.config.name === name) return { address: listener.config.address, port: listener.port }
  }
  return { address: '', port: 0 }
}
