import { Command, Option } from 'commander'
import { addDocumentOptions, loadDocument } from '../process-document.ts'
import type { DocumentOptions } from '../process-document.ts'
import { weirVersion } from '../version.ts'

interface FrontOptions extends DocumentOptions {
  readonly pod?: string
}

/** `weir front`: the web API of a fleet alone. */
export function frontCommand(): Command {
  return addDocumentOptions(new Command('front'))
    .addOption(new Option('--pod <url>', 'where weir up has its control API').hideHelp())
    .description(
      'Run the web API of a fleet alone; it asks the control APIs of the pods in front.pods, and keeps its keys under stateDir.'
    )
    .action(async (options: FrontOptions) => {
      const { config } = await loadDocument('front', options)
      const { runFront } = await import('@weir/front')
      await runFront({ config, version: weirVersion(), pods: options.pod === undefined ? undefined : [options.pod] })
    })
}
