import { readFile } from 'node:fs/promises'
import { Command } from 'commander'

/**
 * `weir sandbox`: a pipeline for a job, in a folder of its own (`runDir`) that is removed with it. It ends with whoever started it;
 * folders of those that were killed go at the next start of a `weir up`.
 */
export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description('Run a pipeline for a job, until the job worker that started it says so or is gone.')
    .argument('<file>', 'its document, JSON')
    .action(async (file: string) => {
      const { resolveConfig } = await import('@weir/config')
      const { lockFolder } = await import('../supervisor/folder-lock.ts')
      const { runUp } = await import('../supervisor/run-up.ts')
      const resolved = resolveConfig(JSON.parse(await readFile(file, 'utf8')), { source: file })
      const folder = resolved.config.runDir!
      await lockFolder(folder)
      await runUp({ resolved, temporaryFolders: [folder], isQuiet: true })
    })
}
