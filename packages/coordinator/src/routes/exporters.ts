import Type from 'typebox'
import type { Static } from 'typebox'
import { checkLimit, cursorListOf, cursorQuery } from '../paging.ts'
import type { Pod } from '../pod.ts'
import { Exporter, ExporterDetails, FieldShares, exporterStates, problems } from '../schemas.ts'
import type { Server } from '../server.ts'

const Id = Type.Object({ id: Type.String({ description: 'The exporter: its address.' }) })

/** `/v1/exporters`: who exports to this pod. The collector filters, orders and pages. */
export function exporterRoutes(server: Server, pod: Pod, maxPage: number): void {
  const tags = ['exporters']

  server.get(
    '/v1/exporters',
    {
      schema: {
        tags,
        summary: 'Who exports to this pod, and where each is in its life',
        querystring: cursorQuery({
          version: Type.Optional(Type.Integer({ description: 'Only those that send this version: 1, 5, 7, 9 or 10.' })),
          id: Type.Optional(Type.String({ description: 'Only those whose id begins so.' })),
          state: Type.Optional(
            Type.Union(
              exporterStates.map(state => Type.Literal(state)),
              { description: 'Only those that are there in their life.' }
            )
          )
        }),
        response: { 200: cursorListOf(Exporter), ...problems }
      }
    },
    async request => {
      checkLimit(request.query.limit, maxPage)
      const answer = await pod.collector('collector.exporters', { limit: 100, ...request.query })
      const { exporters: items, ...page } = answer as unknown as Answered
      return { items, ...page }
    }
  )

  server.get(
    '/v1/exporters/:id',
    {
      schema: {
        tags,
        summary: 'One exporter with its sessions and Observation Domains',
        params: Id,
        response: { 200: ExporterDetails, ...problems }
      }
    },
    async request =>
      (await pod.collector('collector.exporter', { id: request.params.id })) as unknown as Static<
        typeof ExporterDetails
      >
  )

  server.get(
    '/v1/exporters/:id/fields',
    {
      schema: {
        tags,
        summary: 'Which elements it sends, and in what share of its records',
        params: Id,
        response: { 200: FieldShares, ...problems }
      }
    },
    async request =>
      (await pod.collector('collector.fields', { exporter: request.params.id })) as unknown as Static<
        typeof FieldShares
      >
  )
}

interface Answered {
  exporters: Static<typeof Exporter>[]
  total: number
  offset: number
  limit: number
  next: string | null
}
