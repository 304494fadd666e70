import { join } from 'node:path'
import type { TaskSurroundings } from '../task-surroundings.ts'
import type { SandboxDestination } from './replay-params.ts'

/** Exporters of a recording get addresses of this block, one each: the kernel lets nobody send from their own. */
const STAND_INS = '127.64.0.0/10'

/** Of the nth exporter, from 1. */
export const standInOf = (number: number): string =>
  `127.${64 + ((number >> 16) & 63)}.${(number >> 8) & 255}.${number & 255}`

const HOME = '127.0.0.1'
export const DESTINATION_ID = 'replay'

export interface SandboxFolders {
  /** Everything that goes with it. */
  readonly run: string
  readonly output: string
}

/** The configuration of a pipeline with one destination, whose files go to a folder; nobody else can send to it or steer it from afar. */
export function sandboxDocument(
  destination: SandboxDestination,
  { run, output }: SandboxFolders,
  { pipeline }: TaskSurroundings
): object {
  return {
    stateDir: join(run, 'state'),
    runDir: run,
    log: { level: 'warn' },
    collector: {
      ...pipeline.collector,
      listeners: [
        { name: 'udp', transport: 'udp', address: HOME, port: 0 },
        { name: 'tcp', transport: 'tcp', address: HOME, port: 0 }
      ],
      allow: [STAND_INS],
      // The templates of the recording, and no others.
      templateStore: 'memory',
      http: null
    },
    mediator: { plan: pipeline.mediator.plan, http: null },
    coordinator: { address: HOME, port: 0 },
    front: null,
    destinations: [{ ...destination, ...placeOf(destination, output), id: DESTINATION_ID, queue: { policy: 'block' } }]
  }
}

const inOneFile = { rotate: { octets: null, seconds: null } }

const placeOf = ({ type }: SandboxDestination, folder: string): object =>
  type === 'json'
    ? { target: `file:${join(folder, 'flows.ndjson')}`, ...inOneFile }
    : { path: join(folder, 'flows.ipfix'), ...inOneFile }
