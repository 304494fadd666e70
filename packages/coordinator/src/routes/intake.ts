import Type from 'typebox'
import type { Static } from 'typebox'
import { listOf, listQuery, pageOf } from '../paging.ts'
import type { JsonValue } from '@weir/link'
import type { Pod } from '../pod.ts'
import type { CollectorState } from '../process-state.ts'
import { Exporter, ExporterDetails, FieldShares, Listener, Template, problems } from '../schemas.ts'
import type { Server } from '../server.ts'

const Id = Type.Object({ id: Type.String({ description: 'The exporter: its address.' }) })
const templateFilters = {
  odid: Type.Optional(Type.Integer({ minimum: 0, description: 'Only of this Observation Domain.' })),
  templateId: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Only with this id.' })),
  kind: Type.Optional(
    Type.Union([Type.Literal('template'), Type.Literal('options')], {
      description: 'Only Templates, or only Options Templates.'
    })
  ),
  field: Type.Optional(Type.String({ description: 'Only those that have an element of this name.' }))
}
type TemplateFilters = Static<ReturnType<typeof filtersOf>>
const filtersOf = () => Type.Object({ exporter: Type.Optional(Type.String()), ...templateFilters })
/** The collector gives so many in one answer. */
const AT_ONCE = 1_000

/** `/v1/listeners`, `/v1/exporters`, `/v1/templates`. */
export function intakeRoutes(server: Server, pod: Pod, maxPage: number): void {
  const tags = ['intake']
  const state = async (): Promise<CollectorState> =>
    (await pod.collector('collector.state')) as unknown as CollectorState

  server.get(
    '/v1/listeners',
    {
      schema: {
        tags,
        summary: 'Where exporters send to, with socket, buffers and kernel drops',
        querystring: listQuery({}),
        response: { 200: listOf(Listener), ...problems }
      }
    },
    async request => pageOf((await state()).listeners, request.query, maxPage)
  )

  server.get(
    '/v1/exporters',
    {
      schema: {
        tags,
        summary: 'Who exports to this pod',
        querystring: listQuery({
          version: Type.Optional(Type.Integer({ description: 'Only those that send this version: 1, 5, 7, 9 or 10.' })),
          id: Type.Optional(Type.String({ description: 'Only those whose id begins so.' }))
        }),
        response: { 200: listOf(Exporter), ...problems }
      }
    },
    async request => {
      const { version, id = '', ...page } = request.query
      const items: Static<typeof Exporter>[] = []
      for await (const exporter of pagesOf<Static<typeof Exporter>>(pod, 'exporters', {})) {
        const isWanted = exporter.id.startsWith(id) && (version === undefined || exporter.versions.includes(version))
        if (isWanted) items.push(exporter)
      }
      return pageOf(items, page, maxPage)
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

  server.get(
    '/v1/exporters/:id/templates',
    {
      schema: {
        tags,
        summary: 'Its live templates',
        params: Id,
        querystring: listQuery(templateFilters),
        response: { 200: listOf(Template), ...problems }
      }
    },
    async request => {
      const { id } = request.params
      await pod.collector('collector.exporter', { id })
      const { limit, offset, sort, ...filters } = request.query
      return pageOf(await templatesOf(pod, { ...filters, exporter: id }), { limit, offset, sort }, maxPage)
    }
  )

  server.get(
    '/v1/templates',
    {
      schema: {
        tags,
        summary: 'All live templates',
        querystring: listQuery({
          exporter: Type.Optional(Type.String({ description: 'Only of this exporter.' })),
          ...templateFilters
        }),
        response: { 200: listOf(Template), ...problems }
      }
    },
    async request => {
      const { limit, offset, sort, ...filters } = request.query
      return pageOf(await templatesOf(pod, filters), { limit, offset, sort }, maxPage)
    }
  )
}

async function templatesOf(
  pod: Pod,
  { exporter, odid, templateId, kind, field }: TemplateFilters
): Promise<Template[]> {
  const found: Template[] = []
  for await (const template of pagesOf<Template>(pod, 'templates', { exporter, odid })) {
    const isOptions = template.scopeCount > 0
    if (templateId !== undefined && template.templateId !== templateId) continue
    if (kind !== undefined && isOptions !== (kind === 'options')) continue
    if (field !== undefined && !template.fields.some(({ name }) => name === field)) continue
    found.push(template)
  }
  return found
}

/** All that the collector has of `what`, asked for page by page, so that no answer is too large for the control channel. */
async function* pagesOf<T>(
  pod: Pod,
  what: 'templates' | 'exporters',
  params: { readonly [key: string]: JsonValue | undefined }
): AsyncGenerator<T> {
  for (let offset = 0; ; offset += AT_ONCE) {
    const answer = await pod.collector(`collector.${what}`, { ...params, offset, limit: AT_ONCE })
    const { total, [what]: items } = answer as unknown as { total: number } & Record<typeof what, T[]>
    yield* items
    if (offset + AT_ONCE >= total) return
  }
}
