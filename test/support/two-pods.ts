import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { launchWeir, type RunningWeir } from './running-weir.ts'
import { freePort } from './free-port.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'
import { weir } from './weir-command.ts'

/** One of several Weirs with one shared store, each with a state folder and a downstream collector of its own (`weir receive`). */
export interface Pod {
  readonly weir: RunningWeir
  /** Records as the downstream collector was sent them, in order. */
  records(): Record<string, unknown>[]
}

/** How a store is named in `weir.yaml`. */
export type SharedStore = Readonly<Record<string, unknown>>

/** Start a pod and wait until it is ready. All have listeners of the same names, as replicas do. */
export async function startPod(name: string, store: SharedStore): Promise<Pod> {
  const port = await freePort()
  const downstream = weir(['receive', '--listen', `tcp://127.0.0.1:${port}`])
  await until('the downstream collector listens', () => isTaken(port))
  const folder = join(tempFolder(`pod-${name}`), name)
  const pod = await launchWeir(folder, await freePort(), await freePort(), {
    destinations: [{ id: 'down', type: 'ipfix', url: `tcp://127.0.0.1:${port}`, reconnectMinMs: 100 }],
    config: { stores: { templates: store } }
  })
  await pod.waitUntilReady()
  return { weir: pod, records: () => recordsOf(downstream.stdout) }
}

function recordsOf(text: string): Record<string, unknown>[] {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>)
}

async function isTaken(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isConnected = await new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  return isConnected
}

/** An exporter with one source port, whatever pod its datagrams are sent to: as a load balancer without affinity does. */
export class RoamingExporter {
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async open(): Promise<RoamingExporter> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1').unref()
    await once(socket, 'listening')
    return new RoamingExporter(socket)
  }

  async send(pod: Pod, ...messages: readonly Uint8Array[]): Promise<void> {
    for (const octets of messages) {
      await new Promise<void>((resolve, reject) =>
        this.#socket.send(octets, pod.weir.port, '127.0.0.1', error =>
          error === null || error === undefined ? resolve() : reject(error)
        )
      )
    }
  }

  close(): void {
    this.#socket.close()
  }
}
