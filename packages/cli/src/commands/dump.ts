import { Command } from 'commander'

const examples = `
Examples:
  $ weir dump                     the defaults
  $ weir dump weir.yaml           every key with the value it will have

Exit codes: as weir check.
`

/** `weir dump`: the effective document. */
export function dumpCommand(): Command {
  return new Command('dump')
    .description('Print the effective document as YAML: the defaults, the file over them, the environment over both.')
    .argument('[config]', 'weir.yaml')
    .addHelpText('after', examples)
    .action(async (file: string | undefined) => {
      const { loadConfig, writeYaml } = await import('@weir/config')
      const { config } = await loadConfig(file, { environment: process.env })
      process.stdout.write(writeYaml(config))
    })
}
