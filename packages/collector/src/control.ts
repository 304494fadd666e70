import type { ControlClient, JsonValue } from '@weir/link'
import { CodedError, exitCodes, type Metrics } from '@weir/runtime'
import type { Collector, CollectorParts } from './collector.ts'
import { collectorState, exporterPage, exporterState } from './collector-state.ts'
import type { Exporter } from './exporter.ts'
import { fieldShares, templateList } from './template-list.ts'

type Parameters = { readonly [key: string]: JsonValue | undefined }

const parametersOf = (params: JsonValue): Parameters => (params ?? {}) as Parameters
/** Plain data already; the type does not know. */
const json = (value: unknown): JsonValue => value as JsonValue

/** Templates or exporters in one answer. */
const MAX_PAGE = 1000

/**
 * Serve the collector's control methods: `process.readiness`, `collector.state`, `collector.exporters {offset?, limit?}`, `collector.exporter {id}`,
 * `collector.templates {exporter?, odid?, offset?, limit?}`, `collector.fields {exporter}`, `collector.metrics`.
 * An exporter that is not known is the error NOT_FOUND.
 */
export function serveControl(control: ControlClient, collector: Collector, metrics: Metrics): void {
  const { parts } = collector
  control.handle('process.readiness', () => json(collector.readiness()))
  control.handle('collector.state', () => json(collectorState(parts)))
  control.handle('collector.exporters', params => {
    const { offset, limit } = parametersOf(params)
    return json(exporterPage(parts, count(offset, 0), Math.min(MAX_PAGE, count(limit, MAX_PAGE))))
  })
  control.handle('collector.exporter', params => json(exporterState(parts, exporterOf(parts, parametersOf(params).id))))
  control.handle('collector.templates', params => {
    const { exporter, odid, offset, limit } = parametersOf(params)
    return json(
      templateList(parts, {
        exporter: typeof exporter === 'string' ? exporter : undefined,
        odid: typeof odid === 'number' ? odid : undefined,
        offset: count(offset, 0),
        limit: Math.min(MAX_PAGE, count(limit, MAX_PAGE))
      })
    )
  })
  control.handle('collector.fields', params => {
    const { exporter, id } = parametersOf(params)
    return json(fieldShares(parts, exporterOf(parts, exporter ?? id)))
  })
  control.handle('collector.metrics', () => metrics.text())
}

function exporterOf({ exporters }: CollectorParts, id: JsonValue | undefined): Exporter {
  const exporter = typeof id === 'string' ? exporters.get(id) : undefined
  if (exporter !== undefined) return exporter
  throw new CodedError('NOT_FOUND', 'No exporter of this address has a session.', exitCodes.failed, { exporter: id })
}

const count = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === 'number' && value >= 0 ? Math.trunc(value) : otherwise
