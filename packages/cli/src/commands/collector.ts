import { Command } from 'commander'
import { addDocumentOptions, loadDocument } from '../process-document.ts'
import type { DocumentOptions } from '../process-document.ts'
import { weirVersion } from '../version.ts'

/** `weir collector`: the Collecting Process alone. */
export function collectorCommand(): Command {
  return addDocumentOptions(new Command('collector'))
    .description('Run the collector alone; it meets the mediator under runDir (WEIR_RUN_DIR, default /run/weir).')
    .action(async (options: DocumentOptions) => {
      const { config } = await loadDocument('collector', options)
      const { runCollector } = await import('@weir/collector')
      await runCollector({ config, version: weirVersion() })
    })
}
