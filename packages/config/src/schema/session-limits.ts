import { GIB, MIB, wholeNumber } from './keys.ts'

/** The bounds of sessions, connections and of what waits for its template. */
export const sessionLimits = {
  udpSessions: wholeNumber({
    default: 50_000,
    minimum: 1,
    maximum: 5_000_000,
    limit: 'L-02',
    description: 'UDP sessions (source address and port at one listener) in all.',
    memory: 'about 2 KiB each',
    whenReached: 'an unverified session makes room; else the datagram is dropped (session_limit)'
  }),
  udpUnverifiedSessions: wholeNumber({
    default: 8_192,
    minimum: 1,
    maximum: 5_000_000,
    limit: 'L-02',
    description: 'UDP sessions that have not yet sent a Template or decodable data: what a spoofed source can make.',
    whenReached: 'the unverified session idle for longest is evicted; verified ones never'
  }),
  udpNewSessionsPerSec: wholeNumber({
    default: 1_000,
    minimum: 1,
    maximum: 1_000_000,
    unit: 'per second',
    limit: 'L-02',
    description: 'New UDP sessions per second.',
    whenReached: 'the datagram is dropped (session_limit)'
  }),
  udpSessionIdleMs: wholeNumber({
    default: 7_200_000,
    minimum: 1_000,
    maximum: 30 * 86_400_000,
    unit: 'ms',
    limit: 'L-03',
    description: 'A UDP session without datagrams for so long is forgotten; twice the initial template lifetime.'
  }),
  rememberedOctetsTotal: wholeNumber({
    default: 64 * MIB,
    minimum: 64 * 1024,
    maximum: 64 * GIB,
    unit: 'octets',
    limit: 'L-12',
    description: 'What stores know of exporters that have not been seen since the start.',
    memory: '64 MiB, 200 octets for a template: 10,000 exporters of 20 templates take 43 MiB',
    whenReached: 'the exporters seen least lately are not remembered; the shared store is asked when they come'
  }),
  unverifiedReadsPerSec: wholeNumber({
    default: 200,
    minimum: 0,
    maximum: 1_000_000,
    unit: 'per second',
    limit: 'L-02',
    description:
      'UDP sessions not verified yet that the shared store is asked for; forged sources must not make a flood of reads.',
    whenReached: 'the store is asked when the session is verified, with its third valid Message'
  }),
  tcpConnections: wholeNumber({
    default: 4_096,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-05',
    description: 'TCP connections in all.',
    memory: 'about 64 KiB each while a Message is incomplete',
    whenReached: 'the new connection is reset'
  }),
  tcpConnectionsPerAddress: wholeNumber({
    default: 64,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-05',
    description: 'TCP connections of one exporter address.',
    whenReached: 'the new connection is reset'
  }),
  tcpAcceptsPerSec: wholeNumber({
    default: 200,
    minimum: 1,
    maximum: 1_000_000,
    unit: 'per second',
    limit: 'L-06',
    description:
      'TCP connections accepted per second, so that a storm of reconnects does not starve those that are up.',
    whenReached: 'accepting waits'
  }),
  tcpFirstHeaderMs: wholeNumber({
    default: 10_000,
    minimum: 100,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-07',
    description: 'Time for the first Message header of a connection.',
    whenReached: 'the connection is reset (timeout_header)'
  }),
  tcpPartialMessageMs: wholeNumber({
    default: 30_000,
    minimum: 100,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-07',
    description: 'Time from the first octet of a Message to its last.',
    whenReached: 'the connection is reset (timeout_partial)'
  }),
  tcpMalformedMessages: wholeNumber({
    default: 3,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-08',
    description: 'Malformed Messages in a row on one connection; with strict: true the first one is enough.',
    whenReached: 'the connection is closed'
  }),
  udpMalformedDatagrams: wholeNumber({
    default: 100,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-09',
    description: 'Malformed datagrams of one source within udpMalformedWindowMs.',
    whenReached: 'datagrams of that source are dropped for udpPenaltyMs (penalty)'
  }),
  udpMalformedWindowMs: wholeNumber({
    default: 10_000,
    minimum: 100,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-09',
    description: 'The time over which malformed datagrams of a source are counted.'
  }),
  udpPenaltyMs: wholeNumber({
    default: 60_000,
    minimum: 0,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-09',
    description: 'How long a source that sends malformed datagrams is not listened to.'
  }),
  relayedExportersPerDomain: wholeNumber({
    default: 1_024,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-17',
    description:
      'Exporters that one Observation Domain of a sender relays for (`collector.exporters` with scope element:130, 131 or 403).',
    memory: '1 KiB each, and their options state in the mediator',
    whenReached:
      'records of another one go on under the name of the sender; the one not heard for longest, a minute at least, makes room'
  }),
  relayedExportersTotal: wholeNumber({
    default: 65_536,
    minimum: 1,
    maximum: 10_000_000,
    limit: 'L-17',
    description: 'The same of all senders.',
    whenReached: 'as above'
  }),
  pendingMs: wholeNumber({
    default: 30_000,
    minimum: 0,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-30',
    description:
      'How long a Data Set waits for its Template in memory, where it cannot wait in the spool or in a shared store.',
    whenReached: 'the Data Set is dropped (pending_expired)'
  }),
  pendingSetsPerSession: wholeNumber({
    default: 256,
    minimum: 0,
    maximum: 1_000_000,
    limit: 'L-31',
    description: 'Data Sets of one session that wait for a Template in memory.',
    whenReached: 'they go to the spool at once; else the oldest is dropped (pending_evicted)'
  }),
  pendingOctetsTotal: wholeNumber({
    default: 64 * MIB,
    minimum: 0,
    maximum: 16 * GIB,
    unit: 'octets',
    limit: 'L-32',
    description: 'Octets of all Data Sets that wait for a Template in memory.',
    memory: '64 MiB',
    whenReached: 'the oldest is dropped (pending_evicted)'
  }),
  pendingTemplateIdsPerSession: wholeNumber({
    default: 256,
    minimum: 0,
    maximum: 65_280,
    limit: 'L-33',
    description: 'Different unknown template ids of one session for which Data Sets wait.',
    whenReached: 'the oldest is dropped (pending_evicted)'
  }),
  pendingKeepMs: wholeNumber({
    default: 1_800_000,
    minimum: 0,
    maximum: 7 * 86_400_000,
    unit: 'ms',
    limit: 'L-34',
    description:
      'How long a Data Set waits for its Template in the spool; half an hour, because that is how often exporters announce their Templates at the latest by default.',
    whenReached: 'the Data Set is dropped (pending_expired)'
  }),
  pendingSpoolOctets: wholeNumber({
    default: 256 * MIB,
    minimum: 0,
    maximum: 1024 * GIB,
    unit: 'octets',
    limit: 'L-35',
    description:
      'Octets of all Data Sets that wait in the spool, a file under stateDir for each worker; 0, or `templateStore: memory`, for no spool.',
    memory: 'on disk',
    whenReached: 'Data Sets stay in memory, within its bounds'
  }),
  pendingSpoolOctetsPerDomain: wholeNumber({
    default: 32 * MIB,
    minimum: 0,
    maximum: 1024 * GIB,
    unit: 'octets',
    limit: 'L-36',
    description:
      'Of these of one Observation Domain of one session, so that one exporter does not take the room of all.',
    memory: 'on disk',
    whenReached: 'its Data Sets stay in memory, within its bounds'
  }),
  exporterSilentMs: wholeNumber({
    default: 300_000,
    minimum: 1_000,
    maximum: 86_400_000,
    unit: 'ms',
    description:
      'An exporter that nothing came from for so long is silent: a state in the API and an event, nothing else. Five minutes are longer than any customary interval of templates or of long flows.'
  }),
  skewMs: wholeNumber({
    default: 300_000,
    minimum: 1_000,
    maximum: 86_400_000,
    unit: 'ms',
    description:
      'An exporter whose Export Time is so far from our clock is skewed: a state in the API and an event; its records go on.'
  }),
  exporterLabels: wholeNumber({
    default: 1_000,
    minimum: 0,
    maximum: 100_000,
    limit: 'L-75',
    description: 'Exporters that have a label value of their own in the metrics; the others share `other`.'
  })
}
