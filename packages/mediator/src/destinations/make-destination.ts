import { parseEndpoint } from '@weir/config'
import { parseFilter } from '@weir/mediation'
import { InvariantError } from '@weir/runtime'
import { isIPv4 } from 'node:net'
import { dirname } from 'node:path'
import { FileOutput } from '../outputs/file-output.ts'
import { ipfixFileNaming, lineFileNaming } from '../outputs/file-naming.ts'
import { StreamOutput } from '../outputs/stream-output.ts'
import { TcpOutput } from '../outputs/tcp-output.ts'
import { UdpOutput } from '../outputs/udp-output.ts'
import { JsonEncoder } from './json-encoder.ts'
import { IpfixEncoder } from './ipfix/ipfix-encoder.ts'
import type {
  Destination as DestinationConfig,
  Endpoint,
  IpfixDestination,
  JsonDestination,
  PlanConfig
} from '@weir/config'
import type { AddressCheck, IpfixFileDestination, PathCheck, TargetPolicy } from '@weir/config'
import type { ElementRegistry } from '@weir/ipfix'
import type { Plan } from '@weir/mediation'
import type { Clock, Log } from '@weir/runtime'
import type { Writable } from 'node:stream'
import type { Lookup } from '../outputs/guarded-lookup.ts'
import type { ProbeTarget } from '../outputs/probe.ts'
import type { Programs } from '../programs.ts'
import type { MakeSegmentSender } from '../outputs/udp-output.ts'
import type { DestinationParts, MakeParts } from './destination-parts.ts'
import type { Encoder, OnDefect } from './encoder.ts'
import type { IpfixEncoderConfig } from './ipfix/ipfix-encoder-config.ts'
import type { Output, OutputEvents } from './output.ts'

export interface PartsDeps {
  readonly clock: Clock
  readonly log: Log
  /** Plan of all destinations, before their own changes. */
  readonly plan: PlanConfig
  /** What names in filters mean. */
  readonly registry: ElementRegistry
  /** Programs of a Plan. */
  readonly programsFor: (plan: Plan) => Programs
  /** Loaded at start; undefined where datagrams go out one by one. */
  readonly segmentSender: () => MakeSegmentSender | undefined
  readonly stdout: Writable
  readonly maxTemplates: number
  /** Where they may send to; without it anywhere. */
  readonly targets?: TargetPolicy
  /** Default `lookup` of node:dns. */
  readonly lookup?: Lookup
}

const IPFIX_PORT = 4_739
/** RFC 7011 §10.3.3: with the path's MTU unknown, IP packets of at most 512 octets. */
const UDP_IPV4_OCTETS = 484
const UDP_IPV6_OCTETS = 464
const TCP_MESSAGE_OCTETS = 16_384
const FILE_MESSAGE_OCTETS = 65_535
const LONGEST_DATAGRAM_OCTETS = 65_507
const LONGEST_MESSAGE_OCTETS = 65_535
const SEND_BUFFER_OCTETS = 4_194_304
const TEMPLATE_IDLE_MS = 3_600_000

/** Reads a checked destination and makes its encoder and output. Nothing is opened. */
export function partsMaker(config: DestinationConfig, deps: PartsDeps): MakeParts {
  return events => {
    switch (config.type) {
      case 'ipfix':
        return ipfixParts(config, deps, events)
      case 'json':
        return jsonParts(config, deps, events)
      case 'ipfix-file':
        return ipfixFileParts(config, deps, events)
    }
  }
}

/** Let a running encoder take a configuration with the same output over. */
export function configureEncoder(encoder: Encoder, config: DestinationConfig, deps: PartsDeps): void {
  const programs = deps.programsFor(planOf(config, deps))
  if (encoder instanceof JsonEncoder && config.type === 'json') encoder.configure(programs)
  else if (encoder instanceof IpfixEncoder && config.type !== 'json') {
    const encoderConfig = config.type === 'ipfix' ? messageConfig(config, deps) : fileConfig(config, deps)
    encoder.configure(encoderConfig, programs)
  }
}

/** What has to be tried to know whether a destination can be reached. */
export function probeTargetOf(config: DestinationConfig): ProbeTarget {
  if (config.type === 'ipfix-file') {
    const { openPath } = ipfixFileNaming(config.path)
    return { kind: 'file', path: dirname(openPath(0)), isFolder: true }
  }
  if (config.type === 'json' && config.target === 'stdout') return { kind: 'stream' }
  if (config.type === 'json' && config.target.startsWith('file:')) {
    return { kind: 'file', path: config.target.slice('file:'.length), isFolder: false }
  }
  const { scheme, host, port } =
    config.type === 'json'
      ? endpointOf(config.target, ['tcp'], undefined)
      : endpointOf(config.url, ['udp', 'tcp'], IPFIX_PORT)
  return { kind: scheme === 'udp' ? 'udp' : 'tcp', host, port }
}

/** What the policy says of that. */
export function targetCheckOf(
  config: DestinationConfig,
  target: ProbeTarget,
  targets: TargetPolicy | undefined
): AddressCheck | PathCheck {
  if (target.kind === 'stream') return undefined
  if (target.kind !== 'file') return targets?.checkOf(target.host, target.port)
  return targets?.fileCheckOf(config.type === 'ipfix-file' ? config.path : target.path)
}

const defectLog =
  (id: string, log: Log): OnDefect =>
  error =>
    log.error('encode_failed', `records for ${id} could not be encoded`, { destination: id, error })

/** What a checked destination wants of the records. */
export function planOf(config: DestinationConfig, deps: PartsDeps): Plan {
  const filter = config.filter === null ? undefined : parseFilter(config.filter, deps.registry)
  const plan = { ...deps.plan, ...config.plan, filter }
  return config.type === 'json' ? { kind: 'json', ...plan, numbers64: config.numbers64 } : { kind: 'ipfix', ...plan }
}

function messageConfig(config: IpfixDestination, deps: PartsDeps): IpfixEncoderConfig {
  const { host, scheme } = endpointOf(config.url, ['udp', 'tcp'], IPFIX_PORT)
  const isUdp = scheme === 'udp'
  const shortOctets = isIPv4(host) ? UDP_IPV4_OCTETS : UDP_IPV6_OCTETS
  const longestOctets = isUdp ? LONGEST_DATAGRAM_OCTETS : LONGEST_MESSAGE_OCTETS
  return {
    transport: isUdp ? 'udp' : 'tcp',
    observationDomainId: config.observationDomainId,
    maxMessageOctets: Math.min(config.maxMessageOctets ?? (isUdp ? shortOctets : TCP_MESSAGE_OCTETS), longestOctets),
    longestMessageOctets: longestOctets,
    templateCopies: config.templateCopies,
    templateRefreshMs: config.templateRefreshSec * 1000,
    optionsRefreshMs: config.optionsRefreshSec * 1000,
    templateIdleMs: TEMPLATE_IDLE_MS,
    maxTemplates: deps.maxTemplates
  }
}

function fileConfig(config: IpfixFileDestination, deps: PartsDeps): IpfixEncoderConfig {
  return {
    transport: 'file',
    observationDomainId: config.observationDomainId,
    maxMessageOctets: config.maxMessageOctets ?? FILE_MESSAGE_OCTETS,
    longestMessageOctets: LONGEST_MESSAGE_OCTETS,
    templateCopies: 1,
    templateRefreshMs: Number.POSITIVE_INFINITY,
    optionsRefreshMs: Number.POSITIVE_INFINITY,
    templateIdleMs: TEMPLATE_IDLE_MS,
    maxTemplates: deps.maxTemplates
  }
}

function ipfixParts(config: IpfixDestination, deps: PartsDeps, events: OutputEvents): DestinationParts {
  const endpoint = endpointOf(config.url, ['udp', 'tcp'], IPFIX_PORT)
  const isUdp = endpoint.scheme === 'udp'
  const encoder = new IpfixEncoder(
    messageConfig(config, deps),
    deps.programsFor(planOf(config, deps)),
    deps.clock,
    defectLog(config.id, deps.log)
  )
  const isSegmenting = config.socket !== 'dgram'
  const outputDeps = { ...deps, events, allows: deps.targets?.checkOf(endpoint.host, endpoint.port) }
  const output: Output = isUdp
    ? new UdpOutput(
        { ...endpoint, ...config, sendBufferOctets: SEND_BUFFER_OCTETS },
        outputDeps,
        isSegmenting ? deps.segmentSender() : undefined
      )
    : new TcpOutput({ ...endpoint, ...config }, outputDeps)
  return { encoder, output }
}

function jsonParts(config: JsonDestination, deps: PartsDeps, events: OutputEvents): DestinationParts {
  const encoder = new JsonEncoder(deps.programsFor(planOf(config, deps)), deps.clock, defectLog(config.id, deps.log))
  return { encoder, output: jsonOutput(config, deps, events) }
}

function jsonOutput(config: JsonDestination, deps: PartsDeps, events: OutputEvents): Output {
  const { target, rotate } = config
  const outputDeps = { ...deps, events }
  if (target === 'stdout') return new StreamOutput(deps.stdout, outputDeps)
  if (!target.startsWith('file:')) {
    const endpoint = endpointOf(target, ['tcp'], undefined)
    const allows = deps.targets?.checkOf(endpoint.host, endpoint.port)
    return new TcpOutput({ ...endpoint, ...config }, { ...outputDeps, allows })
  }
  const path = target.slice('file:'.length)
  return new FileOutput(
    {
      naming: lineFileNaming(path, () => deps.clock.nowMs()),
      target,
      rotateOctets: rotate.octets,
      rotateSeconds: rotate.seconds,
      keep: rotate.keep,
      allows: deps.targets?.fileCheckOf(path)
    },
    outputDeps
  )
}

function ipfixFileParts(config: IpfixFileDestination, deps: PartsDeps, events: OutputEvents): DestinationParts {
  const { rotate } = config
  const encoder = new IpfixEncoder(
    fileConfig(config, deps),
    deps.programsFor(planOf(config, deps)),
    deps.clock,
    defectLog(config.id, deps.log)
  )
  const output = new FileOutput(
    {
      naming: ipfixFileNaming(config.path),
      target: `file:${config.path}`,
      rotateOctets: rotate.octets,
      rotateSeconds: rotate.seconds,
      keep: rotate.keep,
      allows: deps.targets?.fileCheckOf(config.path)
    },
    { ...deps, events }
  )
  return { encoder, output }
}

function endpointOf(url: string, schemes: readonly string[], defaultPort: number | undefined): Endpoint {
  const endpoint = parseEndpoint(url, schemes, defaultPort)
  if (typeof endpoint === 'string') throw new InvariantError(`a destination was not checked: ${endpoint}`, { url })
  return endpoint
}
