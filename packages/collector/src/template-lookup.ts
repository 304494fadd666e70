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
export async function templateState(parts: CollectorParts, key: unknown) {
  const { place, template } = await found(parts, nameOf(key))
  return templateDetails(parts, place, template, parts.clock.nowMs() - parts.clock.monotonicMs())
}

/**
 * Do as if a template had never been heard of: here and in the stores. Data waits for the exporter's next announcement.
 *
 * @throws CodedError NOT_FOUND, also when it was forgotten before.
 */
export async function forgetTemplate(parts: CollectorParts, key: unknown) {
  const name = nameOf(key)
  const { scope, odid, templateId } = name
  const { place, template } = await found(parts, name)
  const { exporter, domain } = place
  if (isStored(template)) {
    parts.recollection.forgetRemembered(template)
    parts.outlet.emit('template_withdrawn', { exporter, scope, odid, templateId, key: String(key), by: 'api' })
  } else if (domain?.table.drop(template) === true) {
    parts.quarantine.end(domain, templateId, 'template_ended')
    parts.events.onForgotten(domain, templateId, template.layout, parts.clock.monotonicMs())
  }
  return { exporter, scope, odid, templateId }
}

/** @throws CodedError NOT_FOUND if the text names no template. */
export function nameOf(key: unknown): TemplateName {
  const name = typeof key === 'string' ? parseTemplateKey(key) : undefined
  if (name === undefined) throw notFound('This is no key of a template; `key` of a listed one is.')
  return name
}

/** Live, remembered, or known to a store alone: those of other pods, and of connections (RFC 7011 §8). */
async function found(parts: CollectorParts, name: TemplateName): Promise<Found> {
  const domain = domainOf(parts, name)
  const entry = domain?.table.entry(name.templateId)
  if (domain !== undefined && entry !== undefined) return { place: livePlace(domain), template: entry }
  for (const { scope, odid, templates } of parts.recollection.places()) {
    if (scope !== name.scope || odid !== name.odid) continue
    const template = templates.find(({ templateId }) => templateId === name.templateId)
    if (template !== undefined) return { place: storedPlace(scope, odid), template }
  }
  const { scope, odid } = name
  for (const store of [parts.shared, parts.store]) {
    const [stored] = (await store?.read([{ scope, odid }])) ?? []
    const template = stored?.entries.find(each => each.kind === 'template' && each.templateId === name.templateId)
    if (template?.kind === 'template') return { place: storedPlace(scope, odid), template }
  }
  throw notFound('No template of this key is known.')
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
