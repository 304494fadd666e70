import { Command } from 'commander'
import { applyCommand, diffCommand, patchCommand, rollbackCommand } from './config.ts'
import { eventsCommand } from './events.ts'
import { getCommand } from './get.ts'
import { jobCommand } from './job.ts'
import { keyCommand } from './key.ts'
import { operateCommands } from './operate.ts'
import { rolloutCommand } from './rollout.ts'
import { supportBundleCommand } from './support-bundle.ts'
import { tapCommand } from './tap.ts'

const help = `
Examples:
  $ weir ctl get exporters
  $ weir ctl get config > weir.yaml
  $ weir ctl apply weir.yaml --dry-run
  $ weir ctl events --follow
  $ weir ctl tap --filter "proto = tcp and port = 443"

It speaks to the web API of the fleet (http://127.0.0.1:8080) or, with --url or WEIR_URL, to the control API of one pod
(http://127.0.0.1:8090). A certificate authority of your own: NODE_EXTRA_CA_CERTS=ca.pem.

Exit codes: 0 done, 1 it was refused, 64 wrong usage, 65 the API finds the input wrong, 66 a file cannot be read,
69 the API does not answer.
`

/** `weir ctl`: everything that speaks to a Weir that runs. */
export function ctlCommands(): Command {
  const ctl = new Command('ctl').description('Steer a Weir that runs, through its API.').addHelpText('after', help)
  ctl.commandsGroup('Look:')
  for (const command of [getCommand(), eventsCommand(), tapCommand(), diffCommand()]) ctl.addCommand(command)
  ctl.commandsGroup('Change:')
  for (const command of [applyCommand(), patchCommand(), rollbackCommand(), rolloutCommand(), keyCommand()])
    ctl.addCommand(command)
  ctl.commandsGroup('Operate:')
  for (const command of [...operateCommands(), supportBundleCommand()]) ctl.addCommand(command)
  ctl.commandsGroup('Work on recorded flows:')
  ctl.addCommand(jobCommand())
  return ctl
}
