import { resolveConfig } from '@weir/config'
import { createLog, runProcess } from '@weir/runtime'
import { createJobWorker } from '../../../src/index.ts'

// A job worker as `weir job-worker` runs it, with the tasks of the tests.
const { config } = resolveConfig(JSON.parse(process.argv[2]!))
const log = createLog({ name: 'job-worker', level: 'info' })
const tasks = new URL('./test-tasks.ts', import.meta.url).href
await runProcess('job-worker', [createJobWorker(config, { log, tasks })], { log })
