/** Where traffic goes to, or is listened for. */
export interface TrafficTarget {
  readonly transport: 'udp' | 'tcp'
  /** An address or a name, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}
