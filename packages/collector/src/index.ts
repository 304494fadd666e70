export {
  createCollector,
  type Collector,
  type CollectorDeps,
  type CollectorParts,
  type CollectorSettings
} from './collector.ts'
export { checkLedger, Ledger } from './ledger.ts'
