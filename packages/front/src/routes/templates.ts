import { HttpProblem, Template, checkLimit, cursorQuery, problems, templateFilters } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import type { AnswerCache } from '../fleet/answer-cache.ts'
import { mergedListOf, notModified, partial, podName, podPageOf, takenAtMs } from '../fleet/fleet-shapes.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { mergedPage } from '../fleet/merged-page.ts'
import type { MergedPage } from '../fleet/merged-page.ts'

const podTemplates = podPageOf(Template)

/** Templates of one scope that are put into one answer. */
const SCOPE_TEMPLATES = 1_000
/** Pages that are looked through for them. */
const SCOPE_PAGES = 10

const ScopeTemplates = Type.Object({
  scope: Type.String({ description: 'Scope key: whose templates these are.' }),
  total: Type.Integer({
    description: 'Templates here: all under it, as far as they are no more than 1,000 in each pod.'
  }),
  takenAtMs,
  exporters: Type.Array(
    Type.Object({
      exporter: Type.String(),
      pod: Type.String({ description: 'Which pod says so.' }),
      odid: Type.Integer({ description: 'Observation Domain (v9: Source ID).' }),
      templates: Type.Array(Template)
    }),
    { description: 'By exporter, pod and Observation Domain.' }
  ),
  ...partial
})

/** `/api/v1/templates` and `/api/flow-templates`, which are the same. */
export function templateRoutes(server: HttpServer, fleet: Fleet, cache: AnswerCache, maxPage: number): void {
  const { offset: _offset, ...query } = cursorQuery({
    exporter: Type.Optional(Type.String({ description: 'Only of this exporter.' })),
    ...templateFilters,
    pod: podName
  }).properties

  for (const path of ['/api/v1/templates', '/api/flow-templates']) {
    const tags = ['templates']
    const config = { role: 'reader' } as const
    server.get(
      path,
      {
        config,
        schema: {
          tags,
          summary: 'The templates that live or are remembered in any pod',
          description: 'Merged from all pods that answer in time; one that does not is named in `pods`.',
          querystring: Type.Object(query, { additionalProperties: false }),
          response: { 200: mergedListOf(Template.properties), ...notModified, ...problems }
        }
      },
      (request, reply) => {
        const { query: asked } = request
        checkLimit(asked.limit, maxPage)
        const make = () => mergedPage<Static<typeof Template>>(fleet, podTemplates, '/v1/templates', asked, 'exporter')
        return cache.answer(request, reply, make)
      }
    )

    server.get(
      `${path}/:scope`,
      {
        config,
        schema: {
          tags,
          summary: 'The templates under one scope key, by exporter, with the names of their elements',
          params: Type.Object({
            scope: Type.String({ maxLength: 512, description: '`scope` of a listed template, percent-encoded.' })
          }),
          querystring: Type.Object({ pod: podName }, { additionalProperties: false }),
          response: { 200: ScopeTemplates, ...notModified, ...problems }
        }
      },
      (request, reply) => {
        const { scope } = request.params
        const { pod } = request.query
        return cache.answer(request, reply, () => scopeTemplates(fleet, scope, pod))
      }
    )
  }
}

async function scopeTemplates(
  fleet: Fleet,
  scope: string,
  pod: string | undefined
): Promise<Static<typeof ScopeTemplates>> {
  const under: (Static<typeof Template> & { readonly pod: string })[] = []
  let page: MergedPage<Static<typeof Template>> | undefined
  // The pods narrow by how a scope begins: there may be others between.
  for (let pages = 0; pages < SCOPE_PAGES && page?.next !== null && under.length < SCOPE_TEMPLATES; pages++) {
    const asked = { scope, pod, limit: SCOPE_TEMPLATES, cursor: page?.next }
    page = await mergedPage<Static<typeof Template>>(fleet, podTemplates, '/v1/templates', asked, 'exporter')
    under.push(...page.items.filter(template => template.scope === scope))
  }
  const { next, pods, isPartial, takenAtMs: atMs } = page!
  if (under.length === 0 && next === null && !isPartial) {
    throw new HttpProblem(
      404,
      'NOT_FOUND',
      `No template is under ${JSON.stringify(scope)}; /api/v1/templates lists them.`
    )
  }
  const groups = Map.groupBy(under, ({ exporter, pod: its, odid }) => JSON.stringify([exporter, its, odid]))
  const exporters = [...groups.values()].map(templates => {
    const { exporter, pod: its, odid } = templates[0]!
    return { exporter, pod: its, odid, templates }
  })
  return { scope, total: under.length, takenAtMs: atMs, exporters, pods, isPartial }
}
