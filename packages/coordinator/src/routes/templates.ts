import {
  HttpProblem,
  Template,
  TemplateDetails,
  TemplateHistory,
  checkLimit,
  cursorListOf,
  cursorQuery,
  templateFilters,
  problems
} from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static, TSchema } from 'typebox'
import type { JsonValue } from '@weir/link'
import type { Pod } from '../pod.ts'

const Key = Type.Object({ key: Type.String({ description: 'The key of the template, as it is listed.' }) })
const Id = Type.Object({ id: Type.String({ description: 'The exporter: its address.' }) })

/** `/v1/templates` and those of one exporter. The collector filters, orders and pages. */
export function templateRoutes(server: HttpServer, pod: Pod, maxPage: number): void {
  const tags = ['templates']
  const list = async (query: Readonly<Record<string, JsonValue | undefined>>): Promise<Listed> => {
    checkLimit(query.limit, maxPage)
    const answer = (await pod.collector('collector.templates', { limit: 100, ...query })) as unknown as Answered
    const { templates, ...page } = answer
    return { items: templates, ...page }
  }

  server.get(
    '/v1/templates',
    {
      schema: {
        tags,
        summary: 'The templates that live or are remembered',
        description:
          'In the order of exporter, scope, domain and id, or by a key of the entries. `next` leads to the page after this one, however many there are.',
        querystring: cursorQuery({
          exporter: Type.Optional(Type.String({ description: 'Only of this exporter.' })),
          ...templateFilters
        }),
        response: { 200: cursorListOf(Template), ...problems }
      }
    },
    async request => list(request.query)
  )

  server.get(
    '/v1/exporters/:id/templates',
    {
      schema: {
        tags,
        summary: 'The templates of one exporter',
        params: Id,
        querystring: cursorQuery(templateFilters),
        response: { 200: cursorListOf(Template), ...problems }
      }
    },
    async request => {
      const { id } = request.params
      await pod.collector('collector.exporter', { id })
      return list({ ...request.query, exporter: id })
    }
  )

  server.get(
    '/v1/templates/:key',
    {
      schema: {
        tags,
        summary: 'One template, decoded',
        params: Key,
        response: { 200: TemplateDetails, ...problems }
      }
    },
    async request => as<typeof TemplateDetails>(await pod.collector('collector.template', { key: request.params.key }))
  )

  server.get(
    '/v1/templates/:key/history',
    {
      schema: {
        tags,
        summary: 'Every definition that its id had, and what it meant at a time',
        params: Key,
        querystring: Type.Object(
          {
            at: Type.Optional(
              Type.String({
                description: 'A time (RFC 3339), e.g. `2026-01-31T10:32:00Z`: which definition held then?'
              })
            )
          },
          { additionalProperties: false }
        ),
        response: { 200: TemplateHistory, ...problems }
      }
    },
    async request => {
      const { key } = request.params
      const { at } = request.query
      const atMs = at === undefined ? undefined : timeOf(at)
      return as<typeof TemplateHistory>(await pod.collector('collector.templateHistory', { key, atMs }))
    }
  )

  server.delete(
    '/v1/templates/:key',
    {
      schema: {
        tags,
        summary: 'Forget a template, here and in the store; its data waits until the exporter announces it again',
        params: Key,
        response: { 204: Type.Null(), ...problems }
      }
    },
    async (request, reply) => {
      await pod.collector('collector.forgetTemplate', { key: request.params.key })
      return reply.code(204).send(null)
    }
  )
}

interface Listed {
  items: Static<typeof Template>[]
  total: number
  offset: number
  limit: number
  next: string | null
}
type Answered = Omit<Listed, 'items'> & { templates: Static<typeof Template>[] }

const as = <T extends TSchema>(value: JsonValue): Static<T> => value as unknown as Static<T>

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function timeOf(text: string): number {
  const timeMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(timeMs)) return timeMs
  const example = '2026-01-31T10:32:00Z'
  throw new HttpProblem(
    400,
    'TIME_INVALID',
    `at is ${JSON.stringify(text)}; a time has the form ${example} (RFC 3339).`
  )
}
