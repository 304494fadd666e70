import Type from 'typebox'
import type { Static, TSchema } from 'typebox'

const closed = { additionalProperties: false } as const
const count = (description: string) => Type.Number({ minimum: 0, description })
const time = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

const sums = {
  octets: count('Octets as the records say.'),
  packets: count('Packets as the records say.'),
  flows: count('Flows: one for each record, or as many as deltaFlowCount says if that is not 0.'),
  estimatedOctets: count('Octets times the sampling rate of each record; where it is not known as the record says.'),
  estimatedPackets: count('Packets times the sampling rate.')
}

const errors = Type.Object(
  {
    octets: count('Estimated octets.'),
    packets: count('Estimated packets.'),
    flows: count('Flows.')
  },
  closed
)

const ranked = <T extends Record<string, TSchema>>(key: T, description: string) => {
  const entry = Type.Object(
    {
      ...key,
      ...sums,
      mayHaveMissed: Type.Union([errors, Type.Null()], {
        description: 'What it may have had, at most, before there was room for it; null = the sums are exact.'
      })
    },
    closed
  )
  return ranking(entry, description)
}

const ranking = <T extends TSchema>(entry: T, description: string) =>
  Type.Object(
    {
      isComplete: Type.Boolean({ description: 'Whether all fitted into the memory, so that all sums are exact.' }),
      distinct: Type.Union([Type.Integer(), Type.Null()], {
        description: 'How many there are; null if not all fitted.'
      }),
      kept: Type.Integer({ description: 'How many were held at the end.' }),
      mostUnseen: Type.Union([errors, Type.Null()], {
        description: 'What one that is not held can have had, at most; null if all are held.'
      }),
      byOctets: Type.Array(entry, { description: 'Those with the most estimated octets, most first.' }),
      byPackets: Type.Array(entry, { description: 'Those with the most estimated packets.' }),
      byFlows: Type.Array(entry, { description: 'Those with the most flows.' })
    },
    { ...closed, description }
  )

const address = Type.String({ description: 'IPv4, or IPv6 as RFC 5952 writes it.' })
const direction = Type.Object(sums, closed)

const mixOf = <T extends Record<string, TSchema>>(description: string, value: T) =>
  Type.Array(Type.Object({ ...value, records: count('Records.'), ...sums }, closed), { description })

const port = {
  protocol: Type.Integer({ description: 'protocolIdentifier.' }),
  protocolName: Type.String(),
  port: Type.Integer(),
  service: Type.Union([Type.String(), Type.Null()], { description: 'What usually runs there.' })
}

const sequence = Type.Object(
  {
    unit: Type.Union([Type.Literal('records'), Type.Literal('messages'), Type.Literal('flows'), Type.Literal('none')], {
      description:
        'What the sequence numbers of this version count: IPFIX records, v9 Messages, v5 and v7 flows, v1 nothing.'
    }),
    lost: count('Units that are missing by the numbers.'),
    reordered: count('Messages that came late.'),
    duplicated: count('Messages that came twice.'),
    restarts: count('Times that the exporter began anew.'),
    suspect: count('Messages whose number was far off and that no others followed.'),
    undecoded: count('Units in what could not be decoded; not in `lost`.')
  },
  closed
)

const exporter = Type.Object(
  {
    address: Type.String({ description: 'Empty where the input does not say (IPFIX Files).' }),
    port: Type.Integer({ description: 'UDP or TCP; 0 where the input does not say.' }),
    observationDomainId: Type.Integer(),
    version: Type.Integer({ description: '1, 5, 7, 9, or 10 for IPFIX.' }),
    messages: count('Messages.'),
    messageOctets: count('Octets of them.'),
    records: count('Data Records, before the filter.'),
    optionsRecords: count('Options records.'),
    setsWithoutTemplate: count('Data Sets whose template was not known when they came.'),
    firstExport: time('Export Time of the first Message.'),
    lastExport: time('Export Time of the last Message.'),
    sequence,
    sampling: Type.Object(
      {
        leastRate: Type.Union([Type.Number(), Type.Null()], {
          description: 'One packet of so many; null = no record has a rate.'
        }),
        greatestRate: Type.Union([Type.Number(), Type.Null()]),
        recordsOfUnknownRate: count('Records that no rate is known of.')
      },
      closed
    ),
    ...sums
  },
  closed
)

const template = Type.Object(
  {
    exporter: Type.String(),
    observationDomainId: Type.Integer(),
    templateId: Type.Union([Type.Integer(), Type.Null()], { description: 'null: NetFlow v1, v5, v7 have none.' }),
    isOptions: Type.Boolean(),
    fields: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          pen: Type.Integer(),
          id: Type.Integer(),
          length: Type.Union([Type.Integer(), Type.Literal('variable')]),
          isScope: Type.Boolean()
        },
        closed
      )
    ),
    records: count('Records by this definition.'),
    announcements: count('Times that it was announced.'),
    redefinitions: count('Times that it took the place of another definition of its id.')
  },
  closed
)

/** What `analyse` writes: report.json. */
export const analysisSchema = Type.Object(
  {
    schema: Type.Literal('weir.analysis/1'),
    inputs: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          format: Type.Union([Type.String(), Type.Null()]),
          fault: Type.Union([Type.String(), Type.Null()], { description: 'Why it could not be read to its end.' })
        },
        closed
      )
    ),
    filter: Type.Union([Type.String(), Type.Null()], {
      description: 'Which records are counted; exporters, templates and elements are told of all.'
    }),
    totals: Type.Object(
      {
        records: count('Data Records that were counted.'),
        ...sums,
        reverseOctets: count('Octets of the way back in records of both directions (RFC 5103, NSEL); not in `octets`.'),
        reversePackets: count('Packets of the way back.'),
        estimatedReverseOctets: count('Octets of the way back times the sampling rate.'),
        estimatedReversePackets: count('Packets of the way back times the sampling rate.'),
        recordsRead: count('Data Records before the filter.'),
        optionsRecords: count('Options records.'),
        messages: count('Messages.'),
        malformedMessages: count('Messages that were discarded whole.'),
        setsWithoutTemplate: count('Data Sets that no template came for.')
      },
      closed
    ),
    coverage: Type.Object(
      {
        withoutOctets: count('Records that say nothing of octets.'),
        withoutPackets: count('Records that say nothing of packets.'),
        withoutAddresses: count(
          'Records without a source or a destination: in no list of talkers or conversations as such.'
        ),
        withoutTimes: count('Records without start and end: in the series at their Export Time.'),
        untimely: count(
          'Records whose times are more than 7 days before or 1 day behind their Export Time: in the series at their Export Time, unless most are so.'
        ),
        unknownSampling: count('Records whose sampling rate is not known: estimated as if nothing had been sampled.'),
        unreadable: count('Records that could not be normalised: nowhere in here.')
      },
      closed
    ),
    timeSpan: Type.Object(
      {
        firstFlow: time('The earliest start of a flow.'),
        lastFlow: time('The latest end of a flow.'),
        firstExport: time('The earliest Export Time.'),
        lastExport: time('The latest Export Time.')
      },
      closed
    ),
    exporters: Type.Object(
      {
        count: Type.Integer({ description: 'Observation Domains of Transport Sessions.' }),
        list: Type.Array(exporter, { description: 'Up to 1,000, those with the most records first.' })
      },
      closed
    ),
    templates: Type.Object(
      {
        count: Type.Integer({ description: 'Definitions, by exporter, domain and id.' }),
        list: Type.Array(template, { description: 'Up to 1,000, those with the most records first.' }),
        otherRecords: count('Records of definitions past the bound of 16,384.')
      },
      closed
    ),
    elements: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          pen: Type.Integer(),
          id: Type.Integer(),
          type: Type.Union([Type.String(), Type.Null()], { description: 'null: not in the registry.' }),
          records: count('Data Records that have it, as the exporter wrote them.'),
          share: Type.Number({ description: 'Of all Data Records, 0 to 1.' }),
          templates: count('Definitions that have it.')
        },
        closed
      ),
      { description: 'Up to 5,000, those in the most records first.' }
    ),
    protocols: mixOf('By protocolIdentifier, most estimated octets first.', {
      protocol: Type.Union([Type.Integer(), Type.Null()], { description: 'null: the records do not say.' }),
      name: Type.Union([Type.String(), Type.Null()])
    }),
    tcpFlags: mixOf('By tcpControlBits of records of TCP, most flows first.', {
      flags: Type.Union([Type.Integer(), Type.Null()], { description: 'null: the records do not say.' }),
      text: Type.Union([Type.String(), Type.Null()], { description: 'CEUAPRSF, a dot for each that is not set.' })
    }),
    sourcePorts: ranked(port, 'Source ports of TCP, UDP, DCCP, SCTP and UDP-Lite.'),
    destinationPorts: ranked(port, 'Destination ports.'),
    sources: ranked({ address }, 'Addresses by what they sent.'),
    destinations: ranked({ address }, 'Addresses by what was sent to them.'),
    conversations: ranking(
      Type.Object(
        {
          a: address,
          b: address,
          ...sums,
          aToB: direction,
          bToA: direction,
          mayHaveMissed: Type.Union([errors, Type.Null()])
        },
        closed
      ),
      'Pairs of addresses, both directions together.'
    ),
    series: Type.Object(
      {
        binSeconds: Type.Integer(),
        areOldTimesBelieved: Type.Boolean({
          description:
            'Most records are untimely, as those of an exporter that replays a recording: all are at their own times.'
        }),
        bins: Type.Array(
          Type.Object(
            {
              start: Type.String(),
              octets: count('Estimated octets, spread evenly from the start to the end of each flow.'),
              packets: count('Estimated packets, likewise.'),
              flows: count('Flows that begin there.')
            },
            closed
          )
        )
      },
      {
        ...closed,
        description: 'At most 480 bins without a gap; so wide that they reach from the first to the last flow.'
      }
    ),
    faults: Type.Array(Type.Object({ code: Type.String(), count: count('Times.'), meaning: Type.String() }, closed), {
      description: 'What was wrong in the input, most frequent first.'
    })
  },
  { ...closed, description: 'Sums are doubles: exact up to 2^53.' }
)

export type AnalysisReport = Static<typeof analysisSchema>
