export {
  createCollector,
  type Collector,
  type CollectorDeps,
  type CollectorParts,
  type CollectorSettings
} from './collector.ts'
export { collectorState, exporterPage, exporterState, ledgerToJson } from './collector-state.ts'
export { serveControl } from './control.ts'
export { readStoreFiles } from './store-files.ts'
export { checkLedger, Ledger } from './ledger.ts'
export { runCollector, type CollectorProcessOptions } from './main.ts'
export { createCollectorMetrics } from './metric-readers.ts'
export { collectorMetrics } from './metrics.ts'
export { fieldShares, templateList, type TemplateQuery } from './template-list.ts'
