import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Child, ChildExit } from './child.ts'
import { CoordinatorClient } from './coordinator-client.ts'
import { freePort } from './free-port.ts'
import { assertLedgerCloses } from './ledger.ts'
import type { PodLedger } from './ledger.ts'
import { descendantsOf, descendantWith, isAlive } from './process-tree.ts'
import { until } from './until.ts'
import { weir } from './weir-command.ts'

type Json = Readonly<Record<string, unknown>>
export type PodProcess = 'collector' | 'mediator' | 'coordinator' | 'front' | 'job-worker'

export interface WeirSettings {
  readonly destinations?: readonly Json[]
  /** Keys of `weir.yaml`, merged into sections over what the harness sets. */
  readonly config?: Json
  readonly env?: Readonly<Record<string, string>>
}

/** A whole Weir, started as an operator does: `weir up --config FILE`, on ports of its own, with a state folder of its own. */
export class RunningWeir {
  readonly folder: string
  /** UDP and TCP listener. */
  readonly port: number
  readonly api: CoordinatorClient
  readonly child: Child
  /** Health ports of collector and mediator: the coordinator knows only who is connected. */
  readonly #healthPorts: readonly number[]

  constructor(folder: string, port: number, api: CoordinatorClient, child: Child, healthPorts: readonly number[]) {
    this.folder = folder
    this.port = port
    this.api = api
    this.child = child
    this.#healthPorts = healthPorts
  }

  get udp(): string {
    return `udp://127.0.0.1:${this.port}`
  }

  get tcp(): string {
    return `tcp://127.0.0.1:${this.port}`
  }

  /** Pid of a process of the pod now; undefined while it is down. */
  pidOf(process: PodProcess): number | undefined {
    return descendantWith(this.child.pid, process)
  }

  /** Send a signal to one process of the pod. @returns its pid. */
  signal(name: PodProcess, signal: NodeJS.Signals): number {
    const pid = this.pidOf(name)
    if (pid === undefined) throw new Error(`there is no ${name} now\n${this.child.said}`)
    process.kill(pid, signal)
    return pid
  }

  /** One sample of a process's metrics, by name and labels as they are written; undefined if there is none. */
  async metric(name: 'collector' | 'mediator', sample: string): Promise<number | undefined> {
    const port = this.#healthPorts[name === 'collector' ? 0 : 1]
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const line = text.split('\n').find(each => each.startsWith(`${sample} `))
    return line === undefined ? undefined : Number(line.slice(sample.length + 1))
  }

  /** Kill one process with SIGKILL. @returns milliseconds until its successor runs. */
  async crash(name: PodProcess): Promise<number> {
    const startMs = performance.now()
    const old = this.signal(name, 'SIGKILL')
    await until(`${name} ${old} is dead`, () => !isAlive(old))
    await until(`${name} is restarted`, () => {
      const pid = this.pidOf(name)
      return pid !== undefined && pid !== old
    })
    return performance.now() - startMs
  }

  /** Kill all its processes at once with SIGKILL, as a pod's node goes down. */
  async killPod(): Promise<void> {
    const children = descendantsOf(this.child.pid)
    for (const pid of [this.child.pid, ...children]) process.kill(pid, 'SIGKILL')
    await this.child.waitForEnd()
    await until('all of the pod are dead', () => !children.some(isAlive))
  }

  /** Wait until all processes say that they are ready. */
  async waitUntilReady(deadlineMs = 20_000): Promise<void> {
    await until(
      'weir is ready',
      async () => {
        if (this.child.hasEnded) throw new Error(`weir up has ended\n${this.child.said}`)
        if ((await this.api.call('GET', '/readyz')).status !== 200) return false
        for (const port of this.#healthPorts) {
          if ((await fetch(`http://127.0.0.1:${port}/readyz`)).status !== 200) return false
        }
        return true
      },
      deadlineMs
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.child.said}`, { cause: error })
    })
  }

  /** The metrics of the collector, as Prometheus reads them. */
  async collectorMetrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#healthPorts[0]}/metrics`)).text()
  }

  /** Wait until the ledger is at rest and check it. */
  async checkLedger(options: Parameters<typeof assertLedgerCloses>[1] = {}): Promise<PodLedger> {
    return assertLedgerCloses(this.api, options)
  }

  /** End it as an operator does. @returns how it ended. */
  async stop(deadlineMs = 35_000): Promise<ChildExit> {
    if (!this.child.hasEnded) this.child.kill('SIGTERM')
    return this.child.waitForEnd(deadlineMs)
  }
}

/**
 * Start a Weir and wait until it is ready.
 *
 * @param folder - an existing folder; state and configuration go below it, so a second start with the same folder finds them.
 */
export async function startWeir(folder: string, settings: WeirSettings = {}): Promise<RunningWeir> {
  const port = await freePort()
  const weirIs = await launchWeir(folder, port, await freePort(), settings)
  await weirIs.waitUntilReady()
  return weirIs
}

/** Start a Weir on given ports; does not wait. */
export async function launchWeir(
  folder: string,
  port: number,
  apiPort: number,
  settings: WeirSettings = {}
): Promise<RunningWeir> {
  mkdirSync(folder, { recursive: true })
  const healthPorts = [await freePort(), await freePort()]
  const base = {
    stateDir: join(folder, 'var'),
    collector: {
      listeners: [
        { name: 'udp', transport: 'udp', port },
        { name: 'tcp', transport: 'tcp', port }
      ],
      http: { port: healthPorts[0] }
    },
    mediator: { http: { port: healthPorts[1] }, destinationPolicy: { folders: [folder] } },
    coordinator: { port: apiPort },
    // Test files run side by side and want all of the machine: idle jobs would wait for the last of them.
    front: isObject(settings.config?.front) ? { jobs: { priority: 'normal' } } : null,
    destinations: settings.destinations ?? []
  }
  const file = join(folder, 'weir.yaml')
  writeFileSync(file, JSON.stringify(merged(base, settings.config ?? {}), null, 2))
  const child = weir(['up', '--config', file], { cwd: folder, env: settings.env })
  return new RunningWeir(folder, port, new CoordinatorClient(apiPort), child, healthPorts)
}

function merged(one: Json, other: Json): Json {
  const result: Record<string, unknown> = { ...one }
  for (const [key, value] of Object.entries(other)) {
    result[key] = isObject(value) && isObject(result[key]) ? merged(result[key] as Json, value) : value
  }
  return result
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
