import Type from 'typebox'
import { GIB, KIB, MIB, identifier, orNull, section, text, wholeNumber, word } from './keys.ts'

const timestamps = ['milliseconds', 'nanoseconds', 'preserve'] as const

/** Section `mediator.plan`: what all destinations get unless they say otherwise. */
export const PlanConfig = section(
  {
    timestamps: word(
      timestamps,
      'milliseconds',
      'Form of flow start and end: one form for all, or each in the absolute form it came in.'
    ),
    lineage: Type.Boolean({
      default: true,
      description:
        'Append originalExporterIPv4Address/IPv6Address, originalObservationDomainId and collectionTimeMilliseconds.'
    }),
    sampling: Type.Boolean({
      default: true,
      description: 'Append the effective sampling as samplingPacketInterval and samplingPacketSpace; (0, 0) = unknown.'
    })
  },
  'What becomes of the records.'
)
export type PlanConfig = Type.Static<typeof PlanConfig>

/** What a destination changes of `mediator.plan`. */
const PlanOverrides = Type.Object(
  {
    timestamps: Type.Optional(word(timestamps, undefined, 'As mediator.plan.timestamps.')),
    lineage: Type.Optional(Type.Boolean({ description: 'As mediator.plan.lineage.' })),
    sampling: Type.Optional(Type.Boolean({ description: 'As mediator.plan.sampling.' }))
  },
  { additionalProperties: false, default: {}, description: 'What this destination wants otherwise than mediator.plan.' }
)
export type PlanOverrides = Type.Static<typeof PlanOverrides>

const id = identifier('Its name in the API, the log and the metrics.')

const queue = section(
  {
    octets: wholeNumber({
      default: 64 * MIB,
      minimum: 64 * KIB,
      maximum: 16 * GIB,
      unit: 'octets',
      limit: 'L-40',
      description: 'What waits for this destination while it is slow or away.',
      memory: '64 MiB per destination',
      whenReached:
        'the policy: the collector waits, or the oldest or newest records are dropped (queue_oldest, queue_newest)'
    }),
    policy: word(
      ['block', 'drop-oldest', 'drop-newest'],
      'drop-oldest',
      'What happens when it is full. `block` holds back all input as long as this destination is slow or away: TCP exporters wait, UDP is dropped in the end.'
    )
  },
  'The queue of this destination.'
)

const filter = orNull(
  Type.String({ minLength: 1, maxLength: 1024 }),
  null,
  'Which Data Records it gets, e.g. `src in 10.0.0.0/8 and port in (53, 853)` (docs/reference/filter.md); null = all. Options records are not asked. A change is taken at once: session, queue and templates stay.'
)

const observationDomainId = Type.Union(
  [Type.Integer({ minimum: 0, maximum: 4_294_967_295 }), Type.Literal('preserve')],
  { default: 0, description: "The Observation Domain exported into; `preserve` keeps each exporter's own." }
)

const reconnect = {
  reconnectMinMs: wholeNumber({
    default: 60_000,
    minimum: 100,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-44',
    description:
      'Least time between two connection attempts; RFC 7011 §10.4.5 asks for a minute. A jitter of up to a sixth is added.'
  }),
  reconnectMaxMs: wholeNumber({
    default: 300_000,
    minimum: 100,
    maximum: 86_400_000,
    unit: 'ms',
    limit: 'L-44',
    description: 'Most time between two connection attempts; it doubles from the least.'
  }),
  connectTimeoutMs: wholeNumber({
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
    unit: 'ms',
    limit: 'L-44',
    description: 'Time for a connection to be made.'
  }),
  writeStallMs: wholeNumber({
    default: 30_000,
    minimum: 100,
    maximum: 3_600_000,
    unit: 'ms',
    limit: 'L-44',
    description: 'A connection that takes nothing for so long is reset and made anew.'
  })
}

const rotate = (seconds: number | null) =>
  section(
    {
      octets: orNull(
        Type.Integer({ minimum: 64 * KIB, maximum: 1024 * GIB }),
        256 * MIB,
        'Begin a new file at this size, octets; null = never.'
      ),
      seconds: orNull(
        Type.Integer({ minimum: 1, maximum: 86_400 }),
        seconds,
        'Begin a new file after this time, seconds, aligned to the clock; null = never.'
      ),
      keep: orNull(
        Type.Integer({ minimum: 1, maximum: 1_000_000 }),
        null,
        'How many finished files are kept; null = all, and the volume is yours to watch.'
      )
    },
    'When a new file begins.'
  )

/** IPFIX Messages to a downstream collector. */
export const IpfixDestination = Type.Object(
  {
    id,
    type: Type.Literal('ipfix', { description: 'IPFIX Messages to a downstream collector.' }),
    url: text('ipfixUrl', {
      description:
        'udp://HOST:PORT or tcp://HOST:PORT; without a port, 4739. A name is looked up at each connection, over UDP every reconnectMinMs.'
    }),
    observationDomainId,
    maxMessageOctets: orNull(
      Type.Integer({ minimum: 128, maximum: 65_535 }),
      null,
      'Longest Message, octets; null = 484 over UDP to IPv4, 464 to IPv6 (RFC 7011 §10.3.3, path MTU unknown), 16384 over TCP.'
    ),
    templateRefreshSec: wholeNumber({
      default: 600,
      minimum: 1,
      maximum: 86_400,
      unit: 's',
      limit: 'L-46',
      description: 'UDP: templates are sent again so often (RFC 7011 §8.4).'
    }),
    optionsRefreshSec: wholeNumber({
      default: 600,
      minimum: 1,
      maximum: 86_400,
      unit: 's',
      limit: 'L-46',
      description: 'UDP: options templates and the last options records are sent again so often.'
    }),
    templateCopies: wholeNumber({
      default: 3,
      minimum: 1,
      maximum: 10,
      description: 'UDP: how often a new template is sent at first, because its loss would cost all of its data.'
    }),
    ...reconnect,
    queue,
    socket: word(
      ['auto', 'dgram', 'segment'],
      'auto',
      'UDP: segment hands the kernel many datagrams per system call (needs FFI), dgram one; auto takes the best there is.'
    ),
    filter,
    plan: PlanOverrides
  },
  { additionalProperties: false, title: 'ipfix' }
)
export type IpfixDestination = Type.Static<typeof IpfixDestination>

/** JSON, a record a line. */
export const JsonDestination = Type.Object(
  {
    id,
    type: Type.Literal('json', { description: 'JSON, one record a line, with IANA names.' }),
    target: text('jsonTarget', { description: 'stdout, file:PATH or tcp://HOST:PORT.' }),
    numbers64: word(
      ['number', 'string'],
      'number',
      '64-bit values as JSON numbers, or as text for readers that would round them above 2^53.'
    ),
    rotate: rotate(null),
    ...reconnect,
    queue,
    filter,
    plan: PlanOverrides
  },
  { additionalProperties: false, title: 'json' }
)
export type JsonDestination = Type.Static<typeof JsonDestination>

/** IPFIX files. */
export const IpfixFileDestination = Type.Object(
  {
    id,
    type: Type.Literal('ipfix-file', { description: 'IPFIX files (RFC 5655); each can be read on its own.' }),
    path: text('path', {
      description:
        'A path with %Y %m %d %H %M %S (UTC, start of the file), or a folder: then weir-%Y%m%dT%H%M%SZ.ipfix in it.'
    }),
    observationDomainId,
    maxMessageOctets: orNull(
      Type.Integer({ minimum: 128, maximum: 65_535 }),
      null,
      'Longest Message, octets; null = 65535.'
    ),
    rotate: rotate(300),
    queue,
    filter,
    plan: PlanOverrides
  },
  { additionalProperties: false, title: 'ipfix-file' }
)
export type IpfixFileDestination = Type.Static<typeof IpfixFileDestination>

/** Where mediated records go; `type` says which kind. */
export const Destination = Type.Union([IpfixDestination, JsonDestination, IpfixFileDestination], { tag: 'type' })
export type Destination = Type.Static<typeof Destination>
