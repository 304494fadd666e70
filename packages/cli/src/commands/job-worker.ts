import { Command } from 'commander'
import { weirCommandLine } from '../supervisor/child-host.ts'
import { addDocumentOptions, loadDocument } from '../process-document.ts'
import type { DocumentOptions } from '../process-document.ts'

/** `weir job-worker`: what does the jobs that the web API takes. */
export function jobWorkerCommand(): Command {
  return addDocumentOptions(new Command('job-worker'))
    .description(
      'Do the jobs that the web API has taken, in threads, until it is stopped; it meets the front in front.jobs.folder and, if stores.jobs says so, in Redis. Several of them share the work.'
    )
    .action(async (options: DocumentOptions) => {
      const { config, base } = await loadDocument('job-worker', options)
      const { runJobWorker } = await import('@weir/front/job-worker')
      await runJobWorker(config, { base, weir: weirCommandLine })
    })
}
