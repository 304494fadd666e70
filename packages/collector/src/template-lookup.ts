import { CodedError, exitCodes } from '@weir/runtime'
import type { CollectorParts } from './collector.ts'
import type { Domain } from './domain.ts'
import { parseTemplateKey, type TemplateName } from './template-key.ts'
import { isStored, livePlace, storedPlace, type KnownTemplate, type TemplatePlace } from './template-place.ts'
import { templateDetails } from './template-view.ts'

interface Found {
  readonly place: TemplatePlace
  readonly template: KnownTemplate
}

/**
 * Answer of `collector.template`: one template, decoded.
 *
 * @throws CodedError NOT_FOUND
 */
export function templateState(parts: CollectorParts, key: unknown) {
  const { place, template } = found(parts, nameOf(key))
  return templateDetails(parts, place, template, parts.clock.nowMs() - parts.clock.monotonicMs())
}

/**
 * Do as if a template had never been heard of: here and in the store. Data waits for the exporter's next announcement.
 *
 * @throws CodedError NOT_FOUND, also when it was forgotten before.
 */
export function forgetTemplate(parts: CollectorParts, key: unknown) {
  const name = nameOf(key)
  const { scope, odid, templateId } = name
  const domain = domainOf(parts, name)
  const ended = domain?.table.withdraw(templateId)
  if (domain !== undefined && ended !== undefined) {
    parts.events.onForgotten(domain, templateId, ended.layout, parts.clock.monotonicMs())
    return { exporter: domain.session.exporter.id, scope, odid, templateId }
  }
  const { place, template } = found(parts, name)
  if (isStored(template)) parts.recollection.forgetRemembered(template)
  parts.outlet.emit('template_withdrawn', {
    exporter: place.exporter,
    scope,
    odid,
    templateId,
    key: String(key),
    by: 'api'
  })
  return { exporter: place.exporter, scope, odid, templateId }
}

/** @throws CodedError NOT_FOUND if the text names no template. */
export function nameOf(key: unknown): TemplateName {
  const name = typeof key === 'string' ? parseTemplateKey(key) : undefined
  if (name === undefined) throw notFound('This is no key of a template; `key` of a listed one is.')
  return name
}

function found(parts: CollectorParts, name: TemplateName): Found {
  const domain = domainOf(parts, name)
  const entry = domain?.table.entry(name.templateId)
  if (domain !== undefined && entry !== undefined) return { place: livePlace(domain), template: entry }
  for (const { scope, odid, templates } of parts.recollection.places()) {
    if (scope !== name.scope || odid !== name.odid) continue
    const template = templates.find(({ templateId }) => templateId === name.templateId)
    if (template !== undefined) return { place: storedPlace(scope, odid), template }
  }
  throw notFound('No template of this key is live or remembered.')
}

/** The living domain of a scope. */
function domainOf(parts: CollectorParts, { scope, odid }: TemplateName): Domain | undefined {
  const exporter = parts.exporters.get(storedPlace(scope, odid).exporter)
  for (const session of exporter?.sessions.values() ?? []) {
    if (session.identity.scope === scope) return session.domains.get(odid)
  }
  return undefined
}

/** Nothing of this name. */
export const notFound = (message: string): CodedError => new CodedError('NOT_FOUND', message, exitCodes.failed)
