import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Child, type ChildExit } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { tempFolder } from './temp-folder.ts'

export interface NatsServerOptions {
  /** More of its configuration, as text: users, TLS, limits. */
  readonly config?: string
  /** A name, and the routes of the others, make it a server of a cluster. */
  readonly cluster?: { readonly serverName: string; readonly port: number; readonly routes: readonly string[] }
}

/** A nats-server of Debian with JetStream, on 127.0.0.1, with a folder of its own; it ends with this process. */
export class NatsServer {
  readonly port: number
  readonly folder: string
  #child: Child | undefined

  private constructor(port: number, options: NatsServerOptions) {
    this.port = port
    this.folder = tempFolder('nats')
    writeFileSync(join(this.folder, 'nats.conf'), configOf(this.folder, port, options))
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), options)
    await server.start()
    return server
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child!.pid
  }

  /** Starts it, again on the same port and with what it stored before. */
  async start(): Promise<void> {
    this.#child = new Child(`nats-server ${this.port}`, toolPath('nats-server'), ['-c', join(this.folder, 'nats.conf')])
    await this.#child.waitForText('Server is ready')
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

  /** Deletes a key-value bucket, as an operator does. */
  async deleteBucket(bucket: string): Promise<void> {
    const socket = connect(this.port, '127.0.0.1').setEncoding('utf8')
    const lines = ['CONNECT {"verbose":false}', 'SUB deleted 1', `PUB $JS.API.STREAM.DELETE.KV_${bucket} deleted 0`, '']
    socket.write(`${lines.join('\r\n')}\r\n`)
    let said = ''
    for await (const text of socket) {
      said += text
      if (/^\{.*"success":true.*\}/m.test(said)) return void socket.destroy()
      if (/^\{.*"error":.*\}/m.test(said) || said.includes('-ERR')) break
    }
    throw new Error(`the bucket ${bucket} cannot be deleted: ${said}`)
  }

  /** While it is not running: what it stored is lost. */
  wipe(): void {
    rmSync(join(this.folder, 'jetstream'), { recursive: true, force: true })
  }
}

const configOf = (folder: string, port: number, { config = '', cluster }: NatsServerOptions): string =>
  [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(folder)}, max_file_store: 2GB, max_memory_store: 256MB }`,
    ...(cluster === undefined
      ? []
      : [
          `server_name: ${cluster.serverName}`,
          `cluster { name: weir, listen: "127.0.0.1:${cluster.port}", routes: ${JSON.stringify(cluster.routes)} }`
        ]),
    config
  ].join('\n')
