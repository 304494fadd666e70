import { RevisionDifference, RevisionSummary, checkLimit, listOf, pageQuery, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { WeirConfig } from '@weir/config'
import Type from 'typebox'
import { etagOf } from '../revisions/config-book.ts'
import type { ConfigBook } from '../revisions/config-book.ts'
import { differencesOf } from '@weir/config'
import { noteOf } from '../revision-schemas.ts'

const number = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description })
const Params = Type.Object({ n: number('Number of the revision.') })

const Rollback = Type.Object(
  {
    to: number('The revision whose document is to hold.'),
    reason: Type.Optional(Type.String({ maxLength: 1_024 })),
    author: Type.Optional(Type.String({ maxLength: 128 }))
  },
  { additionalProperties: false }
)

/** `/v1/config/revisions` and the way back. */
export function revisionRoutes(server: HttpServer, book: ConfigBook, maxPage: number): void {
  const tags = ['configuration']

  server.get(
    '/v1/config/revisions',
    {
      schema: {
        tags,
        summary: 'All that held and holds, newest first',
        querystring: pageQuery,
        response: { 200: listOf(RevisionSummary), ...problems }
      }
    },
    async request => {
      const { limit = 100, offset = 0 } = request.query
      checkLimit(limit, maxPage)
      return { ...(await book.revisions(offset, limit)), offset, limit }
    }
  )

  server.get(
    '/v1/config/revisions/:n',
    {
      schema: {
        tags,
        summary: 'One revision with its document',
        params: Params,
        response: { 200: Type.Object({ ...RevisionSummary.properties, document: WeirConfig }), ...problems }
      }
    },
    async (request, reply) => {
      const revision = await book.revision(request.params.n)
      reply.header('etag', etagOf(revision))
      return revision
    }
  )

  server.get(
    '/v1/config/revisions/:n/diff',
    {
      schema: {
        tags,
        summary: 'Where a revision and another differ',
        params: Params,
        querystring: Type.Object(
          { to: Type.Optional(number('The other revision; without it the one in force.')) },
          { additionalProperties: false }
        ),
        response: {
          200: Type.Object({ from: Type.Integer(), to: Type.Integer(), differences: Type.Array(RevisionDifference) }),
          ...problems
        }
      }
    },
    async request => {
      const { to = book.head.number } = request.query
      const from = await book.revision(request.params.n)
      const other = await book.revision(to)
      return { from: from.number, to, differences: differencesOf(from.document, other.document) }
    }
  )

  server.post(
    '/v1/config/rollback',
    {
      schema: {
        tags,
        summary: 'Put the document of an earlier revision in force again, as a new revision',
        headers: Type.Object({
          'if-match': Type.Optional(
            Type.String({ description: 'ETag of the document in force as you read it; 412 if it has changed since.' })
          )
        }),
        body: Rollback,
        response: { 200: RevisionSummary, ...problems }
      }
    },
    async (request, reply) => {
      const { to, reason = '', author } = request.body
      const note = noteOf(
        {
          reason: `back to revision ${to}${reason === '' ? '' : `: ${reason}`}`.slice(0, 1_024),
          ...(author === undefined ? {} : { author })
        },
        request.headers['if-match']
      )
      const info = await book.change({ ...note, isWhole: true }, async () =>
        book.validated((await book.revision(to)).document)
      )
      reply.header('etag', etagOf(info))
      return info
    }
  )
}
