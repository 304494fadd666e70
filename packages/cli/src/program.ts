import { Command } from 'commander'
import { analyseCommand } from './commands/analyse.ts'
import { checkCommand } from './commands/check.ts'
import { collectorCommand } from './commands/collector.ts'
import { convertCommand } from './commands/convert.ts'
import { coordinatorCommand } from './commands/coordinator.ts'
import { ctlCommands } from './commands/ctl/ctl.ts'
import { decodeCommand } from './commands/decode.ts'
import { demoCommand } from './commands/demo.ts'
import { dumpCommand } from './commands/dump.ts'
import { frontCommand } from './commands/front.ts'
import { generateCommand } from './commands/generate.ts'
import { jobWorkerCommand } from './commands/job-worker.ts'
import { mediatorCommand } from './commands/mediator.ts'
import { receiveCommand } from './commands/receive.ts'
import { replayCommand } from './commands/replay.ts'
import { sandboxCommand } from './commands/sandbox.ts'
import { upCommand } from './commands/up.ts'
import { addCompletions } from './completion.ts'
import { weirVersion } from './version.ts'

const help = `
Examples:
  $ weir up                                      listen on UDP and TCP 4739 and UDP 2055, control API on 127.0.0.1:8090
  $ weir up --config weir.yaml                   the same by a configuration of yours
  $ weir check weir.yaml                         every error of a configuration, with what is allowed there
  $ weir decode capture.pcap                     what is in a capture
  $ weir analyse --html report.html capture.pcap what it adds up to, as a page with charts
  $ weir replay capture.pcap --to udp://127.0.0.1:4739
  $ weir receive --listen tcp://127.0.0.1:4740   a downstream collector that prints

Exit codes: 0 done, 1 something was found wrong, 64 wrong usage, 65 bad input, 66 input cannot be read,
69 a port or peer is not to be had, 70 a defect of Weir, 74 input or output failed, 78 the configuration is wrong,
128 + N ended by signal N.
`

/** The whole command tree. Nothing is started; the reference page is made from it. */
export function weirProgram(): Command {
  const program = new Command('weir')
    .description('IPFIX collector and mediator: NetFlow and IPFIX in, one clean, normalised IPFIX stream out.')
    .version(weirVersion(), '-V, --version')
    // Else `weir generate --version 9` would tell our version.
    .enablePositionalOptions()
    .addHelpText('after', help)
    .showHelpAfterError('(weir --help shows the commands)')
  program.commandsGroup('Run:')
  const processes = [collectorCommand(), mediatorCommand(), coordinatorCommand(), frontCommand(), jobWorkerCommand()]
  for (const command of [upCommand(), demoCommand(), ...processes]) program.addCommand(command)
  program.addCommand(sandboxCommand(), { hidden: true })
  program.commandsGroup('Steer:')
  program.addCommand(ctlCommands())
  program.commandsGroup('Configuration:')
  for (const command of [checkCommand(), dumpCommand()]) program.addCommand(command)
  program.commandsGroup('Captures and test traffic:')
  const captures = [decodeCommand(), analyseCommand(), convertCommand(), replayCommand()]
  for (const command of [...captures, generateCommand(), receiveCommand()]) program.addCommand(command)
  program.commandsGroup('Shell:')
  addCompletions(program)
  return program
}
