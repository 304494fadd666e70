import { Command } from 'commander'

const examples = `
Examples:
  $ weir check weir.yaml
  $ WEIR_COORDINATOR_PORT=8091 weir check weir.yaml     the environment counts too

Exit codes: 0 it is right, 78 it is wrong or cannot be read: each error has its path, what is wrong and what is allowed.
`

/** `weir check`: every error of a configuration. */
export function checkCommand(): Command {
  return new Command('check')
    .description('Check a configuration and name all its errors.')
    .argument('<config>', 'weir.yaml')
    .addHelpText('after', examples)
    .action(async (file: string) => {
      const { loadConfig, loadElements } = await import('@weir/config')
      const { config, warnings } = await loadConfig(file, { environment: process.env })
      loadElements(config.collector.elementFiles)
      const { readStoreFiles } = await import('@weir/templates')
      for (const [name, store] of Object.entries(config.stores)) {
        if (store.type !== 'none' && store.type !== 'embedded') readStoreFiles(store, `stores.${name}`)
      }
      for (const warning of warnings) process.stderr.write(`weir: ${warning}\n`)
      const { length: listeners } = config.collector.listeners
      const { length: destinations } = config.destinations
      process.stdout.write(`${file} is right: ${listeners} listeners, ${destinations} destinations\n`)
    })
}
