// IPFIX to normalised IPFIX. Run: node packages/mediation/bench/transcode.bench.ts
import type { IpfixPlan } from '../src/index.ts'
import { printMachine } from './support/measure.ts'
import { runCorpus } from './support/run-corpus.ts'

const normalised: IpfixPlan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: true, sampling: true }
const plain: IpfixPlan = { ...normalised, lineage: false, sampling: false }

printMachine()
runCorpus('transcode/normalised', normalised, { templates: 1, exporters: 1, compileAfterRecords: 0 })
runCorpus('transcode/normalised-64-exporters-4-templates', normalised, {
  templates: 4,
  exporters: 64,
  compileAfterRecords: 0
})
runCorpus(
  'transcode/nanoseconds',
  { ...normalised, timestamps: 'nanoseconds' },
  { templates: 1, exporters: 1, compileAfterRecords: 0 }
)
runCorpus('transcode/no-lineage-no-sampling', plain, { templates: 1, exporters: 1, compileAfterRecords: 0 })
runCorpus('transcode/interpreted', normalised, { templates: 1, exporters: 1, compileAfterRecords: Infinity })
