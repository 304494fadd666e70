import { HttpProblem, listOf, listQuery, pageOf, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Gate } from '../auth/gate.ts'
import { Gates, RolloutView, defaultGates } from '../rollouts/rollout.ts'
import type { Rollouts } from '../rollouts/rollouts.ts'
import { SentDocument, SentPatch } from './config.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64, description: 'Of the roll-out.' }) })

const Request = Type.Object(
  {
    document: Type.Optional(SentDocument),
    patch: Type.Optional(SentPatch),
    revision: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Instead: the number of an earlier revision whose document it is to be.'
      })
    ),
    reason: Type.Optional(Type.String({ maxLength: 900, description: 'Why, for the list of revisions.' })),
    gates: Type.Optional(Gates),
    first: Type.Optional(
      Type.Array(Type.String({ maxLength: 300 }), { maxItems: 1_024, description: 'Pods that have their turn first.' })
    ),
    isAwayLeftOut: Type.Optional(
      Type.Boolean({ description: 'Go on although a pod does not answer: it takes the revision when it is back.' })
    )
  },
  { additionalProperties: false }
)

/** `/api/v1/config/rollouts`. @param rollouts - undefined: pods have no store of revisions in common. */
export function rolloutRoutes(server: HttpServer, rollouts: Rollouts | undefined, gate: Gate, maxPage: number): void {
  const tags = ['configuration']
  const there = (): Rollouts => {
    if (rollouts !== undefined) return rollouts
    const detail = 'A roll-out needs a store that the pods and the front have in common: name it in stores.revisions.'
    throw new HttpProblem(409, 'NO_SHARED_STORE', detail)
  }

  server.post(
    '/api/v1/config/rollouts',
    {
      config: { role: 'operator' },
      schema: {
        tags,
        summary: 'Put a document in force pod by pod: each has to stand the gates before the next has its turn',
        description:
          'It becomes the newest revision when all have passed. If one fails, all go back to the revision of before at once. Meanwhile the configuration cannot be changed otherwise. Any front shows, cancels and drives it on.',
        body: Request,
        response: { 202: RolloutView, ...problems }
      }
    },
    async (request, reply) => {
      const { document, patch, revision, gates, ...rest } = request.body
      if ([document, patch, revision].filter(each => each !== undefined).length !== 1) {
        throw new HttpProblem(400, 'REQUEST_INVALID', 'Name one of document, patch and revision.')
      }
      const asked = { document, patch, revision, gates: gates ?? defaultGates, ...rest }
      const begun = await there().begin(asked, gate.keyOf(request).id)
      return reply.code(202).header('location', `/api/v1/config/rollouts/${begun.id}`).send(begun)
    }
  )

  server.get(
    '/api/v1/config/rollouts',
    {
      config: { role: 'reader' },
      schema: {
        tags,
        summary: 'The roll-out that is going on, and the last 100 that have ended, the newest first',
        querystring: listQuery({
          state: Type.Optional(Type.String({ description: 'Only in this state.' }))
        }),
        response: { 200: listOf(RolloutView), ...problems }
      }
    },
    async request => {
      const { state, ...page } = request.query
      const all = await there().list()
      return pageOf(
        all.filter(each => (state ?? each.state) === each.state),
        page,
        maxPage
      )
    }
  )

  server.get(
    '/api/v1/config/rollouts/:id',
    {
      config: { role: 'reader' },
      schema: {
        tags,
        summary: 'One roll-out: where it is, what happened, and why it failed',
        params: Id,
        querystring: Type.Object({}, { additionalProperties: false }),
        response: { 200: RolloutView, ...problems }
      }
    },
    request => there().get(request.params.id)
  )

  server.post(
    '/api/v1/config/rollouts/:id/cancel',
    {
      config: { role: 'operator' },
      schema: {
        tags,
        summary: 'End a roll-out: all pods go back to the revision of before',
        params: Id,
        response: { 200: RolloutView, ...problems }
      }
    },
    request => there().cancel(request.params.id, gate.keyOf(request).id)
  )
}
