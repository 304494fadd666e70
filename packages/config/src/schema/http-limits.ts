import { KIB, MIB, wholeNumber } from './keys.ts'

/** Bounds that every HTTP API has. */
export const httpLimits = {
  requestTimeoutMs: wholeNumber({
    default: 30_000,
    minimum: 100,
    maximum: 600_000,
    unit: 'ms',
    limit: 'L-70',
    description: 'Time for a whole request to arrive.',
    whenReached: '408'
  }),
  connectionTimeoutMs: wholeNumber({
    default: 60_000,
    minimum: 100,
    maximum: 600_000,
    unit: 'ms',
    limit: 'L-70',
    description: 'A connection on which nothing happens for so long is closed.'
  }),
  bodyOctets: wholeNumber({
    default: MIB,
    minimum: KIB,
    maximum: 64 * MIB,
    unit: 'octets',
    limit: 'L-70',
    description: 'Longest request body.',
    whenReached: '413'
  }),
  keepAliveMs: wholeNumber({
    default: 72_000,
    minimum: 1_000,
    maximum: 600_000,
    unit: 'ms',
    limit: 'L-71',
    description: 'How long an idle connection is kept.'
  }),
  requestsPerConnection: wholeNumber({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    limit: 'L-71',
    description: 'Requests of one connection.',
    whenReached: 'the connection is closed'
  }),
  connections: wholeNumber({
    default: 1_024,
    minimum: 1,
    maximum: 100_000,
    limit: 'L-71',
    description: 'Connections at once.',
    whenReached: 'the new connection is closed'
  }),
  pageSize: wholeNumber({
    default: 1_000,
    minimum: 1,
    maximum: 10_000,
    limit: 'L-73',
    description: 'Entries of one page of a list.',
    whenReached: '400'
  })
}
