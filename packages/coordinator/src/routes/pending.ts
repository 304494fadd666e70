import { checkLimit, count, listOf, listQuery, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import type { Pod } from '../pod.ts'

const Waiting = Type.Object({
  key: Type.String({ description: 'Key of the template, in /v1/templates too once it is known.' }),
  exporter: Type.String(),
  scope: Type.String({ description: 'Scope key: whose template it is to be.' }),
  odid: Type.Integer(),
  templateId: Type.Integer(),
  version: Type.Integer(),
  transport: Type.String(),
  listener: Type.String(),
  port: Type.Integer({ description: 'Source port.' }),
  reason: Type.String({
    description:
      'unknown_template; in quarantine: restart (the exporter began anew and has not announced it since) or misfit (a Set did not fit it).'
  }),
  sets: count('Data Sets that wait.'),
  octets: count('What they take of the bounds.'),
  setsOnDisk: count('Of these on disk.'),
  sinceAtMs: timeMs('When the oldest came; in quarantine: when the doubt began')
})

const List = Type.Object({
  ...listOf(Waiting).properties,
  sets: count('Data Sets that wait, on all pages.'),
  octets: count('What they take of the bounds, on all pages.')
})

const filters = {
  exporter: Type.Optional(Type.String({ description: 'Only of this exporter.' })),
  odid: Type.Optional(Type.Integer({ minimum: 0, description: 'Only of this Observation Domain.' })),
  templateId: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Only for this id.' }))
}

const routes = [
  {
    path: '/v1/pending',
    method: 'collector.pending',
    summary: 'Data Sets that wait for a template that is not known, by exporter and template id'
  },
  {
    path: '/v1/quarantine',
    method: 'collector.quarantine',
    summary: 'Data Sets that wait because their template is in doubt, by exporter and template id'
  }
] as const

/** `/v1/pending`, `/v1/quarantine`. */
export function pendingRoutes(server: HttpServer, pod: Pod, maxPage: number): void {
  for (const { path, method, summary } of routes) {
    server.get(
      path,
      {
        schema: {
          tags: ['templates'],
          summary,
          description:
            'In the order of exporter, scope, domain and id; or by sets, octets or sinceAtMs. What a shared store has taken over is not among it: the ledger counts it as handed over.',
          querystring: listQuery(filters),
          response: { 200: List, ...problems }
        }
      },
      async request => {
        checkLimit(request.query.limit, maxPage)
        return (await pod.collector(method, { limit: 100, ...request.query })) as unknown as Static<typeof List>
      }
    )
  }
}
