import type { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'
import { weir } from './weir-command.ts'

/** What arrived of what `weir generate` has sent, by the serial numbers in its records. */
export interface GroundTruth {
  /** Different records that arrived. */
  readonly unique: number
  /** Records that arrived more than once. */
  readonly duplicates: number
  /** Serial numbers below the highest that did not arrive. */
  readonly lost: number
  /** Messages that could not be read, Data Sets without a template, gaps of Weir's own sequence numbers. */
  readonly malformed: number
}

/** A downstream collector with a bitmap of all serial numbers: `weir receive --verify`. */
export interface Receiver {
  readonly url: string
  readonly child: Child
  /** Ends it and says what it has seen. */
  stop(): Promise<GroundTruth>
}

/** @param port - default: any. */
export async function startReceiver(transport: 'udp' | 'tcp', port?: number): Promise<Receiver> {
  const url = `${transport}://127.0.0.1:${port ?? (await freePort())}`
  const child = weir(['receive', '--listen', url, '--verify', '--json'])
  await child.waitForText(/listen|ready/i)
  const stop = async (): Promise<GroundTruth> => {
    child.kill('SIGTERM')
    await child.waitForEnd()
    return truthOf(child)
  }
  return { url, child, stop }
}

function truthOf(child: Child): GroundTruth {
  const line = child.stdout
    .trim()
    .split('\n')
    .findLast(text => text.startsWith('{'))
  if (line === undefined) throw new Error(`no result\n${child.said}`)
  return JSON.parse(line) as GroundTruth
}

export interface GeneratorSettings {
  readonly to: string
  readonly records: number
  readonly rate?: number
  readonly exporters?: number
  readonly seed?: number
}

/** A running `weir generate`. */
export function startGenerator({ to, records, rate, exporters, seed }: GeneratorSettings): Child {
  const optional = { '--rate': rate, '--exporters': exporters, '--seed': seed }
  const options = Object.entries(optional).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value)]
  )
  return weir(['generate', '--to', to, '--records', String(records), ...options])
}

/** Run `weir generate` to its end. */
export async function generate(settings: GeneratorSettings): Promise<void> {
  const child = startGenerator(settings)
  await until('weir generate has ended', () => child.hasEnded, 60_000)
  const { code } = await child.ended
  if (code !== 0) throw new Error(`weir generate ended with ${code}\n${child.said}`)
}
