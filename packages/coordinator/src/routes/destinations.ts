import { DestinationView, listOf, listQuery, pageOf, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { Destination } from '@weir/config'
import Type from 'typebox'
import type { DestinationBook } from '../destination-book.ts'
import type { Pod } from '../pod.ts'
import { destinationView } from '../process-state.ts'
import type { MediatorState } from '../process-state.ts'

const Id = Type.Object({ id: Type.String({ description: 'The id of the destination.' }) })
const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'ETag of the destination as you read it; refused with 412 if it has changed since.' })
  )
})

/** `/v1/destinations`. Bodies are checked by the configuration's own checker, which names every error and what is allowed. */
export function destinationRoutes(server: HttpServer, book: DestinationBook, pod: Pod, maxPage: number): void {
  const tags = ['output']
  const views = async (): Promise<DestinationView[]> => {
    const { destinations } = (await pod.mediator('mediator.state')) as unknown as MediatorState
    const states = new Map(destinations.map(state => [state.id, state]))
    return book.all.map(config => destinationView(config, states.get(config.id)))
  }

  server.get(
    '/v1/destinations',
    {
      schema: {
        tags,
        summary: 'Where records go, with state, queue and account of each',
        querystring: listQuery({
          type: Type.Optional(Type.String({ description: 'Only of this type.' })),
          status: Type.Optional(Type.String({ description: 'Only in this state.' }))
        }),
        response: { 200: listOf(DestinationView), ...problems }
      }
    },
    async request => {
      const { type, status, ...page } = request.query
      const items = (await views()).filter(
        item => (type ?? item.type) === item.type && (status ?? item.status) === item.status
      )
      return pageOf(items, page, maxPage)
    }
  )

  server.get(
    '/v1/destinations/:id',
    { schema: { tags, summary: 'One destination', params: Id, response: { 200: DestinationView, ...problems } } },
    async (request, reply) => {
      const { id } = book.get(request.params.id)
      reply.header('etag', book.etagOf(id))
      return (await views()).find(item => item.id === id)!
    }
  )

  server.post(
    '/v1/destinations',
    {
      schema: {
        tags,
        summary: 'Add a destination; it takes part from the next Batch on, the others notice nothing',
        body: Destination,
        response: { 201: Destination, ...problems }
      },
      validatorCompiler: () => () => true
    },
    async (request, reply) => {
      const destination = await book.add(request.body)
      return reply
        .code(201)
        .header('location', `/v1/destinations/${destination.id}`)
        .header('etag', book.etagOf(destination.id))
        .send(destination)
    }
  )

  server.patch(
    '/v1/destinations/:id',
    {
      schema: {
        tags,
        summary: 'Change a destination by a merge patch (RFC 7396): only the keys given; null = back to the default',
        params: Id,
        headers: IfMatch,
        body: Type.Object({}, { additionalProperties: true, description: 'Keys of the destination.' }),
        response: { 200: Destination, ...problems }
      }
    },
    async (request, reply) => {
      const destination = await book.patch(request.params.id, request.body, request.headers['if-match'])
      return reply.header('etag', book.etagOf(destination.id)).send(destination)
    }
  )

  server.delete(
    '/v1/destinations/:id',
    {
      schema: {
        tags,
        summary: 'Remove a destination; what it holds is sent within the drain time, the rest is counted as dropped',
        params: Id,
        headers: IfMatch,
        response: { 204: Type.Null(), ...problems }
      }
    },
    async (request, reply) => {
      await book.remove(request.params.id, request.headers['if-match'])
      return reply.code(204).send(null)
    }
  )

  server.post(
    '/v1/destinations/:id/resend-templates',
    {
      schema: {
        tags,
        summary: 'Send all templates and options templates again now',
        params: Id,
        response: { 202: Type.Object({ id: Type.String() }), ...problems }
      }
    },
    async (request, reply) => {
      const { id } = book.get(request.params.id)
      await pod.mediator('destinations.resendTemplates', { id })
      return reply.code(202).send({ id })
    }
  )
}
