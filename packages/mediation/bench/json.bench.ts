// IPFIX to JSON lines. Run: node packages/mediation/bench/json.bench.ts
import type { JsonPlan } from '../src/index.ts'
import { printMachine } from './support/measure.ts'
import { runCorpus } from './support/run-corpus.ts'

const plan: JsonPlan = { kind: 'json', numbers64: 'number', lineage: true, sampling: true }

printMachine()
runCorpus('json/normalised', plan, { templates: 1, exporters: 1, compileAfterRecords: 0 })
runCorpus('json/normalised-64-exporters-4-templates', plan, { templates: 4, exporters: 64, compileAfterRecords: 0 })
runCorpus(
  'json/numbers64-string',
  { ...plan, numbers64: 'string' },
  { templates: 1, exporters: 1, compileAfterRecords: 0 }
)
runCorpus('json/interpreted', plan, { templates: 1, exporters: 1, compileAfterRecords: Infinity })
