import Type from 'typebox'
import { GIB, MIB, orNull, section, text, wholeNumber, word } from './keys.ts'

const DAY_MS = 86_400_000

/** @param risk - what whoever can write to the store can do without it. */
const keyFile = (risk: string) =>
  orNull(
    text('path', { description: 'A file.' }),
    null,
    `A file with the key that authenticates every entry (HMAC-SHA-256), at least 32 octets, the same on all pods; null = entries are not authenticated, and whoever can write to the store can ${risk}.`
  )

const tls = orNull(
  Type.Object(
    {
      caFile: orNull(
        text('path', { description: 'A file.' }),
        null,
        'Certificates (PEM) that the server must be signed by; null = those of this system.'
      ),
      certFile: orNull(
        text('path', { description: 'A file.' }),
        null,
        'Our own certificate (PEM), where the server asks for one; with keyFile.'
      ),
      keyFile: orNull(text('path', { description: 'A file.' }), null, 'The key (PEM) of certFile.'),
      serverName: orNull(
        Type.String({ minLength: 1, maxLength: 253, description: 'A host name.' }),
        null,
        'The name that its certificate must bear; null = the host name of the address.'
      )
    },
    { additionalProperties: false, description: 'TLS to the store.' }
  ),
  null,
  'Encrypt the connections (TLS 1.2 or later), the server is always verified; null = not encrypted.'
)

const connectTimeoutMs = wholeNumber({
  default: 2_000,
  minimum: 10,
  maximum: 60_000,
  unit: 'ms',
  limit: 'L-80',
  description: 'Time for a connection to be made; at the start too, which then goes on without the store.'
})

/** How Redis is reached, whatever is kept in it. */
const redisKeys = {
  type: Type.Literal('redis', { description: 'Redis 7 or Valkey: a server, Sentinels, or a Cluster.' }),
  mode: word(
    ['single', 'sentinel', 'cluster'],
    'single',
    'What `nodes` are: one server, the Sentinels that know which one is the master, or some nodes of a Cluster.'
  ),
  nodes: Type.Array(text('hostPort', { description: 'HOST:PORT.' }), {
    default: ['127.0.0.1:6379'],
    minItems: 1,
    maxItems: 64,
    description: 'Addresses to begin with; without a port, 6379 (Sentinels: 26379).'
  }),
  sentinelName: orNull(
    Type.String({ minLength: 1, maxLength: 256, description: 'A name.' }),
    null,
    'mode sentinel: the name of the master.'
  ),
  database: wholeNumber({
    default: 0,
    minimum: 0,
    maximum: 65_535,
    description: 'Number of the database; a Cluster has only 0.'
  }),
  username: orNull(
    Type.String({ minLength: 1, maxLength: 256, description: 'A name.' }),
    null,
    'User of its access list; null = the default user.'
  ),
  passwordFile: orNull(text('path', { description: 'A file.' }), null, 'A file with the password; null = none.'),
  prefix: Type.String({
    default: 'weir',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
    description: 'What its keys begin with: Weirs that should not know of each other have different ones.'
  })
}

const sharedKeys = {
  keyFile: keyFile('say what a template is'),
  tls,
  timeoutMs: wholeNumber({
    default: 200,
    minimum: 10,
    maximum: 10_000,
    unit: 'ms',
    limit: 'L-80',
    description: 'Time for one call of the store. No Message waits for it; data without a template does.',
    whenReached: 'the call counts as failed; after 5 failures in 10 s none is made for 5 s'
  }),
  connectTimeoutMs,
  warmupTimeoutMs: wholeNumber({
    default: 10_000,
    minimum: 0,
    maximum: 300_000,
    unit: 'ms',
    description:
      'How long a start may take up what other pods have learned before it says that it is ready; 0 = nothing is taken up at the start, everything when it is asked for.',
    whenReached: 'it is ready; the rest comes as it is asked for'
  }),
  seenWithinMs: wholeNumber({
    default: DAY_MS,
    minimum: 60_000,
    maximum: 30 * DAY_MS,
    unit: 'ms',
    description: 'Exporters seen within so long are taken up at the start.'
  }),
  shelfOctetsTotal: wholeNumber({
    default: 256 * MIB,
    minimum: 0,
    maximum: 64 * GIB,
    unit: 'octets',
    limit: 'L-32',
    description: 'Data Sets without a template that all pods together put into the store; 0 = none.',
    memory: '256 MiB in the store',
    whenReached: 'they stay with the pod that has them'
  }),
  shelfOctetsPerPlace: wholeNumber({
    default: 4 * MIB,
    minimum: 0,
    maximum: GIB,
    unit: 'octets',
    limit: 'L-31',
    description: 'The same of one Observation Domain of one exporter.',
    whenReached: 'they stay with the pod that has them'
  })
}

/** No store beyond the pod. */
const NoSharedStore = Type.Object(
  { type: Type.Literal('none', { description: 'Pods share nothing: each knows what was announced to it.' }) },
  { additionalProperties: false, title: 'none' }
)

/** Redis, or what speaks its protocol. */
const RedisStore = Type.Object({ ...redisKeys, ...sharedKeys }, { additionalProperties: false, title: 'redis' })
export type RedisStore = Type.Static<typeof RedisStore>

/** NATS JetStream. */
const NatsStore = Type.Object(
  {
    type: Type.Literal('nats', { description: 'NATS with JetStream: a key-value bucket.' }),
    servers: Type.Array(text('natsUrl', { description: 'nats://HOST:PORT or tls://HOST:PORT.' }), {
      default: ['nats://127.0.0.1:4222'],
      minItems: 1,
      maxItems: 64,
      description: 'Servers to begin with; without a port, 4222.'
    }),
    bucket: Type.String({
      default: 'weir-templates',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$',
      description: 'The bucket; made if it is not there. Weirs that should not know of each other have different ones.'
    }),
    replicas: wholeNumber({
      default: 1,
      minimum: 1,
      maximum: 5,
      description:
        'Servers of the NATS cluster that keep a copy of the bucket. More than 1 wants nats-server 2.10 or later: before, Data Sets that wait for a template stay with the pod that has them.'
    }),
    credentialsFile: orNull(
      text('path', { description: 'A file.' }),
      null,
      'A file with NATS credentials (JWT and seed); null = none.'
    ),
    ...sharedKeys
  },
  { additionalProperties: false, title: 'nats' }
)
export type NatsStore = Type.Static<typeof NatsStore>

/** What pods share, besides what each has in its own file. */
const TemplateStoreConfig = Type.Union([NoSharedStore, RedisStore, NatsStore], {
  tag: 'type',
  default: { type: 'none' },
  description:
    'The store through which pods share templates, options state and Data Sets that wait. A hint, never needed: without it, each pod knows what was announced to it.'
})
export type TemplateStoreConfig = Type.Static<typeof TemplateStoreConfig>

/** Redis for what is asked for by people, not by data. @param risk - see `keyFile`. @param title - what is kept in it. */
const plainRedis = (risk: string) =>
  Type.Object(
    {
      ...redisKeys,
      keyFile: keyFile(risk),
      tls,
      timeoutMs: wholeNumber({
        default: 1_000,
        minimum: 10,
        maximum: 10_000,
        unit: 'ms',
        limit: 'L-80',
        description: 'Time for one call of the store; at the start too, which then goes on with what is on disk.',
        whenReached: 'the call counts as failed; after 5 failures in 10 s none is made for 5 s'
      }),
      connectTimeoutMs
    },
    { additionalProperties: false, title: 'redis' }
  )

const noStore = (description: string) =>
  Type.Object({ type: Type.Literal('none', { description }) }, { additionalProperties: false, title: 'none' })

const RevisionStoreConfig = Type.Union(
  [
    noStore('Each pod has a configuration and revisions of its own.'),
    plainRedis('change the configuration of the fleet')
  ],
  {
    tag: 'type',
    default: { type: 'none' },
    description:
      'Where the revisions of the configuration stand that all pods of a fleet have in common. A pod that cannot reach it goes on with the last one, and takes no changes.'
  }
)
export type RevisionStoreConfig = Type.Static<typeof RevisionStoreConfig>

/** Redis for the queue of jobs. */
const RedisJobStore = Type.Object(
  {
    ...redisKeys,
    tls,
    timeoutMs: wholeNumber({
      default: 2_000,
      minimum: 10,
      maximum: 60_000,
      unit: 'ms',
      limit: 'L-81',
      description: 'Time for one call of the web API; job workers wait until it is back.',
      whenReached: '503'
    }),
    connectTimeoutMs
  },
  { additionalProperties: false, title: 'redis' }
)
export type RedisJobStore = Type.Static<typeof RedisJobStore>

const JobStoreConfig = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal('embedded', {
          description: 'A file in front.jobs.folder, which front and job workers of one machine share.'
        })
      },
      { additionalProperties: false, title: 'embedded' }
    ),
    RedisJobStore
  ],
  {
    tag: 'type',
    default: { type: 'embedded' },
    description:
      'Where the queue of jobs is. Redis: fronts and job workers of several machines share it; a Redis of its own, that evicts nothing (maxmemory-policy noeviction), apart from the one of the templates.'
  }
)
export type JobStoreConfig = Type.Static<typeof JobStoreConfig>

const KeyStoreConfig = Type.Union(
  [noStore('Each front has keys of its own, in a file.'), plainRedis('make himself an admin')],
  {
    tag: 'type',
    default: { type: 'none' },
    description:
      'Where the API keys stand that several fronts have in common, of each secret only its hash. A front that cannot reach it goes on with those it has seen last, and changes none.'
  }
)
export type KeyStoreConfig = Type.Static<typeof KeyStoreConfig>

/** Section `stores`. */
export const StoresConfig = section(
  { templates: TemplateStoreConfig, revisions: RevisionStoreConfig, jobs: JobStoreConfig, keys: KeyStoreConfig },
  'Stores that pods share.'
)
export type StoresConfig = Type.Static<typeof StoresConfig>
