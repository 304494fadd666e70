import Type from 'typebox'
import { CollectorConfig } from './collector.ts'
import { Destination, PlanConfig } from './destination.ts'
import { GIB, KIB, MIB, httpHealth, orNull, section, text, wholeNumber, word } from './keys.ts'
import { DestinationPolicyConfig } from './destination-policy.ts'
import { FrontConfig } from './front.ts'
import { httpLimits } from './http-limits.ts'
import { StoresConfig } from './stores.ts'
import { WebhookConfig } from './webhooks.ts'

/** Section `mediator`. */
const MediatorConfig = section(
  {
    plan: PlanConfig,
    destinationPolicy: DestinationPolicyConfig,
    limits: section(
      {
        programs: wholeNumber({
          default: 4_096,
          minimum: 16,
          maximum: 1_000_000,
          limit: 'L-14',
          description: 'Programs (one per Layout and Plan) kept.',
          memory: 'about 16 KiB each',
          whenReached: 'the one unused for longest is forgotten'
        }),
        compilesPerSec: wholeNumber({
          default: 100,
          minimum: 0,
          maximum: 10_000,
          unit: 'per second',
          limit: 'L-14',
          description: 'Programs compiled per second; 0 = never.',
          whenReached: 'the interpreter runs in the meantime'
        }),
        compileAfterRecords: wholeNumber({
          default: 1_000,
          minimum: 0,
          maximum: 1_000_000_000,
          limit: 'L-14',
          description: 'A Layout is compiled once it has had so many records: before that it is not worth it.'
        }),
        compiledFields: wholeNumber({
          default: 256,
          minimum: 0,
          maximum: 16_384,
          limit: 'L-14',
          description: 'Most fields of a Layout that is compiled; a longer function costs more to make than it saves.',
          whenReached: 'the interpreter runs its records'
        }),
        listDepth: wholeNumber({
          default: 8,
          minimum: 1,
          maximum: 64,
          unit: 'levels',
          limit: 'L-23',
          description: 'Depth of lists within lists (RFC 6313).',
          whenReached: 'the list becomes an empty one, in JSON its octets marked as invalid; its record stays'
        }),
        listElements: wholeNumber({
          default: 65_536,
          minimum: 1,
          maximum: 1_048_576,
          limit: 'L-23',
          description:
            'Elements and records of one list value, those of the lists in it included; the default is more than a Message holds.',
          whenReached: 'the list becomes an empty one, in JSON its octets marked as invalid; its record stays'
        }),
        templatesPerDestination: wholeNumber({
          default: 4_096,
          minimum: 16,
          maximum: 65_280,
          limit: 'L-43',
          description: 'Templates that one destination is sent; ids run from 256 to 65535.',
          whenReached: 'the one unused for longest is withdrawn and its id is used again'
        })
      },
      'Bounds of the mediator.'
    ),
    http: httpHealth('mediator', 9102)
  },
  'The Intermediate and Exporting Process.'
)
export type MediatorConfig = Type.Static<typeof MediatorConfig>

/** Section `link`. */
const LinkConfig = section(
  {
    batchOctets: wholeNumber({
      default: 256 * KIB,
      minimum: 65_664,
      maximum: 16 * MIB,
      unit: 'octets',
      limit: 'L-55',
      description: 'A Batch is sent at this size. A ZeroMQ frame costs the same whatever its size, so large is cheap.'
    }),
    batchAgeMs: wholeNumber({
      default: 20,
      minimum: 1,
      maximum: 10_000,
      unit: 'ms',
      limit: 'L-55',
      description: 'A Batch is sent at this age, however small: the delay that Weir adds.'
    }),
    windowBatches: wholeNumber({
      default: 16,
      minimum: 1,
      maximum: 4_096,
      limit: 'L-55',
      description: 'Batches that are not yet settled: what a killed mediator can cause to be sent twice.',
      memory: 'windowBatches times batchOctets: 4 MiB',
      whenReached: 'the collector stops: TCP is not read, UDP is buffered'
    }),
    bufferOctets: wholeNumber({
      default: 128 * MIB,
      minimum: MIB,
      maximum: 64 * GIB,
      unit: 'octets',
      limit: 'L-56',
      description: 'What the collector holds while the mediator is away or behind; 44 s at the rated load.',
      memory: '128 MiB',
      whenReached: 'TCP is not read; UDP is dropped and counted'
    }),
    maxFrameOctets: wholeNumber({
      default: MIB,
      minimum: 128 * KIB,
      maximum: 16 * MIB,
      unit: 'octets',
      limit: 'L-51',
      description: 'Longest frame taken from the other side.',
      whenReached: 'the connection is dropped and made anew'
    }),
    heartbeatMs: wholeNumber({
      default: 1_000,
      minimum: 50,
      maximum: 60_000,
      unit: 'ms',
      limit: 'L-53',
      description: 'Interval of heartbeats on the link.'
    }),
    heartbeatTimeoutMs: wholeNumber({
      default: 3_000,
      minimum: 100,
      maximum: 300_000,
      unit: 'ms',
      limit: 'L-53',
      description: 'Without a heartbeat for so long the other side is held for dead.'
    })
  },
  'Between collector and mediator (ZeroMQ over ipc).'
)
export type LinkConfig = Type.Static<typeof LinkConfig>

/** Section `coordinator`. */
const CoordinatorConfig = section(
  {
    address: text('address', {
      default: '127.0.0.1',
      description:
        'Local address of the control API; this machine only, because it asks for credentials only where tokenFile or tls.clientCaFile say so.'
    }),
    port: wholeNumber({ default: 8090, minimum: 0, maximum: 65535, description: 'TCP port; 0 takes any free one.' }),
    webhooks: Type.Array(WebhookConfig, {
      default: [],
      maxItems: 16,
      description: 'Who is told of events by HTTP. Only the file and the environment say this, not the API.'
    }),
    tokenFile: orNull(
      text('path', { description: 'A file.' }),
      null,
      'A file with a token, at least 16 characters, that every request but those for /livez and /readyz must bear (Authorization: Bearer …), read again when it changes; null = nobody is asked for one.'
    ),
    tls: orNull(
      Type.Object(
        {
          certFile: text('path', {
            description: 'A file with the certificate (PEM), and those between it and the authority.'
          }),
          keyFile: text('path', { description: 'A file with the key (PEM) of certFile.' }),
          clientCaFile: orNull(
            text('path', { description: 'A file.' }),
            null,
            'Certificates (PEM) that whoever asks must be signed by (mutual TLS), but for /livez and /readyz; null = nobody is asked for one.'
          )
        },
        { additionalProperties: false, description: 'TLS of the control API.' }
      ),
      null,
      'Serve the control API over TLS (1.2 or later); the files are read again when they change. null = plain HTTP.'
    ),
    limits: section(
      {
        ...httpLimits,
        eventSubscribers: wholeNumber({
          default: 32,
          minimum: 1,
          maximum: 1_024,
          limit: 'L-78',
          description: 'Streams of /v1/events at once.',
          memory: 'eventSubscribers times eventBufferOctets at worst: 32 MiB',
          whenReached: '503'
        }),
        eventBufferOctets: wholeNumber({
          default: MIB,
          minimum: 4 * KIB,
          maximum: 64 * MIB,
          unit: 'octets',
          limit: 'L-78',
          description: 'What may wait for one reader of /v1/events.',
          whenReached: 'its stream is ended with the reason; it can come back with the last id'
        }),
        eventsKept: wholeNumber({
          default: 4_096,
          minimum: 1,
          maximum: 1_000_000,
          limit: 'L-78',
          description: 'Events kept for readers that were away for a moment, and for /v1/events/recent.',
          whenReached: 'the oldest is forgotten'
        }),
        eventOctetsKept: wholeNumber({
          default: 4 * MIB,
          minimum: 4 * KIB,
          maximum: GIB,
          unit: 'octets',
          limit: 'L-78',
          description: 'Octets of the events kept.',
          memory: '4 MiB, about twice that in the process',
          whenReached: 'the oldest is forgotten'
        }),
        controlTimeoutMs: wholeNumber({
          default: 2_000,
          minimum: 100,
          maximum: 60_000,
          unit: 'ms',
          description: 'Time for a collector or mediator to answer the coordinator.',
          whenReached: '503'
        })
      },
      'Bounds of the control API.'
    )
  },
  'The control API of this Weir.'
)
export type CoordinatorConfig = Type.Static<typeof CoordinatorConfig>

/** Section `shutdown`. */
const ShutdownConfig = section(
  {
    tcpReadMs: wholeNumber({
      default: 10_000,
      minimum: 0,
      maximum: 20_000,
      unit: 'ms',
      limit: 'L-90',
      description: 'How long open TCP connections are still read, until they are silent or closed.'
    }),
    udpSilenceMs: wholeNumber({
      default: 200,
      minimum: 0,
      maximum: 5_000,
      unit: 'ms',
      limit: 'L-90',
      description: 'UDP is read until it has been silent for so long, at most 5 s.'
    }),
    drainMs: wholeNumber({
      default: 10_000,
      minimum: 0,
      maximum: 20_000,
      unit: 'ms',
      limit: 'L-90',
      description: 'How long what was read may take to reach the destinations.',
      whenReached: 'what is left is dropped (shutdown) and counted'
    })
  },
  'Stopping in order: the collector first, then the mediator, then the coordinator, within 30 s.'
)
export type ShutdownConfig = Type.Static<typeof ShutdownConfig>

/** The whole document: `weir.yaml`, with the environment and the defaults over and under it. */
export const WeirConfig = section(
  {
    runDir: orNull(
      text('path', { description: 'A folder of mode 0700.' }),
      null,
      'Where the sockets between the processes are; null = a temporary folder that `weir up` makes (`/run/weir` for a single process).'
    ),
    stateDir: text('path', {
      default: './var',
      description:
        'Where templates and destinations added through the API are remembered, and compiled sources for a faster start (`compiled`, which may be deleted); made if it is not there. One `weir up` has it for itself.'
    }),
    log: section(
      {
        level: word(['debug', 'info', 'warn', 'error'], 'info', 'The least level that is written, to standard error.')
      },
      'The log.'
    ),
    collector: CollectorConfig,
    mediator: MediatorConfig,
    link: LinkConfig,
    coordinator: CoordinatorConfig,
    front: orNull(FrontConfig, {}, 'The web API of the fleet; null: weir up starts none.'),
    stores: StoresConfig,
    shutdown: ShutdownConfig,
    destinations: Type.Array(Destination, {
      default: [],
      maxItems: 32,
      limit: 'L-43',
      description: 'Where records go; at most 32 (L-43). More can be added while Weir runs, through the API.'
    })
  },
  'weir.yaml'
)
export type WeirConfig = Type.Static<typeof WeirConfig>
