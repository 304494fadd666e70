import { checkLimit, count, listOf, orNull, pageQuery, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static, TProperties, TSchema } from 'typebox'
import type { Pod } from '../pod.ts'

const Id = Type.Object({ id: Type.String({ description: 'The exporter: its address.' }) })

/** What every entry says besides its topic. */
const learned = {
  odid: Type.Integer({ description: 'Observation Domain that said it.' }),
  scope: Type.String({ description: 'Scope key of the session that said it.' }),
  port: Type.Integer({ description: 'Source port of that session.' }),
  listener: Type.String(),
  learnedBy: Type.String({ description: 'options: an options record; header: the header of NetFlow v5.' }),
  templateId: orNull(Type.Integer({ description: 'The Options Template, if it is live.' })),
  source: Type.String({ description: 'wire, store or sibling.' }),
  learnedAtMs: orNull(timeMs('When it was said last')),
  exportTimeSec: orNull(Type.Integer({ description: 'Export Time of the Message that said it.' })),
  fields: Type.Array(
    Type.Object({
      pen: Type.Integer(),
      id: Type.Integer(),
      name: orNull(Type.String()),
      isScope: Type.Boolean(),
      value: Type.String({ description: 'As text (RFC 7373).' })
    }),
    { description: 'The whole record.' }
  )
}
const ifIndex = orNull(count('The interface, where the record is about one.'))
const element = orNull(Type.String({ description: 'The element that names it.' }))
const name = orNull(Type.String())
const description = orNull(Type.String())

const topics = {
  sampling: {
    summary: 'How it samples: rates and algorithms by sampler, selector or interface, as it has said',
    entry: {
      selectorId: orNull(Type.String({ description: 'selectorId or samplerId.' })),
      selectorName: name,
      ifIndex,
      rate: orNull(Type.Number({ description: 'One packet in so many; null if that is not said.' })),
      algorithm: orNull(Type.String({ description: 'E.g. `random n-out-of-N` (RFC 5477), `deterministic` (NetFlow).' }))
    }
  },
  interfaces: {
    summary: 'Names and descriptions of its interfaces, as it has said',
    entry: { ifIndex, element, name, description }
  },
  vrfs: {
    summary: 'Names of its VRFs, as it has said',
    entry: { vrfId: orNull(count('The VRF.')), element, name }
  },
  applications: {
    summary: 'Names and descriptions of applications, as it has said',
    entry: {
      applicationId: orNull(Type.String({ description: 'Hexadecimal: the engine, then the selector (RFC 6759).' })),
      name,
      description
    }
  }
} as const satisfies Record<string, { readonly summary: string; readonly entry: TProperties }>

/** `/v1/exporters/{id}/sampling`, `/interfaces`, `/vrfs`, `/applications`: its options records, decoded. */
export function optionsRoutes(server: HttpServer, pod: Pod, maxPage: number): void {
  for (const [topic, { summary, entry }] of Object.entries(topics)) {
    const Entry: TSchema = Type.Object({ ...learned, ...entry })
    server.get(
      `/v1/exporters/:id/${topic}`,
      {
        schema: {
          tags: ['exporters'],
          summary,
          params: Id,
          querystring: pageQuery,
          response: { 200: listOf(Entry), ...problems }
        }
      },
      async request => {
        const { limit = 100, offset = 0 } = request.query
        checkLimit(limit, maxPage)
        const params = { exporter: request.params.id, topic, offset, limit }
        return (await pod.collector('collector.options', params)) as unknown as Listed
      }
    )
  }
}

type Listed = Static<ReturnType<typeof listOf<TSchema>>>
