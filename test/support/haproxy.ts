import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { isTcpListening } from './socket-table.ts'
import { until } from './until.ts'

export interface Haproxy {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  readonly child: Child
  /** Ends it at once. */
  stop(): Promise<void>
}

/**
 * A HAProxy of Debian as docs/how-to/behind-a-load-balancer.md has it: exporters stay with one pod by their address, and
 * PROXY headers of version 2 say whose connection it is.
 *
 * @param ports - TCP listeners of the pods on 127.0.0.1.
 */
export async function startHaproxy(folder: string, ports: readonly number[]): Promise<Haproxy> {
  const port = await freePort()
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, configOf(port, ports))
  const child = new Child('haproxy', toolPath('haproxy'), ['-db', '-f', file])
  await until('haproxy listens', () => {
    if (child.hasEnded) throw new Error(child.said)
    return isTcpListening(port)
  })
  return {
    port,
    child,
    async stop() {
      child.kill('SIGKILL')
      await child.waitForEnd()
    }
  }
}

const configOf = (port: number, ports: readonly number[]): string =>
  [
    'global',
    '  log stderr format raw local0',
    'defaults',
    '  mode tcp',
    '  log global',
    '  timeout connect 1s',
    '  timeout client 1h',
    '  timeout server 1h',
    '  retries 3',
    '  option redispatch 1',
    'frontend ipfix',
    `  bind 127.0.0.1:${port}`,
    '  default_backend weir',
    'backend weir',
    '  balance source',
    '  default-server send-proxy-v2 check inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions',
    ...ports.map((each, index) => `  server pod${index} 127.0.0.1:${each}`),
    ''
  ].join('\n')
