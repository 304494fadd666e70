/** Where Data Set entries come from: announced once on the link, then named by its id. Immutable. */
export interface Source {
  /** Small integer, unique within the sender's epoch; starts at 1. */
  readonly id: number
  readonly transport: 'udp' | 'tcp' | 'file'
  /** Wire version: 1, 5, 7, 9 or 10. */
  readonly version: number
  /** The exporter's address, 16 octets; IPv4 in the first four. */
  readonly address: Uint8Array
  readonly isIPv6: boolean
  readonly port: number
  readonly odid: number
  /** The v5 header's sampling field, or -1. */
  readonly v5Sampling: number
  /** Stable name of the exporter in the API, e.g. `192.0.2.1`. */
  readonly exporterId: string
}
