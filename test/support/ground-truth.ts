import type { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { tcpConnectionsOn, udpSocketsOn } from './socket-table.ts'
import { atRest, until } from './until.ts'
import { weir } from './weir-command.ts'

/** What arrived of what `weir generate` has sent, by the serial numbers in its records. */
export interface GroundTruth {
  /** Different records that arrived. */
  readonly unique: number
  /** Records that arrived more than once. */
  readonly duplicates: number
  /** Serial numbers below the highest that did not arrive. */
  readonly lost: number
  /** Messages that could not be read, Data Sets without a template, records without a serial number. */
  readonly malformed: number
  /** Connections that were taken, or addresses and ports that datagrams came from. */
  readonly sessions: number
}

/** A downstream collector with a bitmap of all serial numbers: `weir receive --verify`. */
export interface Receiver {
  readonly url: string
  readonly child: Child
  /** Ends it when it has read all that was sent to it (TCP: when the connections are closed), and says what it has seen. */
  stop(): Promise<GroundTruth>
}

/** @param port - default: any. */
export async function startReceiver(transport: 'udp' | 'tcp', port?: number): Promise<Receiver> {
  const at = port ?? (await freePort())
  const url = `${transport}://127.0.0.1:${at}`
  const child = weir(['receive', '--listen', url, '--verify', '--format', 'none'])
  await child.waitForText('listening on')
  const stop = async (): Promise<GroundTruth> => {
    if (transport === 'tcp') await until(`all is read at ${url}`, () => tcpConnectionsOn(at) === 0)
    else await atRest(`the queue of ${url}`, () => udpSocketsOn(at)[0]?.queuedOctets ?? 0, 200)
    child.kill('SIGTERM')
    await child.waitForEnd()
    return truthOf(child)
  }
  return { url, child, stop }
}

interface Report {
  readonly sessions: number
  readonly malformedMessages: number
  readonly unknownTemplateSets: number
  readonly truth: {
    readonly unique: number
    readonly duplicates: number
    readonly missing: number
    readonly without: number
  }
}

function truthOf(child: Child): GroundTruth {
  const line = child.stdout
    .trim()
    .split('\n')
    .findLast(text => text.startsWith('{'))
  if (line === undefined) throw new Error(`no result\n${child.said}`)
  const { truth, sessions, malformedMessages, unknownTemplateSets } = JSON.parse(line) as Report
  const { unique, duplicates, missing, without } = truth
  return { unique, duplicates, lost: missing, malformed: malformedMessages + unknownTemplateSets + without, sessions }
}

export interface GeneratorSettings {
  readonly to: string
  /** 0 = until it is stopped. */
  readonly records: number
  readonly rate?: number
  readonly exporters?: number
  readonly templates?: number
  readonly seed?: number
  readonly version?: 9 | 10
  /** Of the first exporter; the others follow. */
  readonly generatorId?: number
  /** Over UDP templates are repeated so often. */
  readonly templateRefreshSec?: number
}

/** A running `weir generate`. */
export function startGenerator({ to, records, ...others }: GeneratorSettings): Child {
  const optional = {
    '--rate': others.rate,
    '--exporters': others.exporters,
    '--templates': others.templates,
    '--seed': others.seed,
    '--version': others.version,
    '--generator-id': others.generatorId,
    '--template-refresh': others.templateRefreshSec
  }
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
