import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { WeirConfig } from '@weir/config'
import { UnavailableError } from '@weir/runtime'
import { loadOperatorConfig } from '../process-document.ts'
import { demoCaptures } from '../supervisor/demo-captures.ts'

const examples = `
Examples:
  $ weir demo                       records of real exporters, through Weir, to a collector that prints them
  $ weir demo --config weir.yaml    the same with listeners and destinations of yours

State is kept in a temporary folder, so the demo changes nothing of yours. Exit codes: as weir up.
`

/** `weir demo`: a whole Weir, fed with the project's own captures, and a downstream collector that prints. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Run a whole Weir, feed it captures of real exporters in a loop, and print what comes out.')
    .option('-c, --config <file>', 'weir.yaml; without it the defaults and the environment (WEIR_…)')
    .addHelpText('after', examples)
    .action(async (options: { config?: string }) => {
      const { formatHostPort, resolveConfig } = await import('@weir/config')
      const { runUp } = await import('../supervisor/run-up.ts')
      const { config } = await loadOperatorConfig(options.config)
      const files = demoCaptures()
      const downstream = `tcp://127.0.0.1:${await freePort()}`
      const stateDir = await mkdtemp(join(tmpdir(), 'weir-demo-'))
      const replay = ['replay', ...files, '--to', udpTargetOf(config, formatHostPort), '--loop', '--restamp']
      const demo = { id: 'demo', type: 'ipfix', url: downstream, reconnectMinMs: 1_000, reconnectMaxMs: 5_000 }
      const resolved = resolveConfig({ ...config, stateDir, destinations: [...config.destinations, demo] })
      await runUp({
        resolved,
        temporaryFolders: [stateDir],
        before: [{ name: 'downstream', args: ['receive', '--listen', downstream], isProcess: false, leaveMs: 0 }],
        after: [{ name: 'exporters', args: replay, isProcess: false, leaveMs: 9_000 }]
      })
    })
}

function udpTargetOf({ collector }: WeirConfig, formatHostPort: (host: string, port: number) => string): string {
  const listener = collector.listeners.find(({ transport, port }) => transport === 'udp' && port !== 0)
  if (listener === undefined)
    throw new UnavailableError('NO_UDP_LISTENER', 'the demo needs a UDP listener with a port of its own')
  const isAny = listener.address === '::' || listener.address === '0.0.0.0'
  return `udp://${formatHostPort(isAny ? '127.0.0.1' : listener.address, listener.port)}`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
