/** Bounds of the protocol layer; each is a configuration key. The numbers L-nn are those of the limits page. */
export interface ProtocolLimits {
  /** L-01: longest UDP datagram taken, octets (the IPv4 payload; a Message is 65535 at most anyway). */
  readonly datagramOctets: number
  /** L-04: Observation Domains of one Transport Session. Kept by the owner of the {@link TemplateScope}. */
  readonly domainsPerSession: number
  /** L-10: Templates of one (session, Observation Domain). */
  readonly templatesPerDomain: number
  /** L-11: Templates of one exporter address. */
  readonly templatesPerExporter: number
  /** L-12: Templates in all, and the heap octets they are estimated to take. */
  readonly templatesTotal: number
  readonly templateOctetsTotal: number
  /** L-13: fields of one Template, and octets of Template Records of one (session, Observation Domain). */
  readonly fieldsPerTemplate: number
  readonly templateOctetsPerDomain: number
  /** A template with data within this time is evicted only when no other is left (TH-09). */
  readonly templateIdleMs: number
  /** L-15: lifetime of a UDP template until two refreshes have been seen. */
  readonly templateLifetimeMs: number
  /** L-15: afterwards 3 times the longest interval observed, but at least this. */
  readonly templateLifetimeLeastMs: number
  /** L-15: bounds of any lifetime. */
  readonly templateLifetimeMinMs: number
  readonly templateLifetimeMaxMs: number
  /** L-15: fixed lifetime instead of the rule, or 0. */
  readonly templateLifetimeFixedMs: number
  /** L-16: options records kept per session. */
  readonly optionsRecordsPerSession: number
  /** L-20: values (records times fields) of one Message. */
  readonly valuesPerMessage: number
}

/** The defaults of {@link ProtocolLimits}. */
export const defaultLimits: ProtocolLimits = Object.freeze({
  datagramOctets: 65507,
  domainsPerSession: 256,
  templatesPerDomain: 1024,
  templatesPerExporter: 4096,
  templatesTotal: 200_000,
  templateOctetsTotal: 64 * 1024 * 1024,
  fieldsPerTemplate: 16_384,
  templateOctetsPerDomain: 1024 * 1024,
  templateIdleMs: 60_000,
  templateLifetimeMs: 3_600_000,
  templateLifetimeLeastMs: 1_800_000,
  templateLifetimeMinMs: 180_000,
  templateLifetimeMaxMs: 3 * 86_400_000,
  templateLifetimeFixedMs: 0,
  optionsRecordsPerSession: 4096,
  valuesPerMessage: 65_536
})
