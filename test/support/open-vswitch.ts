import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { until } from './until.ts'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
/** Flows that are put in. */
const FLOWS = 8

/** An Open vSwitch in user space with a bridge that exports IPFIX, on sockets of its own. */
export class OpenVSwitch {
  readonly #folder: string
  readonly #daemons: Child[] = []

  /** @param folder - an existing folder; its path must be short, because sockets go there. */
  constructor(folder: string) {
    this.#folder = join(folder, 'ovs')
  }

  /** @param ports - of 127.0.0.1: each gets every Message. Somebody must be listening there already. */
  async start(ports: readonly number[]): Promise<void> {
    mkdirSync(this.#folder)
    const at = (name: string): string => join(this.#folder, name)
    await this.#run('ovsdb-tool', ['create', at('conf.db'), SCHEMA])
    this.#daemon('ovsdb-server', [at('conf.db'), `--remote=punix:${at('db.sock')}`, `--unixctl=${at('o.ctl')}`])
    await until('the database answers', () => this.#ask('ovs-vsctl', ['--no-wait', 'init']))
    const dummy = ['--enable-dummy=override', '--disable-system', `--unixctl=${at('v.ctl')}`]
    this.#daemon('ovs-vswitchd', [`unix:${at('db.sock')}`, ...dummy])
    const bridge = ['add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=dummy']
    const port = ['--', 'add-port', 'br0', 'p1', '--', 'set', 'Interface', 'p1', 'type=dummy', 'ofport_request=1']
    await this.#ask('ovs-vsctl', [...bridge, ...port])
    const targets = `targets=[${ports.map(each => `"127.0.0.1:${each}"`).join(',')}]`
    const ipfix = ['sampling=1', 'obs_domain_id=7', 'obs_point_id=3', 'cache_active_timeout=1', 'cache_max_flows=10']
    await this.#ask('ovs-vsctl', [
      '--',
      'set',
      'bridge',
      'br0',
      'ipfix=@i',
      '--',
      '--id=@i',
      'create',
      'IPFIX',
      targets,
      ...ipfix
    ])
    for (let flow = 1; flow <= FLOWS; flow++) {
      const packet = [
        'in_port(1)',
        `eth(src=50:54:00:00:00:0${flow},dst=50:54:00:00:00:0a)`,
        'eth_type(0x0800)',
        `ipv4(src=10.0.0.${flow},dst=10.0.0.20,proto=6,tos=0,ttl=64,frag=no)`,
        `tcp(src=4100${flow},dst=443)`,
        'tcp_flags(0x010)'
      ]
      await this.#ask('ovs-appctl', ['netdev-dummy/receive', 'p1', packet.join(), '--len', '200'])
    }
  }

  stop(): void {
    for (const daemon of this.#daemons) daemon.kill('SIGKILL')
  }

  #daemon(tool: 'ovsdb-server' | 'ovs-vswitchd', args: readonly string[]): void {
    this.#daemons.push(new Child(tool, toolPath(tool), args, { env: { OVS_RUNDIR: this.#folder } }))
  }

  /** Ask a daemon something; the switch is not there at once, so a few times if need be. */
  async #ask(tool: 'ovs-vsctl' | 'ovs-appctl', args: readonly string[]): Promise<true> {
    const to =
      tool === 'ovs-vsctl'
        ? [`--db=unix:${join(this.#folder, 'db.sock')}`, '--timeout=5']
        : ['-t', join(this.#folder, 'v.ctl')]
    await until(`${tool} ${args.slice(0, 3).join(' ')}`, async () => {
      await this.#run(tool, [...to, ...args])
      return true
    })
    return true
  }

  async #run(tool: 'ovsdb-tool' | 'ovs-vsctl' | 'ovs-appctl', args: readonly string[]): Promise<void> {
    const child = new Child(tool, toolPath(tool), args, { env: { OVS_RUNDIR: this.#folder } })
    const { code } = await child.waitForEnd(10_000)
    if (code !== 0) throw new Error(`${tool} ended with ${code}\n${child.said}`)
  }
}
