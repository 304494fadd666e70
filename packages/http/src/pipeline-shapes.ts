import Type from 'typebox'
import { count, oneOf, orNull, timeMs } from './schema-parts.ts'

const perSec = orNull(
  Type.Number({ description: 'Over the last ten seconds or so; null: its process has not been watched for so long.' })
)

const unit = oneOf(
  ['octets', 'datagrams', 'connections', 'messages', 'dataSets', 'records', 'batches'],
  'What is counted.'
)

const total = Type.Integer({ description: 'Since the start of its process, as in the ledger.' })

const Drop = Type.Object(
  { reason: Type.String({ description: 'As in the ledger.' }), unit, total, perSec },
  { additionalProperties: false }
)

const Counter = Type.Object(
  { name: Type.String({ description: 'As in the ledger, e.g. received, admitted, sent.' }), unit, total, perSec },
  { additionalProperties: false }
)

const depth = (description: string) => orNull(count(`${description}; null: it is not counted here.`))

const PipelineNode = Type.Object(
  {
    id: Type.String({ description: 'E.g. `listener:ipfix-udp`, `collector`, `link`, `mediator`, `destination:out`.' }),
    kind: oneOf(['listener', 'collector', 'link', 'mediator', 'destination'], 'What it is.'),
    name: Type.String(),
    state: Type.String({
      description:
        'Listener: its own or listening. Collector, mediator: connected or away. Link: its state. Destination: its status; removed: it still delivers, or its account is kept.'
    }),
    counters: Type.Array(Counter, { description: 'What went in and out of it.' }),
    queue: orNull(
      Type.Object(
        {
          records: depth('Records that wait in it'),
          dataSets: depth('Data Sets that wait in it for a template'),
          batches: depth('Batches that wait in it'),
          octets: depth('Octets that wait in it'),
          limitOctets: depth('Octets that may wait in it')
        },
        { additionalProperties: false }
      )
    ),
    drops: Type.Array(Drop, {
      description: 'What was lost there, by reason; reasons that have not happened are left out.'
    })
  },
  { additionalProperties: false }
)
export type PipelineNode = Type.Static<typeof PipelineNode>

const PipelineEdge = Type.Object(
  {
    from: Type.String({ description: 'Id of a node.' }),
    to: Type.String({ description: 'Id of a node.' }),
    unit,
    total: orNull(total),
    perSec
  },
  { additionalProperties: false }
)
export type PipelineEdge = Type.Static<typeof PipelineEdge>

/** The way of the records through one pod, with what passes and what is lost at each hop. */
export const Pipeline = Type.Object(
  {
    takenAtMs: timeMs('When it was put together'),
    nodes: Type.Array(PipelineNode),
    edges: Type.Array(PipelineEdge)
  },
  { additionalProperties: false }
)
export type Pipeline = Type.Static<typeof Pipeline>

/** Forms in which a pipeline is told. */
export const pipelineFormats = ['json', 'mermaid', 'dot'] as const
export type PipelineFormat = (typeof pipelineFormats)[number]
