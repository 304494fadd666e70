/** How a payload begins: the protocol that its first octets announce, or undefined. */
export type FlowExportKind = 'netflow' | 'ipfix' | 'sflow'

const SFLOW_VERSION = 5
const NETFLOW_VERSIONS: ReadonlySet<number> = new Set([1, 5, 7, 9])
const IPFIX_VERSION = 10

/**
 * What a UDP payload is by its version: NetFlow 1, 5, 7, 9 and IPFIX 10 in the first two octets, sFlow 5 in the first
 * four. Says nothing of the rest.
 */
export function flowExportKind(octets: Uint8Array): FlowExportKind | undefined {
  if (octets.length < 4) return undefined
  const version = (octets[0] << 8) | octets[1]
  if (version === IPFIX_VERSION) return 'ipfix'
  if (NETFLOW_VERSIONS.has(version)) return 'netflow'
  return version === 0 && ((octets[2] << 8) | octets[3]) === SFLOW_VERSION ? 'sflow' : undefined
}
