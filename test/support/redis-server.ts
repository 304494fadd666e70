import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Child, type ChildExit } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'

const run = promisify(execFile)

/** Where a server is, as the options of a store name it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** A redis-server of Debian on 127.0.0.1, with a folder of its own and nothing kept on disk; it ends with this process. */
export class RedisServer implements RedisAddress {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly folder: string
  readonly #tls: boolean
  #child: Child | undefined

  private constructor(port: number, config: readonly string[]) {
    this.port = port
    this.folder = tempFolder('redis')
    this.#tls = config.some(line => line.startsWith('tls-port'))
    const lines = ['bind 127.0.0.1', `dir ${this.folder}`, 'save ""', 'appendonly no', 'repl-diskless-sync-delay 0']
    const listen = this.#tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`]
    const own = config.filter(line => !line.startsWith('tls-port'))
    writeFileSync(join(this.folder, 'redis.conf'), [...lines, ...listen, ...own].join('\n'))
  }

  /** @param config - more lines of its configuration; `tls-port` without a number: it speaks TLS only. */
  static async start(...config: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), config)
    await server.start()
    return server
  }

  get pid(): number {
    return this.#child!.pid
  }

  /** Starts it, again on the same port; empty. */
  async start(): Promise<void> {
    const path = toolPath('redis-server')
    this.#child = new Child(`redis-server ${this.port}`, path, [join(this.folder, 'redis.conf')])
    await this.#child.waitForText('Ready to accept connections')
  }

  /** What redis-cli prints for a command. */
  command(...args: readonly string[]): Promise<string> {
    return commandOf(this.port, args)
  }

  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(signal: NodeJS.Signals): void {
    this.#child!.kill(signal)
  }

  /** Kills it with -9. */
  async kill(): Promise<ChildExit> {
    this.#child!.kill('SIGKILL')
    return this.#child!.waitForEnd()
  }
}

async function commandOf(port: number, args: readonly string[]): Promise<string> {
  const { stdout } = await run(toolPath('redis-cli'), ['-p', String(port), ...args])
  return stdout.trim()
}

/** A Cluster of three masters, without replicas; when one is away, the others go on. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[]

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes
  }

  static async start(): Promise<RedisCluster> {
    const nodes: RedisServer[] = []
    for (let index = 0; index < 3; index++) {
      const port = await freePort()
      const settings = ['cluster-node-timeout 2000', 'cluster-require-full-coverage no']
      nodes.push(await RedisServer.start('cluster-enabled yes', `cluster-port ${port}`, ...settings))
    }
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await commandOf(nodes[0].port, ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'])
    const cluster = new RedisCluster(nodes)
    await cluster.untilWhole()
    return cluster
  }

  /** Resolves when every node knows who serves all slots. */
  async untilWhole(): Promise<void> {
    await until(
      'the cluster is whole',
      async () => {
        const infos = await Promise.all(this.nodes.map(node => node.command('cluster', 'info')))
        return infos.every(info => info.includes('cluster_state:ok') && info.includes('cluster_slots_ok:16384'))
      },
      30_000
    )
  }

  async flush(): Promise<void> {
    for (const node of this.nodes) await node.command('flushall')
  }
}

/** A master, a replica, and one Sentinel that makes the other one master half a second after the master is gone. */
export class RedisSentinelGroup {
  readonly name = 'weir'
  readonly sentinel: RedisAddress
  readonly servers: readonly RedisServer[]

  private constructor(sentinel: RedisAddress, servers: readonly RedisServer[]) {
    this.sentinel = sentinel
    this.servers = servers
  }

  static async start(): Promise<RedisSentinelGroup> {
    const master = await RedisServer.start()
    const replica = await RedisServer.start(`replicaof 127.0.0.1 ${master.port}`)
    const port = await freePort()
    const folder = tempFolder('sentinel')
    const file = join(folder, 'sentinel.conf')
    const settings = ['down-after-milliseconds weir 500', 'failover-timeout weir 2000', 'parallel-syncs weir 1']
    const lines = [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${folder}`,
      `sentinel monitor weir 127.0.0.1 ${master.port} 1`,
      ...settings.map(setting => `sentinel ${setting}`)
    ]
    writeFileSync(file, lines.join('\n'))
    const child = new Child(`redis-sentinel ${port}`, toolPath('redis-sentinel'), [file])
    await child.waitForText('+monitor')
    await until(
      'the Sentinel knows the replica, and it is in step',
      async () =>
        (await commandOf(port, ['sentinel', 'replicas', 'weir'])).includes(String(replica.port)) &&
        (await replica.command('info', 'replication')).includes('master_link_status:up'),
      20_000
    )
    return new RedisSentinelGroup({ host: '127.0.0.1', port }, [master, replica])
  }

  /** Resolves when a server that is not `old` is the master for the Sentinel and knows it. @returns it. */
  async untilMasterIsNot(old: RedisServer): Promise<RedisServer> {
    return until(
      'another one is the master',
      async () => {
        const [, port] = (await commandOf(this.sentinel.port, ['sentinel', 'get-master-addr-by-name', 'weir'])).split(
          '\n'
        )
        const master = this.servers.find(server => String(server.port) === port)
        if (master === undefined || master === old) return undefined
        return (await master.command('info', 'replication')).includes('role:master') ? master : undefined
      },
      30_000
    )
  }
}
