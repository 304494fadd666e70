import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Tools that tests drive, and the Debian packages that have them. */
const packages = {
  softflowd: 'softflowd',
  pmacctd: 'pmacct',
  nfcapd: 'nfdump',
  nfdump: 'nfdump',
  tshark: 'tshark',
  dumpcap: 'wireshark-common',
  ipfixDump: 'libfixbuf-tools',
  chromium: 'chromium',
  haproxy: 'haproxy',
  'ovs-vswitchd': 'openvswitch-switch',
  'ovs-vsctl': 'openvswitch-switch',
  'ovs-appctl': 'openvswitch-common',
  'ovsdb-server': 'openvswitch-switch',
  'ovsdb-tool': 'openvswitch-common',
  'nats-server': 'nats-server',
  openssl: 'openssl',
  'redis-server': 'redis-server',
  'redis-sentinel': 'redis-sentinel',
  'redis-cli': 'redis-tools'
} as const
export type DebianTool = keyof typeof packages

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin']

/** Path of a tool, or undefined. */
function pathOf(tool: DebianTool): string | undefined {
  return folders.map(folder => join(folder, tool)).find(path => existsSync(path))
}

/** @throws if it is not installed: ask {@link absent} first. */
export function toolPath(tool: DebianTool): string {
  const path = pathOf(tool)
  if (path === undefined) throw new Error(`${tool} is not installed (Debian package ${packages[tool]})`)
  return path
}

/**
 * For the `skip` option of a test: false if all tools are there, else a sentence that names the Debian packages. It is also
 * written to standard error, so that nobody takes a run without them for a whole one.
 */
export function absent(...tools: readonly DebianTool[]): string | false {
  const missing = tools.filter(tool => pathOf(tool) === undefined)
  if (missing.length === 0) return false
  const wanted = [...new Set(missing.map(tool => packages[tool]))].join(' ')
  const sentence = `NOT TESTED: ${missing.join(', ')} not installed (apt-get install ${wanted})`
  process.stderr.write(`${sentence}\n`)
  return sentence
}
