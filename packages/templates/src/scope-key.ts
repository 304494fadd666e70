/**
 * Whose templates these are: the key under which one Transport Session's templates live in a store.
 *
 * UDP, IPFIX and NetFlow v9: address, source port, listener; without the port where the policy is the address, and for what
 * several ports of one address share (decision 0003). The Observation Domain (or Source ID) is beside the key in every entry. The listener's name stands for our own address, so that replicas behind one virtual
 * address agree. TCP: the connection; such entries are for inspection and never decode (RFC 7011 §8).
 *
 * @param version - wire version of the session: 9 or 10.
 * @param port - source port; 0 if it is not part of the session's identity.
 * @returns e.g. `udp/10/ipfix-udp/192.0.2.1/49152`
 */
export function udpScope(version: number, listener: string, address: string, port: number): string {
  return port === 0 ? `udp/${version}/${listener}/${address}` : `udp/${version}/${listener}/${address}/${port}`
}

/** @param connectionId - unique within all runs of the collector, so that no later connection finds these entries. */
export function tcpScope(listener: string, address: string, port: number, connectionId: string): string {
  return `tcp/10/${listener}/${address}/${port}/${connectionId}`
}

/**
 * What an exporter said in its last TCP session, for those that wrongly say it no more after they have connected again.
 * Read only where the operator allows it for that exporter.
 */
export function lastTcpScope(listener: string, address: string): string {
  return `last/tcp/10/${listener}/${address}`
}

/** True if a later session with this scope may decode by what is stored under it (never over TCP: RFC 7011 §8). */
export const isRestorable = (scope: string): boolean => scope.startsWith('udp/')
