import Type from 'typebox'
import type { Static } from 'typebox'

const closed = { additionalProperties: false } as const
const count = (description: string) => Type.Number({ description })

const sums = {
  octets: count('As the records say.'),
  packets: count('As the records say.'),
  flows: count('Flows.'),
  estimatedOctets: count('Times the sampling rate of each record.'),
  estimatedPackets: count('Times the sampling rate.')
}
const Sums = Type.Object(sums, closed)
const nullable = <T extends ReturnType<typeof Type.Integer> | ReturnType<typeof Type.String>>(type: T) =>
  Type.Union([type, Type.Null()])

const group = {
  id: Type.Integer({ description: 'From 0, those with the most nodes first.' }),
  nodes: Type.Integer({ description: 'How many.' }),
  within: Type.Object(sums, { ...closed, description: 'Over edges between its nodes.' })
}

/** What `graph` writes: graph.json. */
export const graphSchema = Type.Object(
  {
    schema: Type.Literal('weir.graph/1'),
    filter: nullable(Type.String()),
    nodeKind: Type.String({ description: 'addresses, prefixes or names.' }),
    measure: Type.String({ description: 'octets, packets or flows: by what edges are ordered and communities found.' }),
    totals: Type.Object(
      {
        records: count('Records that were counted.'),
        recordsWithoutAddresses: count('Records of these without a source or a destination: no edge.'),
        ...sums,
        nodes: Type.Integer({ description: 'Nodes of the graph.' }),
        edges: Type.Integer({ description: 'Edges of the graph.' }),
        density: count('Edges of all that there could be between its nodes, 0 to 1.'),
        components: Type.Integer({ description: 'Parts that hang together, whichever way edges go.' }),
        stronglyConnectedComponents: Type.Integer({ description: 'Parts in which every node reaches every other.' }),
        communities: Type.Integer({ description: 'Found by the Louvain method.' }),
        modularity: count('How well the communities part the graph, up to 1.')
      },
      { ...closed, description: 'Sums are those of all edges, also of those that were cut.' }
    ),
    cut: Type.Object(
      {
        edges: Type.Union([Type.Integer(), Type.Null()], {
          description: 'Edges that were counted and are not in the graph; null: not all could be held.'
        }),
        sums: Type.Object(sums, { ...closed, description: 'What went over edges that are not in the graph.' }),
        heaviestUnseen: count('The most, of the measure, that an edge can have that could not be held; 0: all were.'),
        arePortsComplete: Type.Boolean({ description: 'Whether all ports of all edges could be held.' })
      },
      closed
    ),
    nodes: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          degree: Type.Integer({ description: 'Edges that begin or end there.' }),
          inDegree: Type.Integer(),
          outDegree: Type.Integer(),
          component: Type.Integer(),
          community: Type.Integer(),
          sent: Sums,
          received: Sums
        },
        closed
      ),
      { description: 'Those with the most of the measure, sent and received, first.' }
    ),
    edges: Type.Array(
      Type.Object(
        {
          source: Type.String(),
          target: Type.String(),
          ...sums,
          mayHaveMissed: count('Of the measure, at most, before there was room for it.'),
          ports: Type.Array(
            Type.Object(
              {
                protocol: nullable(Type.Integer()),
                protocolName: nullable(Type.String()),
                port: Type.Union([Type.Integer(), Type.Null()], {
                  description:
                    'The lower of both ports, nearly always that of the service; null: the protocol has none.'
                }),
                service: nullable(Type.String()),
                ...sums
              },
              closed
            ),
            { description: 'The eight heaviest.' }
          )
        },
        closed
      ),
      { description: 'Heaviest first.' }
    ),
    components: Type.Array(Type.Object(group, closed), { description: 'Up to 1,000.' }),
    communities: Type.Array(
      Type.Object({ ...group, leaves: Type.Object(sums, { ...closed, description: 'Over edges to others.' }) }, closed),
      { description: 'Up to 1,000.' }
    )
  },
  { ...closed, description: 'Sums are doubles: exact up to 2^53.' }
)

export type GraphReport = Static<typeof graphSchema>
