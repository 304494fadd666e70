export interface IpfixEncoderConfig {
  readonly transport: 'udp' | 'tcp' | 'file'
  /** One Observation Domain for all, or that of each source. */
  readonly observationDomainId: number | 'preserve'
  /** Messages grow to this and no further, unless one record alone is longer. */
  readonly maxMessageOctets: number
  /** The longest Message that the transport can carry at all: 65,507 over UDP. */
  readonly longestMessageOctets: number
  /** UDP: how often a new template is sent at first (RFC 7011 §8.4). */
  readonly templateCopies: number
  /** UDP: ms between announcements of a template. */
  readonly templateRefreshMs: number
  /** UDP: the same for options templates and options records. */
  readonly optionsRefreshMs: number
  /** A template unused for so long is withdrawn (TCP) or resent no more (UDP). */
  readonly templateIdleMs: number
  /** Templates kept of one Observation Domain; above it the one unused for longest goes. */
  readonly maxTemplates: number
}
