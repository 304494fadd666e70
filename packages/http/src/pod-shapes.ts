import { count, oneOf, orNull, timeMs } from './schema-parts.ts'
import Type from 'typebox'

/** Numbers by name: drops by reason, kernel drops by listener. */
const Counts = Type.Record(Type.String(), Type.Number())

const Sequence = Type.Object(
  {
    lost: count('Units that the sequence numbers miss: records (IPFIX), packets (v9), flows (v5, v7).'),
    duplicated: count('Messages that came twice.'),
    reordered: count('Messages that came late.'),
    restarts: count('Times the numbers began anew.'),
    suspect: count('Numbers too far off to be believed.'),
    undecoded: count('Units of steps that a Set without a template made ambiguous.'),
    gap: count('Units lost at most while no collector listened: from what was last seen, here or on another pod.')
  },
  { description: "Sequence accounting in the protocol's own unit." }
)

export const Listener = Type.Object(
  {
    name: Type.String(),
    transport: Type.String(),
    state: oneOf(
      ['serving', 'paused', 'draining', 'drained', 'closing'],
      'paused: nothing is read. draining: no new sessions, and those that are there go on until they end. drained: it has no socket any more. closing: it is not in the configuration any more, and what its peers have sent is read.'
    ),
    address: Type.String(),
    port: Type.Integer({ description: 'The port in use.' })
  },
  {
    additionalProperties: true,
    description:
      'UDP: socket, receive buffer asked and granted, datagrams, kernel drops. TCP: connections and their counters.'
  }
)

/** Where an exporter can be in its life. */
const exporterStates = [
  'discovered',
  'active',
  'silent',
  'rebooted',
  'skewed',
  'scope-conflict',
  'unsampled-suspect'
] as const

export const Exporter = Type.Object({
  id: Type.String({ description: 'Its address.' }),
  via: Type.Array(Type.String(), {
    description:
      'Through whom its records come: load balancers that name it (PROXY protocol), senders that relay for it.'
  }),
  address: Type.String(),
  state: Type.String({
    description:
      'discovered: it has sent less than it takes to believe in it; active; silent: nothing came for collector.limits.exporterSilentMs; rebooted: it began anew, and not all of its templates have been announced since; skewed: its clock is further from ours than collector.limits.skewMs; scope-conflict: its source ports contradict each other, so several exporters seem to share the address; unsampled-suspect: its records look sampled (nine in ten count one packet, and these are as long as packets of real traffic) and it tells no sampling rate. Looked at every ten seconds; the thresholds of single exporters are in their policies.'
  }),
  stateSinceAtMs: timeMs('When it came to be in this state'),
  stateReasons: Type.Array(Type.String(), { description: 'Why, a sentence each.' }),
  rebootedAtMs: orNull(timeMs('When it was last seen to begin anew')),
  scopeDecision: Type.String({
    description:
      'What its source ports are taken for where policy auto looks at them, the most telling of all Observation Domains: apart (several exporters), merged (one), undecided (each decodes by its own announcements), single.'
  }),
  versions: Type.Array(Type.Integer(), { description: '1, 5, 7, 9 or 10 (IPFIX).' }),
  sessions: Type.Integer(),
  domains: count('Observation Domains.'),
  templates: count('Live templates.'),
  firstSeenAtMs: timeMs('First Message'),
  lastSeenAtMs: timeMs('Last Message'),
  messages: Type.Integer(),
  octets: Type.Integer(),
  records: count('Data Records decoded.'),
  malformed: count('Messages discarded whole.'),
  droppedSets: count('Data Sets dropped.'),
  droppedRecords: count('Data Records dropped.'),
  clockSkewMs: Type.Number({ description: 'Export Time less our own clock at the last Message, milliseconds.' }),
  sequence: Sequence
})

/** What a list of exporters can be narrowed by. */
export const exporterFilters = {
  version: Type.Optional(Type.Integer({ description: 'Only those that send this version: 1, 5, 7, 9 or 10.' })),
  id: Type.Optional(Type.String({ description: 'Only those whose id begins so.' })),
  state: Type.Optional(oneOf(exporterStates, 'Only those that are there in their life.'))
}

const Session = Type.Object({
  listener: Type.String(),
  transport: Type.String(),
  version: Type.Integer(),
  port: Type.Integer({ description: 'Source port.' }),
  via: Type.Union([Type.String(), Type.Null()], {
    description: 'Address of the load balancer that passes it on (PROXY protocol), null without one.'
  }),
  scope: Type.String({ description: 'Key under which its templates live.' }),
  openedAtMs: timeMs('First Message'),
  lastSeenAtMs: timeMs('Last Message'),
  isVerified: Type.Boolean({ description: 'It has sent several valid Messages.' }),
  messages: Type.Integer(),
  pendingSets: count('Data Sets that wait for a template.'),
  domains: Type.Array(
    Type.Object({
      odid: Type.Integer(),
      templates: Type.Integer(),
      lastExportTimeSec: Type.Integer(),
      v5Sampling: Type.Integer({ description: 'Sampling field of the v5 header, -1 where there is none.' }),
      sequence: Sequence
    })
  )
})

const Relayed = Type.Object({
  via: Type.String({ description: 'The sender that relays for it.' }),
  listener: Type.String(),
  transport: Type.String(),
  version: Type.Integer(),
  port: Type.Integer({ description: 'Source port of the sender.' }),
  odid: Type.Integer(),
  records: count('Data Records in its name.'),
  lastSeenAtMs: timeMs('Last record')
})

const PolicySet = Type.Object(
  {
    scope: orNull(Type.String()),
    resumeTemplates: orNull(Type.Boolean()),
    silentMs: orNull(Type.Integer()),
    skewMs: orNull(Type.Integer())
  },
  { description: 'What of it was said through the API (PATCH); null: the configuration says it.' }
)

const ScopePort = Type.Object({
  port: Type.Integer({ description: 'Source port.' }),
  lastSeenAtMs: timeMs('Last Message'),
  templatesFrom: Type.Array(Type.Integer(), { description: 'Ports that count in one number space with it.' }),
  optionsFrom: Type.Array(Type.Integer(), { description: 'Ports whose options state holds for its data too.' })
})

const Scope = Type.Object({
  listener: Type.String(),
  version: Type.Integer(),
  odid: Type.Integer(),
  decision: Type.String({
    description:
      'single, undecided (each port decodes by what it announced itself), merged (one exporter) or apart (several).'
  }),
  evidence: Type.String({
    description:
      'one_port, superseded, none, number_space, options_port, equal_definitions, template_conflict or options_conflict.'
  }),
  sinceAtMs: timeMs('When it was decided'),
  ports: Type.Array(ScopePort, { description: 'Its source ports.' })
})

export const ExporterDetails = Type.Object({
  ...Exporter.properties,
  policy: Type.Object(
    {
      scope: Type.String(),
      resumeTemplates: Type.Boolean(),
      silentMs: orNull(Type.Integer({ description: 'Null: collector.limits.exporterSilentMs.' })),
      skewMs: orNull(Type.Integer({ description: 'Null: collector.limits.skewMs.' })),
      set: PolicySet
    },
    { description: 'Whose templates are used for its data.' }
  ),
  scopes: Type.Array(Scope, {
    description:
      'Policy auto: what several source ports of it are taken for, by listener, version and Observation Domain.'
  }),
  relayedList: Type.Array(Relayed, { description: 'Where its records come through a sender that relays for it.' }),
  sessionList: Type.Array(Session)
})

export const FieldShares = Type.Object({
  exporter: Type.String(),
  records: count('Data Records decoded of it.'),
  fields: Type.Array(
    Type.Object({
      pen: Type.Integer(),
      id: Type.Integer(),
      name: orNull(Type.String()),
      type: orNull(Type.String()),
      lengths: Type.Array(Type.Integer(), { description: 'Wire lengths seen; 65535 = variable.' }),
      templates: count('Templates that have it.'),
      records: count('Data Records that have it.'),
      share: Type.Number({ description: 'Share of all Data Records, 0 to 1.' })
    })
  )
})

const DestinationLedger = Type.Object({
  matched: count('Records offered to it. matched = filtered + sent + queued + dropped, always.'),
  filtered: count('Records that its filter kept back.'),
  sent: count("Records in the kernel's send buffer or in a file."),
  queued: count('Records that wait, or are encoded and not yet taken by the kernel.'),
  dropped: Counts,
  uncertain: count(
    'Records of sessions that ended before it was known whether they left: IPFIX has no acknowledgement.'
  ),
  redelivered: count('Records encoded once more in a new session: maybe twice at the receiver.')
})

const destinationModes = ['running', 'paused', 'draining', 'drained'] as const

export const DestinationView = Type.Object({
  id: Type.String(),
  type: Type.String(),
  status: Type.String({
    description:
      'ready, connecting, waiting (for the next attempt), closed; paused, draining, drained if an operator said so; absent if the mediator does not have it.'
  }),
  mode: oneOf(
    destinationModes,
    'What an operator wants of it. paused: what comes waits in its queue; draining: it takes nothing new and sends what it has; drained: all has left.'
  ),
  target: Type.String(),
  lastError: orNull(Type.String()),
  nextAttemptAtMs: orNull(timeMs('While it waits: when it tries again')),
  sessions: count('Sessions opened since the mediator started: one more than the reconnects.'),
  sendErrors: count('Datagrams or writes that the system refused.'),
  writtenOctets: count('Octets given to the kernel or the file.'),
  messages: count('Messages sent (IPFIX).'),
  templates: count('Templates that it knows now (IPFIX).'),
  queue: orNull(
    Type.Object({
      records: count('Records that wait.'),
      octets: count('Octets of the Batches that hold them.'),
      batches: Type.Integer(),
      limitOctets: Type.Integer(),
      policy: Type.String()
    })
  ),
  ledger: orNull(DestinationLedger),
  config: Type.Object({}, { additionalProperties: true, description: 'Its document, of the form that POST takes.' })
})
export type DestinationView = Type.Static<typeof DestinationView>

const Drops = Type.Record(Type.String(), Type.Number(), { description: 'By reason.' })

const CollectorLedger = Type.Object({
  messages: Type.Object({
    received: Type.Integer(),
    decodedOk: Type.Integer(),
    decodedPartial: Type.Integer(),
    dropped: Drops
  }),
  dataSets: Type.Object({
    received: Type.Integer(),
    takenOver: count('Received by another process, or by an earlier one of this pod, and waiting here.'),
    decoded: Type.Integer(),
    pending: count('Waiting for their template, in memory or in the spool.'),
    handedOver: count(
      'Waiting elsewhere: on the shelf of a shared store, or in the spool of a process that has ended.'
    ),
    dropped: Drops
  }),
  records: Type.Object({
    decoded: Type.Integer(),
    filtered: Type.Integer(),
    admitted: Type.Integer(),
    held: count('Read from TCP, waiting for room on the link.'),
    dropped: Drops
  }),
  window: Type.Object({
    admitted: Type.Integer(),
    settled: Type.Integer(),
    inWindow: count('On their way: not settled yet.'),
    redelivered: count('Sent to the mediator again after a restart or a reconnect.')
  }),
  sequence: Sequence,
  kernel: Type.Record(Type.String(), Type.Number(), {
    description: 'Datagrams that the kernel dropped, by UDP listener.'
  })
})
export type CollectorLedger = Type.Static<typeof CollectorLedger>

const MediatorLedger = Type.Object({
  records: Type.Object({
    received: Type.Integer(),
    redelivered: count('Of those received, again: maybe sent before the restart too.')
  }),
  batches: Type.Object({ received: Type.Integer(), settled: Type.Integer(), unsettled: Type.Integer() }),
  destinations: Type.Record(Type.String(), DestinationLedger)
})
export type MediatorLedger = Type.Static<typeof MediatorLedger>

export const Ledger = Type.Object({
  takenAtMs: timeMs('When it was put together'),
  collector: orNull(CollectorLedger),
  mediator: orNull(MediatorLedger),
  equations: Type.Array(
    Type.Object({
      name: Type.String(),
      left: Type.Integer(),
      right: Type.Integer(),
      holds: Type.Boolean()
    }),
    { description: 'What must hold to the unit within each process; each process counts since its own start.' }
  )
})
export type Ledger = Type.Static<typeof Ledger>
