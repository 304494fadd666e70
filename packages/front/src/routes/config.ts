import { ConfigStatus, HttpProblem, RevisionDifference, RevisionSummary, listOf, pageQuery, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { WeirConfig, withoutOwnKeys } from '@weir/config'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Gate } from '../auth/gate.ts'
import { partial } from '../fleet/fleet-shapes.ts'
import type { FleetConfig, PodStanding } from '../fleet/fleet-config.ts'

const tags = ['configuration']

/** Sections of a document as it is sent: what is in them is checked by the pod, which names every error. */
const sentSections = (description: string) =>
  Type.Object(
    Object.fromEntries(
      Object.entries(WeirConfig.properties).map(([key, section]) => {
        const { description: its } = section as { description?: string }
        return [key, Type.Optional(Type.Unknown(its === undefined ? {} : { description: its }))]
      })
    ),
    { additionalProperties: false, description }
  )
export const SentDocument = sentSections(
  "A whole document, of the form of weir.yaml, without what is each pod's own (stateDir, coordinator.port, front, stores, …). Keys left out have their defaults."
)
export const SentPatch = sentSections('Keys of the document, as in weir.yaml: a merge patch (RFC 7396).')

const Plan = Type.Object({
  revision: Type.Integer({ description: 'The revision in force there, from which the plan starts.' }),
  isApplicable: Type.Boolean({ description: 'Whether the pod takes it: nothing wants a restart.' }),
  changes: Type.Integer({ description: 'Steps that change something.' }),
  steps: Type.Array(
    Type.Object({
      action: Type.String({ description: 'add, change, remove, keep or restart.' }),
      what: Type.String({ description: 'What it is about.' }),
      id: Type.String({ description: 'Id, name or address; of a key its path.' }),
      stays: Type.Array(Type.String(), { description: 'What goes on undisturbed.' }),
      processes: Type.Array(Type.String(), { description: 'Who takes it, or would have to be restarted.' })
    })
  )
})

const PodConfig = Type.Object({
  pod: Type.String({ description: 'HOST:PORT of its control API.' }),
  status: ConfigStatus
})

const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description:
        'ETag of GET /api/v1/config as you read it: 428 without it, 412 if it has changed since. `*` = whatever is there.'
    })
  )
})
const Reason = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1_024, description: 'Why, for the list of revisions.' }))
  },
  { additionalProperties: false }
)
const number = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description })
const nothing = Type.Object({}, { additionalProperties: false })
const Params = Type.Object({ n: number('Number of the revision.') })
const Document = Type.Object({}, { additionalProperties: true, description: 'As weir.yaml, with every default.' })
const Revision = Type.Object({ ...RevisionSummary.properties, document: Document })
const Diff = Type.Object({ from: Type.Integer(), to: Type.Integer(), differences: Type.Array(RevisionDifference) })
const Revisions = listOf(RevisionSummary)

const summaryShape = Compile(RevisionSummary)
const planShape = Compile(Plan)
const revisionShape = Compile(Revision)
const revisionsShape = Compile(Revisions)
const diffShape = Compile(Diff)

/** `/api/v1/config`: one document for the fleet, by way of its pods. */
export function configRoutes(server: HttpServer, config: FleetConfig, gate: Gate): void {
  const reader = { role: 'reader' } as const
  const operator = { role: 'operator' } as const
  const isChecked = { validatorCompiler: () => () => true }

  const change = async (
    request: {
      readonly query: { reason?: unknown }
      readonly headers: Readonly<Record<string, unknown>>
      readonly body: unknown
    },
    method: string
  ): Promise<RevisionSummary> => {
    const ifMatch = request.headers['if-match']
    const { pod } = await config.writer()
    const headers = ifMatch === undefined ? {} : { headers: { 'if-match': String(ifMatch) } }
    const path = `/v1/config?${noteOf(request, gate)}`
    return config.ask(pod, path, summaryShape, { method, ...headers, body: request.body })
  }

  server.get(
    '/api/v1/config',
    {
      config: reader,
      schema: {
        tags,
        summary: 'The document of the fleet, and how each pod stands to it',
        description:
          'It is that of the newest revision in force at a pod; `items` says which pods have it, and why others have not. The ETag is that of the newest revision.',
        querystring: nothing,
        response: {
          200: Type.Object({
            pod: Type.String({
              description: 'Whose document it is. Pods that have revisions of their own may have others.'
            }),
            revision: RevisionSummary,
            document: Document,
            isConverged: Type.Boolean({ description: 'Every pod that answers has the newest revision in force.' }),
            items: Type.Array(PodConfig),
            ...partial
          }),
          ...problems
        }
      }
    },
    async (_request, reply) => {
      const { standings, best, pods, isPartial } = await config.standing()
      const document = await config.document(best)
      reply.header('etag', etagOf(best.status.newest ?? best.status.revision))
      return {
        pod: best.pod.name,
        revision: best.status.revision,
        document,
        isConverged: areConverged(standings),
        items: standings.map(({ pod, status }) => ({ pod: pod.name, status })),
        pods,
        isPartial
      }
    }
  )

  for (const [method, summary] of [
    ['PUT', 'Put a whole document in force at all pods, at one first; the others converge on it within 2 s'],
    ['PATCH', 'Change the document by a merge patch (RFC 7396): only the keys given; null = back to the default']
  ] as const) {
    server.route({
      method,
      url: '/api/v1/config',
      config: operator,
      schema: {
        tags,
        summary,
        description:
          'The pod that is asked takes it as a whole or not at all, and its answer is passed on. POST /api/v1/config/rollouts goes pod by pod instead.',
        headers: IfMatch,
        querystring: Reason,
        body: method === 'PUT' ? SentDocument : SentPatch,
        response: { 200: RevisionSummary, ...problems }
      },
      ...isChecked,
      handler: async (request, reply) => {
        if (request.headers['if-match'] === undefined) throw ifMatchRequired()
        const made = await change(request as never, method)
        reply.header('etag', etagOf(made))
        return made
      }
    })
  }

  server.post(
    '/api/v1/config/validate',
    {
      config: reader,
      schema: {
        tags,
        summary: 'Check a whole document; nothing is changed. 422 names every error and what is allowed',
        body: SentDocument,
        response: { 200: Document, ...problems }
      },
      ...isChecked
    },
    async request => {
      const { best } = await config.standing()
      return config.validated(best, request.body)
    }
  )

  server.post(
    '/api/v1/config/plan',
    {
      config: reader,
      schema: {
        tags,
        summary: 'What PUT of this document would do at each pod, step by step, and what stays; nothing is changed',
        body: SentDocument,
        response: {
          200: Type.Object({
            isApplicable: Type.Boolean({ description: 'Every pod that answers takes it.' }),
            items: Type.Array(
              Type.Object({
                pod: Type.String(),
                plan: Type.Union([Plan, Type.Null()]),
                detail: Type.Union([Type.String(), Type.Null()], { description: 'Why it has none.' })
              })
            ),
            ...partial
          }),
          ...problems
        }
      },
      ...isChecked
    },
    async request => {
      const { standings, pods, isPartial } = await config.standing()
      const items = await plansOf(config, standings, request.body)
      return { isApplicable: items.every(({ plan }) => plan?.isApplicable === true), items, pods, isPartial }
    }
  )

  server.get(
    '/api/v1/config/revisions',
    {
      config: reader,
      schema: {
        tags,
        summary: 'All that held and holds, newest first',
        querystring: pageQuery,
        response: { 200: Revisions, ...problems }
      }
    },
    async request => {
      const { best } = await config.standing()
      const { limit = 100, offset = 0 } = request.query
      return config.ask(best.pod, `/v1/config/revisions?limit=${limit}&offset=${offset}`, revisionsShape)
    }
  )

  server.get(
    '/api/v1/config/revisions/:n',
    {
      config: reader,
      schema: {
        tags,
        summary: "One revision with its document, without what is each pod's own",
        params: Params,
        querystring: nothing,
        response: { 200: Revision, ...problems }
      }
    },
    async request => {
      const { best } = await config.standing()
      const revision = await config.ask(best.pod, `/v1/config/revisions/${request.params.n}`, revisionShape)
      return { ...revision, document: withoutOwnKeys(revision.document as WeirConfig, best.status.ownKeys) }
    }
  )

  server.get(
    '/api/v1/config/revisions/:n/diff',
    {
      config: reader,
      schema: {
        tags,
        summary: 'Where a revision and another differ',
        params: Params,
        querystring: Type.Object(
          { to: Type.Optional(number('The other revision; without it the one in force.')) },
          { additionalProperties: false }
        ),
        response: {
          200: Diff,
          ...problems
        }
      }
    },
    async request => {
      const { best } = await config.standing()
      const { to } = request.query
      const query = to === undefined ? '' : `?to=${to}`
      return config.ask(best.pod, `/v1/config/revisions/${request.params.n}/diff${query}`, diffShape)
    }
  )

  server.post(
    '/api/v1/config/rollback',
    {
      config: operator,
      schema: {
        tags,
        summary: 'Put the document of an earlier revision in force again at all pods, as a new revision',
        headers: Type.Object({
          'if-match': Type.Optional(
            Type.String({ description: 'ETag of the document in force as you read it; 412 if it has changed since.' })
          )
        }),
        body: Type.Object(
          {
            to: number('The revision whose document is to hold.'),
            reason: Type.Optional(Type.String({ maxLength: 1_024 }))
          },
          { additionalProperties: false }
        ),
        response: { 200: RevisionSummary, ...problems }
      }
    },
    async (request, reply) => {
      const { pod } = await config.writer()
      const ifMatch = request.headers['if-match']
      const headers = ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } }
      const body = { ...request.body, author: authorOf(request, gate) }
      const made = await config.ask(pod, '/v1/config/rollback', summaryShape, { method: 'POST', ...headers, body })
      reply.header('etag', etagOf(made))
      return made
    }
  )
}

/** What a document would do at each of some pods. */
export const plansOf = (
  config: FleetConfig,
  standings: readonly PodStanding[],
  document: unknown
): Promise<{ pod: string; plan: Type.Static<typeof Plan> | null; detail: string | null }[]> =>
  Promise.all(
    standings.map(async ({ pod }) => {
      try {
        const plan = await config.ask(pod, '/v1/config/plan', planShape, { method: 'POST', body: document })
        return { pod: pod.name, plan, detail: null }
      } catch (error) {
        if (!(error instanceof HttpProblem)) throw error
        const { status, code, detail, errors } = error.problem
        if (status !== 422) return { pod: pod.name, plan: null, detail }
        // What is wrong with a document may be so at one of them alone: what it may send to, or know, is its own.
        throw standings.length === 1 ? error : new HttpProblem(status, code, `${pod.name}: ${detail}`, errors)
      }
    })
  )

const areConverged = (standings: readonly PodStanding[]): boolean => {
  const newest = Math.max(...standings.map(({ status }) => (status.newest ?? status.revision).number))
  return standings.every(({ status }) => status.isConverged && status.revision.number === newest)
}

const etagOf = ({ number: its, hash }: RevisionSummary): string => `"${its}-${hash.slice(0, 16)}"`

/** As long as pods take it: the subject of a token may be longer. */
const authorOf = (request: object, gate: Gate): string => gate.keyOf(request).id.slice(0, 128)

function noteOf(request: { readonly query: { reason?: unknown } }, gate: Gate): string {
  const { reason } = request.query
  const query = new URLSearchParams({ author: authorOf(request, gate) })
  if (reason !== undefined) query.set('reason', String(reason))
  return String(query)
}

const ifMatchRequired = (): HttpProblem =>
  new HttpProblem(
    428,
    'IF_MATCH_REQUIRED',
    'Say which document you change: send the ETag of GET /api/v1/config as If-Match, or * for whatever is there.'
  )
