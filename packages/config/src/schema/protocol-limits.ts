import { GIB, KIB, MIB, wholeNumber } from './keys.ts'

const evictsIdle = 'the template idle for longest is evicted; if none is idle the new one is refused (template_limit)'

/** The bounds of the protocol layer: the same keys as `ProtocolLimits` of @weir/ipfix. */
export const protocolLimits = {
  datagramOctets: wholeNumber({
    default: 65507,
    minimum: 512,
    maximum: 65535,
    unit: 'octets',
    limit: 'L-01',
    description: 'Longest UDP datagram taken; the default is the most that IPv4 carries.',
    whenReached: 'the datagram is dropped (oversize)'
  }),
  domainsPerSession: wholeNumber({
    default: 256,
    minimum: 1,
    maximum: 65536,
    limit: 'L-04',
    description: 'Observation Domains of one Transport Session; real exporters have a handful.',
    whenReached: 'Messages of further domains are dropped (session_limit)'
  }),
  templatesPerDomain: wholeNumber({
    default: 1024,
    minimum: 1,
    maximum: 65280,
    limit: 'L-10',
    description: 'Templates of one session and Observation Domain; real exporters stay under 100.',
    whenReached: evictsIdle
  }),
  templatesPerExporter: wholeNumber({
    default: 4096,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-11',
    description: 'Templates of one exporter address, so that one exporter cannot take the room of all.',
    whenReached: evictsIdle
  }),
  templatesTotal: wholeNumber({
    default: 200_000,
    minimum: 1,
    maximum: 10_000_000,
    limit: 'L-12',
    description: 'Templates of all exporters together.',
    whenReached: evictsIdle
  }),
  templateOctetsTotal: wholeNumber({
    default: 64 * MIB,
    minimum: MIB,
    maximum: 16 * GIB,
    unit: 'octets',
    limit: 'L-12',
    description: 'Memory that the templates of all exporters are estimated to take.',
    memory: '64 MiB',
    whenReached: evictsIdle
  }),
  fieldsPerTemplate: wholeNumber({
    default: 16_384,
    minimum: 1,
    maximum: 16_384,
    limit: 'L-13',
    description: 'Fields of one Template; the default is all that fits in a Message.',
    whenReached: 'the Template is rejected (template_rejected); an earlier one of its id stays'
  }),
  templateOctetsPerDomain: wholeNumber({
    default: MIB,
    minimum: 4 * KIB,
    maximum: GIB,
    unit: 'octets',
    limit: 'L-13',
    description: 'Octets of the Template Records of one session and Observation Domain.',
    memory: '1 MiB per session and domain, within L-12',
    whenReached: 'the Template is rejected (template_rejected)'
  }),
  templateIdleMs: wholeNumber({
    default: 60_000,
    minimum: 0,
    maximum: 86_400_000,
    unit: 'ms',
    limit: 'L-10',
    description: 'A Template with data within this time is evicted only when no other is left.'
  }),
  templateLifetimeMs: wholeNumber({
    default: 3_600_000,
    minimum: 1_000,
    maximum: 30 * 86_400_000,
    unit: 'ms',
    limit: 'L-15',
    description: 'Lifetime of a UDP Template until two refreshes have been seen (RFC 5153 §6.2).',
    whenReached: 'the Template expires; its data waits for the next one, then is dropped (unknown_template)'
  }),
  templateLifetimeLeastMs: wholeNumber({
    default: 1_800_000,
    minimum: 1_000,
    maximum: 30 * 86_400_000,
    unit: 'ms',
    limit: 'L-15',
    description: 'Afterwards: three times the longest interval observed, at least this (RFC 6728 has 1,800 s).'
  }),
  templateLifetimeMinMs: wholeNumber({
    default: 180_000,
    minimum: 1_000,
    maximum: 30 * 86_400_000,
    unit: 'ms',
    limit: 'L-15',
    description: 'No lifetime is shorter than this.'
  }),
  templateLifetimeMaxMs: wholeNumber({
    default: 3 * 86_400_000,
    minimum: 1_000,
    maximum: 30 * 86_400_000,
    unit: 'ms',
    limit: 'L-15',
    description: 'No lifetime is longer than this.'
  }),
  templateLifetimeFixedMs: wholeNumber({
    default: 0,
    minimum: 0,
    maximum: 30 * 86_400_000,
    unit: 'ms',
    limit: 'L-15',
    description: 'One lifetime for all UDP Templates instead of the rule above; 0 = the rule.'
  }),
  optionsRecordsPerSession: wholeNumber({
    default: 4096,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-16',
    description: 'Options records (sampling rates, names) kept per session, the last of each scope.',
    whenReached: 'the one unused for longest is forgotten'
  }),
  valuesPerMessage: wholeNumber({
    default: 65_536,
    minimum: 1_024,
    maximum: 16_777_216,
    limit: 'L-20',
    description: 'Values (records times fields) of one Message, against Messages of very many tiny records.',
    whenReached: 'the Message is dropped (value_budget)'
  })
}
