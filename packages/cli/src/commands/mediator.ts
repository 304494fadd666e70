import { Command } from 'commander'
import { addDocumentOptions, loadDocument } from '../process-document.ts'
import type { DocumentOptions } from '../process-document.ts'
import { weirVersion } from '../version.ts'

/** `weir mediator`: the Intermediate and Exporting Process alone. */
export function mediatorCommand(): Command {
  return addDocumentOptions(new Command('mediator'))
    .description('Run the mediator alone; it meets the collector under runDir (WEIR_RUN_DIR, default /run/weir).')
    .action(async (options: DocumentOptions) => {
      const { config, base = config } = await loadDocument('mediator', options)
      const { runMediator } = await import('@weir/mediator')
      await runMediator({ config, base, version: weirVersion() })
    })
}
