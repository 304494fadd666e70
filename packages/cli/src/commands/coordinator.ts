import { Command } from 'commander'
import { addDocumentOptions, loadDocument } from '../process-document.ts'
import type { DocumentOptions } from '../process-document.ts'
import { weirVersion } from '../version.ts'

/** `weir coordinator`: the control API alone. */
export function coordinatorCommand(): Command {
  return addDocumentOptions(new Command('coordinator'))
    .description(
      'Run the control API alone; it meets the other processes under runDir (WEIR_RUN_DIR, default /run/weir).'
    )
    .action(async (options: DocumentOptions) => {
      const document = await loadDocument('coordinator', options)
      const { runCoordinator } = await import('@weir/coordinator')
      await runCoordinator({ ...document, version: weirVersion() })
    })
}
