import { HttpProblem, listOf, listQuery, pageOf, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { errorCode } from '@weir/runtime'
import { Readable } from 'node:stream'
import Type from 'typebox'
import type { Gate } from '../auth/gate.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { UPLOAD_ID, UploadShape, uploadAnswer } from '../jobs/job-shapes.ts'

/** Whoever went away hears nothing of it, and it is no defect. */
const aborted = (): HttpProblem =>
  new HttpProblem(400, 'UPLOAD_ABORTED', 'The connection ended before the file was there; nothing was kept.')

const Id = Type.Object({ id: Type.String({ pattern: UPLOAD_ID, description: 'Of the upload.' }) })

/** `/api/v1/uploads`: files for jobs to work on. */
export async function uploadRoutes(server: HttpServer, jobs: Jobs, gate: Gate, maxPage: number): Promise<void> {
  const tags = ['uploads']
  const { uploads } = jobs

  // In a scope of its own: only here is a body of octets passed on as it comes.
  await server.register(async scope => {
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
    scope.post(
      '/api/v1/uploads',
      {
        config: { role: 'operator', isUpload: true },
        schema: {
          tags,
          summary: 'Bring a file; its octets are the body',
          description:
            'Streamed to disk. `Content-Length` is of use: what is too long is refused before it is sent. Compressed files (.gz) stay as they are.',
          body: { content: { 'application/octet-stream': { schema: { description: 'The octets of the file.' } } } },
          querystring: Type.Object(
            {
              name: Type.String({
                maxLength: 1_024,
                description:
                  'How you call it: letters, digits, dots, underscores and hyphens, not a dot first, 128 at most.'
              })
            },
            { additionalProperties: false }
          ),
          response: { 201: UploadShape, ...problems }
        }
      },
      async (request, reply) => {
        const { 'content-length': announced, 'content-type': type } = request.headers
        const { body } = request
        if (!(body instanceof Readable)) {
          const detail = `The body is to be application/octet-stream${type === undefined ? '' : `, and not ${type}`}.`
          throw new HttpProblem(415, 'UPLOAD_TYPE', detail)
        }
        const octets = announced === undefined ? undefined : Number(announced)
        try {
          const { name } = request.query as { name: string }
          const author = gate.keyOf(request).id
          const made = await uploads.receive(name, author, body, octets, () => jobs.neededUploads())
          return await reply.code(201).header('location', `/api/v1/uploads/${made.id}`).send(uploadAnswer(made))
        } catch (error) {
          // What is still on its way is not read as the next request.
          reply.header('connection', 'close')
          body.resume()
          throw errorCode(error) === 'ECONNRESET' ? aborted() : error
        }
      }
    )
  })

  server.get(
    '/api/v1/uploads',
    {
      config: { role: 'reader' },
      schema: {
        tags,
        summary: 'The uploads, the oldest first',
        querystring: listQuery({
          author: Type.Optional(Type.String({ maxLength: 512, description: 'Only those of this key.' }))
        }),
        response: { 200: listOf(UploadShape), ...problems }
      }
    },
    async request => {
      const { author, ...page } = request.query
      const all = await uploads.list()
      const matching = all.filter(each => author === undefined || each.author === author).map(uploadAnswer)
      const ordered = matching.toSorted((one, other) => one.createdAtMs - other.createdAtMs)
      return pageOf(ordered, page, maxPage)
    }
  )

  server.get(
    '/api/v1/uploads/:id',
    {
      config: { role: 'reader' },
      schema: { tags, summary: 'One upload', params: Id, response: { 200: UploadShape, ...problems } }
    },
    async request => uploadAnswer(await uploads.get(request.params.id))
  )

  server.delete(
    '/api/v1/uploads/:id',
    {
      config: { role: 'operator' },
      schema: {
        tags,
        summary: 'Delete an upload of yours that no job needs; an admin may delete those of others',
        params: Id,
        response: { 204: Type.Null(), ...problems }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const { author } = await uploads.get(id)
      const key = gate.keyOf(request)
      if (author !== key.id && key.role !== 'admin') {
        throw new HttpProblem(403, 'NOT_YOURS', 'This upload is of another key; it or an admin may delete it.')
      }
      if ((await jobs.neededUploads()).has(id)) {
        throw new HttpProblem(409, 'UPLOAD_IN_USE', 'A job that has not ended needs this upload; cancel the job first.')
      }
      await uploads.remove(id)
      return reply.code(204).send(null)
    }
  )
}
