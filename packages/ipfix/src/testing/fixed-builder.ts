import { fixedFormats } from '../fixed-layouts.ts'
import { numberOctets } from './octets.ts'
import type { FixedVersion } from '../fixed-layouts.ts'

/** One flow of NetFlow v1, v5 or v7; what is left out is 0. Addresses are numbers. Times are sysUpTime milliseconds. */
export interface FixedFlow {
  readonly source?: number
  readonly destination?: number
  readonly nextHop?: number
  readonly input?: number
  readonly output?: number
  readonly packets?: number
  readonly octets?: number
  readonly firstMs?: number
  readonly lastMs?: number
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly tcpFlags?: number
  readonly protocol?: number
  readonly tos?: number
  readonly sourceAs?: number
  readonly destinationAs?: number
  readonly sourceMask?: number
  readonly destinationMask?: number
  /** v7: the router that the switch exports for. */
  readonly router?: number
}

/** Header of a fixed version; right where nothing is said. */
export interface FixedHeader {
  readonly version?: FixedVersion
  /** The count in the header, if it is to be wrong. */
  readonly count?: number
  readonly sysUpTimeMs?: number
  readonly exportTimeSec?: number
  readonly nanoseconds?: number
  readonly sequence?: number
  readonly engineType?: number
  readonly engineId?: number
  readonly sampling?: number
}

/** Build one NetFlow v1, v5 (default) or v7 datagram for tests. */
export function buildFixed(flows: readonly FixedFlow[], header: FixedHeader = {}): Uint8Array {
  const version = header.version ?? 5
  const octets = [
    ...numberOctets(version, 2),
    ...numberOctets(header.count ?? flows.length, 2),
    ...numberOctets(header.sysUpTimeMs ?? 3_600_000, 4),
    ...numberOctets(header.exportTimeSec ?? 1_700_000_000, 4),
    ...numberOctets(header.nanoseconds ?? 0, 4)
  ]
  if (version !== 1) {
    octets.push(...numberOctets(header.sequence ?? 0, 4))
    if (version === 7) octets.push(0, 0, 0, 0)
    else octets.push(header.engineType ?? 0, header.engineId ?? 0, ...numberOctets(header.sampling ?? 0, 2))
  }
  for (const flow of flows) octets.push(...flowOctets(flow, version))
  return Uint8Array.from(octets)
}

function flowOctets(flow: FixedFlow, version: FixedVersion): number[] {
  const four = [flow.source, flow.destination, flow.nextHop].flatMap(value => numberOctets(value ?? 0, 4))
  const common = [
    ...four,
    ...numberOctets(flow.input ?? 0, 2),
    ...numberOctets(flow.output ?? 0, 2),
    ...numberOctets(flow.packets ?? 1, 4),
    ...numberOctets(flow.octets ?? 100, 4),
    ...numberOctets(flow.firstMs ?? 0, 4),
    ...numberOctets(flow.lastMs ?? 0, 4),
    ...numberOctets(flow.sourcePort ?? 0, 2),
    ...numberOctets(flow.destinationPort ?? 0, 2)
  ]
  const { tcpFlags = 0, protocol = 0, tos = 0 } = flow
  if (version === 1) common.push(0, 0, protocol, tos, tcpFlags, ...Array<number>(7).fill(0))
  else {
    common.push(0, tcpFlags, protocol, tos, ...numberOctets(flow.sourceAs ?? 0, 2))
    common.push(...numberOctets(flow.destinationAs ?? 0, 2), flow.sourceMask ?? 0, flow.destinationMask ?? 0, 0, 0)
    if (version === 7) common.push(...numberOctets(flow.router ?? 0, 4))
  }
  if (common.length !== fixedFormats[version].recordOctets) throw new TypeError('the record has a wrong size')
  return common
}
