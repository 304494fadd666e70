import { Command } from 'commander'
import { loadOperatorConfig } from '../process-document.ts'

const examples = `
Examples:
  $ weir up                                    UDP and TCP 4739 and UDP 2055, state in ./var, APIs on 127.0.0.1:8090 and 8080
  $ weir up --config weir.yaml
  $ WEIR_COORDINATOR_PORT=8091 weir up         any key can be set by its variable; see docs/reference/configuration.md

A process that dies is started again in under a second. SIGTERM or Ctrl-C stops in order within 30 s: the collector first,
then the mediator, then the web API and the coordinator; a second Ctrl-C ends at once.

Exit codes: 0 stopped in order, 69 a port is busy or the state folder cannot be used, 70 a defect, 78 the configuration is wrong.
`

/** `weir up`: a whole Weir as child processes of a small supervisor. */
export function upCommand(): Command {
  return new Command('up')
    .description('Run a whole Weir: collector, mediator, coordinator and web API.')
    .option('-c, --config <file>', 'weir.yaml; without it the defaults and the environment (WEIR_…)')
    .addHelpText('after', examples)
    .action(async (options: { config?: string }) => {
      const { runUp } = await import('../supervisor/run-up.ts')
      await runUp({ resolved: await loadOperatorConfig(options.config) })
    })
}
