import { listOf, listQuery, oneOf, orNull, pageOf, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Gate } from '../auth/gate.ts'
import type { Keys } from '../auth/key-book.ts'
import { roles } from '../auth/role.ts'

const role = oneOf(
  roles,
  'What it is good for: metrics (only /metrics), reader, operator (changes what runs), admin (keys too).'
)
const name = Type.String({ minLength: 1, maxLength: 128, description: 'What it is for, in your words.' })

const Key = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role,
  createdAtMs: timeMs('When it was made'),
  createdBy: orNull(Type.String({ description: 'Id of the key that made it.' })),
  revokedAtMs: orNull(timeMs('Since when it opens nothing any more'))
})

const Id = Type.Object({ id: Type.String({ description: 'Of the key.' }) })

/** `/api/v1/keys`: who may do what. */
export function keyRoutes(server: HttpServer, keys: Keys, gate: Gate, maxPage: number): void {
  const tags = ['keys']
  const config = { role: 'admin' } as const

  server.get(
    '/api/v1/keys',
    {
      config,
      schema: {
        tags,
        summary: 'The keys, those that were revoked too; never their secrets',
        querystring: listQuery({}),
        response: { 200: listOf(Key), ...problems }
      }
    },
    request => pageOf(keys.list(), request.query, maxPage)
  )

  server.get(
    '/api/v1/keys/:id',
    { config, schema: { tags, summary: 'One key', params: Id, response: { 200: Key, ...problems } } },
    request => keys.get(request.params.id)
  )

  server.post(
    '/api/v1/keys',
    {
      config,
      schema: {
        tags,
        summary: 'Make a key; its token is shown now and never again',
        body: Type.Object({ name, role }, { additionalProperties: false }),
        response: {
          201: Type.Object({ ...Key.properties, token: Type.String({ description: 'For Authorization: Bearer.' }) }),
          ...problems
        }
      }
    },
    async (request, reply) => {
      const made = await keys.create(request.body.name, request.body.role, gate.keyOf(request).id)
      return reply
        .code(201)
        .header('location', `/api/v1/keys/${made.id}`)
        .header('cache-control', 'no-store')
        .send(made)
    }
  )

  server.delete(
    '/api/v1/keys/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke a key: it opens nothing from now on',
        params: Id,
        response: { 204: Type.Null(), ...problems }
      }
    },
    async (request, reply) => {
      await keys.revoke(request.params.id)
      return reply.code(204).send(null)
    }
  )
}
