import {
  Exporter,
  ExporterDetails,
  FieldShares,
  checkLimit,
  cursorListOf,
  cursorQuery,
  exporterFilters,
  problems
} from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import { templateScopes } from '@weir/config'
import type { Pod } from '../pod.ts'
import type { PolicyBook } from '../policy-book.ts'

const Id = Type.Object({ id: Type.String({ description: 'The exporter: its address.' }) })

const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description: 'ETag of the exporter as you read it; refused with 412 if what is said of it has changed.'
    })
  )
})
const Policy = Type.Object(
  {
    scope: Type.Optional(
      Type.Union([...templateScopes.map(scope => Type.Literal(scope)), Type.Null()], {
        description: 'Whose templates are used for its data; see collector.exporters in the configuration.'
      })
    ),
    resumeTemplates: Type.Optional(
      Type.Union([Type.Boolean(), Type.Null()], {
        description: 'TCP: the templates of its last session decode it until it announces its own.'
      })
    ),
    silentMs: Type.Optional(
      Type.Union([Type.Integer(), Type.Null()], {
        description: 'It is silent when nothing came for so long, milliseconds.'
      })
    ),
    skewMs: Type.Optional(
      Type.Union([Type.Integer(), Type.Null()], {
        description: 'Its clock is skewed when it differs from ours by more, milliseconds.'
      })
    )
  },
  { additionalProperties: false }
)

/** `/v1/exporters`: who exports to this pod. The collector filters, orders and pages. */
export function exporterRoutes(server: HttpServer, pod: Pod, policies: PolicyBook, maxPage: number): void {
  const tags = ['exporters']

  server.get(
    '/v1/exporters',
    {
      schema: {
        tags,
        summary: 'Who exports to this pod, and where each is in its life',
        querystring: cursorQuery(exporterFilters),
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
    async (request, reply) => {
      const { id } = request.params
      const details = (await pod.collector('collector.exporter', { id })) as unknown as Static<typeof ExporterDetails>
      reply.header('etag', policies.etagOf(id))
      return details
    }
  )

  server.patch(
    '/v1/exporters/:id',
    {
      schema: {
        tags,
        summary:
          'Say whose templates are used for one exporter, over the configuration; null = as the configuration says',
        description:
          'A merge patch (RFC 7396). It holds at once, is kept over restarts, and may be said of an exporter that is not there now.',
        params: Id,
        headers: IfMatch,
        body: Policy,
        response: { 200: Type.Object({ id: Type.String(), ...Policy.properties }), ...problems }
      },
      // The book checks it: the usual checker would take null for false.
      validatorCompiler: () => () => true
    },
    async (request, reply) => {
      const { id } = request.params
      const override = await policies.patch(id, request.body, request.headers['if-match'])
      const { scope = null, resumeTemplates = null, silentMs = null, skewMs = null } = override
      return reply.header('etag', policies.etagOf(id)).send({ id, scope, resumeTemplates, silentMs, skewMs })
    }
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
