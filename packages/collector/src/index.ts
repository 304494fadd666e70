export {
  createCollector,
  type Collector,
  type CollectorDeps,
  type CollectorParts,
  type CollectorSettings
} from './collector.ts'
export { collectorState, exporterState, ledgerToJson } from './collector-state.ts'
export { exporterList, type ExporterQuery } from './exporter-list.ts'
export { serveControl } from './control.ts'
export { checkLedger, Ledger } from './ledger.ts'
export { optionsList, type OptionsTopic } from './options-list.ts'
export { runCollector, type CollectorProcessOptions } from './main.ts'
export { createCollectorMetrics } from './metric-readers.ts'
export { collectorMetrics } from './metrics.ts'
export { fieldShares } from './field-shares.ts'
export { templateList, type TemplateQuery } from './template-list.ts'
export { forgetTemplate, templateState } from './template-lookup.ts'
