import Type from 'typebox'
import { filterParam } from '../flows/filter-param.ts'
import type { Static } from 'typebox'

const closed = { additionalProperties: false } as const

/** Parameters of `graph`. */
export const GraphParams = Type.Object(
  {
    filter: filterParam,
    nodes: Type.Optional(
      Type.Union([Type.Literal('addresses'), Type.Literal('prefixes'), Type.Literal('names')], {
        default: 'addresses',
        description: 'What a node is. Addresses that no entry of `names` holds are one node, `other`.'
      })
    ),
    ipv4Prefix: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 32, default: 24, description: 'Length of IPv4 prefixes.' })
    ),
    ipv6Prefix: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 128, default: 48, description: 'Length of IPv6 prefixes.' })
    ),
    names: Type.Optional(
      Type.Array(
        Type.Object(
          {
            prefix: Type.String({ maxLength: 64, description: 'An address or a prefix, such as 10.1.0.0/16.' }),
            name: Type.String({ minLength: 1, maxLength: 128, description: 'Several prefixes may have one name.' })
          },
          closed
        ),
        { default: [], maxItems: 4096, description: 'Names of prefixes; the longest that holds an address counts.' }
      )
    ),
    measure: Type.Optional(
      Type.Union([Type.Literal('octets'), Type.Literal('packets'), Type.Literal('flows')], {
        default: 'octets',
        description: 'What makes an edge heavy: estimated octets, estimated packets, or flows.'
      })
    ),
    maxNodes: Type.Optional(
      Type.Integer({ minimum: 2, maximum: 50_000, default: 1000, description: 'The heaviest edges decide which.' })
    ),
    maxEdges: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 200_000, default: 5000, description: 'The heaviest.' })
    ),
    formats: Type.Optional(
      Type.Array(
        Type.Union([Type.Literal('json'), Type.Literal('graphml'), Type.Literal('gexf'), Type.Literal('grafana')]),
        {
          default: ['json', 'graphml', 'gexf', 'grafana'],
          minItems: 1,
          maxItems: 4,
          uniqueItems: true,
          description: 'Files to write: graph.json, graph.graphml, graph.gexf, grafana.json.'
        }
      )
    )
  },
  closed
)

export type GraphParams = Static<typeof GraphParams>

/** With what holds where nothing is said. */
export const withDefaults = (params: GraphParams): Required<GraphParams> => ({
  filter: null,
  nodes: 'addresses',
  ipv4Prefix: 24,
  ipv6Prefix: 48,
  names: [],
  measure: 'octets',
  maxNodes: 1000,
  maxEdges: 5000,
  formats: ['json', 'graphml', 'gexf', 'grafana'],
  ...params
})
