import { exporterOverrideIssues } from '@weir/config'
import type { ExporterOverride, ExporterPolicyConfig, Listener, WeirConfig } from '@weir/config'
import type { ControlClient, JsonValue } from '@weir/link'
import { CodedError, exitCodes, type Metrics } from '@weir/runtime'
import type { Collector, CollectorLimits, CollectorParts } from './collector.ts'
import { collectorState, exporterState, listenersToJson } from './collector-state.ts'
import { exporterList, type ExporterQuery } from './exporter-list.ts'
import type { Exporter } from './exporter.ts'
import { fieldShares } from './field-shares.ts'
import { isOptionsTopic, optionsList } from './options-list.ts'
import { pendingList, quarantineList, type PendingQuery } from './pending-list.ts'
import { templateList, type TemplateQuery } from './template-list.ts'
import { templateHistory } from './template-history.ts'
import { forgetTemplate, templateState } from './template-lookup.ts'

type Parameters = { readonly [key: string]: JsonValue | undefined }

const parametersOf = (params: JsonValue): Parameters => (params ?? {}) as Parameters
/** Plain data already; the type does not know. */
const json = (value: unknown): JsonValue => value as JsonValue

/** Was checked by the coordinator. */
const textsOf = (value: JsonValue | undefined): string[] => (Array.isArray(value) ? value.map(String) : [])

/** Were checked by the coordinator, as all of the document. */
const listenersOf = (params: JsonValue): Listener[] => parametersOf(params).listeners as unknown as Listener[]

/** Templates or exporters in one answer. */
const MAX_PAGE = 1000

/**
 * Serve the collector's control methods: `process.readiness`, `collector.state`, `collector.exporters {filters, sort?, cursor?, offset?, limit?}`, `collector.exporter {id}`,
 * `collector.templates {filters, sort?, cursor?, offset?, limit?}`, `collector.template {key}`, `collector.forgetTemplate {key}`,
 * `collector.templateHistory {key, atMs?}`, `collector.options {exporter, topic, offset?, limit?}`, `collector.pending {filters, sort?, offset?, limit?}`, `collector.quarantine {…}`,
 * `collector.fields {exporter}`, `collector.metrics`,
 * `collector.prepareListeners {listeners}`, `collector.setListeners {listeners}`, `listeners.pause {name}`, `.resume`, `.drain` (the last five may be LISTENER_REFUSED),
 * `collector.setExporters {exporters}`, `collector.setLimits {limits}`, `collector.setShutdown {shutdown}`,
 * `collector.setAllow {allow, allowAny}`, `exporters.setPolicies {policies}` (by address, all of them). What is not known is the error NOT_FOUND.
 */
export function serveControl(control: ControlClient, collector: Collector, metrics: Metrics): void {
  const { parts } = collector
  control.handle('process.readiness', () => json(collector.readiness()))
  control.handle('collector.state', () => json(collectorState(parts)))
  control.handle('collector.exporters', async params =>
    json(await exporterList(parts, exporterQuery(parametersOf(params))))
  )
  control.handle('collector.exporter', params => json(exporterState(parts, exporterOf(parts, parametersOf(params).id))))
  control.handle('collector.templates', async params =>
    json(await templateList(parts, templateQuery(parametersOf(params))))
  )
  control.handle('collector.template', async params => json(await templateState(parts, parametersOf(params).key)))
  control.handle('collector.templateHistory', async params => {
    const { key, atMs } = parametersOf(params)
    return json(await templateHistory(parts, key, number(atMs)))
  })
  control.handle('collector.forgetTemplate', async params =>
    json(await forgetTemplate(parts, parametersOf(params).key))
  )
  control.handle('collector.options', async params => {
    const { exporter, topic, offset, limit } = parametersOf(params)
    const of = exporterOf(parts, exporter)
    if (!isOptionsTopic(topic))
      throw new CodedError('NOT_FOUND', 'Options records tell nothing of this.', exitCodes.failed)
    return json(await optionsList(parts, of, topic, count(offset, 0), Math.min(MAX_PAGE, count(limit, MAX_PAGE))))
  })
  control.handle('collector.pending', async params =>
    json(await pendingList(parts, pendingQuery(parametersOf(params))))
  )
  control.handle('collector.quarantine', async params =>
    json(await quarantineList(parts, pendingQuery(parametersOf(params))))
  )
  control.handle('collector.fields', params => {
    const { exporter, id } = parametersOf(params)
    return json(fieldShares(parts, exporterOf(parts, exporter ?? id)))
  })
  control.handle('exporters.setPolicies', params => {
    const policies = Object.entries(parametersOf(parametersOf(params).policies ?? {})).map(
      ([address, policy]) => [address, policyOf(policy)] as const
    )
    parts.policies.setAll(Object.fromEntries(policies))
    return { policies: policies.length }
  })
  control.handle('collector.setAllow', params => {
    const { allow, allowAny } = parametersOf(params)
    collector.setAllow(textsOf(allow), allowAny === true)
    return {}
  })
  control.handle('collector.prepareListeners', async params => {
    await parts.listeners.prepare(listenersOf(params))
    return {}
  })
  control.handle('collector.setListeners', async params => {
    await parts.listeners.set(listenersOf(params))
    return {}
  })
  for (const what of ['pause', 'resume', 'drain'] as const) {
    control.handle(`listeners.${what}`, async params => {
      const name = String(parametersOf(params).name)
      await parts.listeners[what](name)
      return json(listenersToJson(parts).find(each => each.name === name && each.state !== 'closing'))
    })
  }
  control.handle('collector.setExporters', params => {
    collector.setExporters(parametersOf(params).exporters as unknown as ExporterPolicyConfig[])
    return {}
  })
  control.handle('collector.setLimits', params => {
    collector.setLimits(parametersOf(params).limits as unknown as CollectorLimits)
    return {}
  })
  control.handle('collector.setShutdown', params => {
    collector.setShutdown(parametersOf(params).shutdown as unknown as WeirConfig['shutdown'])
    return {}
  })
  control.handle('collector.metrics', () => metrics.text())
}

// The coordinator has checked what it asks for; what is of another type is left out.
const word = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined)
const number = (value: JsonValue | undefined): number | undefined => (typeof value === 'number' ? value : undefined)
const pageQuery = ({ sort, cursor, offset, limit }: Parameters) => ({
  sort: word(sort),
  cursor: word(cursor),
  offset: count(offset, 0),
  limit: Math.min(MAX_PAGE, count(limit, MAX_PAGE))
})

function templateQuery(params: Parameters): TemplateQuery {
  const { exporter, odid, templateId, kind, field, source, scope, state } = params
  return {
    ...pageQuery(params),
    exporter: word(exporter),
    odid: number(odid),
    templateId: number(templateId),
    kind: kind === 'template' || kind === 'options' ? kind : undefined,
    field: word(field),
    source: word(source),
    scope: word(scope),
    state: word(state)
  }
}

function pendingQuery(params: Parameters): PendingQuery {
  const { exporter, odid, templateId } = params
  return { ...pageQuery(params), exporter: word(exporter), odid: number(odid), templateId: number(templateId) }
}

function exporterQuery(params: Parameters): ExporterQuery {
  const { id, version, state } = params
  return { ...pageQuery(params), id: word(id), version: number(version), state: word(state) }
}

/** @throws CodedError EXPORTER_POLICY_INVALID */
function policyOf(value: JsonValue | undefined): ExporterOverride {
  if (exporterOverrideIssues(value).length === 0) return value as ExporterOverride
  throw new CodedError('EXPORTER_POLICY_INVALID', 'What is said of an exporter is wrong.', exitCodes.failed)
}

function exporterOf({ exporters }: CollectorParts, id: JsonValue | undefined): Exporter {
  const exporter = typeof id === 'string' ? exporters.get(id) : undefined
  if (exporter !== undefined) return exporter
  throw new CodedError('NOT_FOUND', 'No exporter of this address has a session.', exitCodes.failed, { exporter: id })
}

const count = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === 'number' && value >= 0 ? Math.trunc(value) : otherwise
