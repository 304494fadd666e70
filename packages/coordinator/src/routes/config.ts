import { ConfigStatus, HttpProblem, RevisionSummary, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { WeirConfig, mergePatch } from '@weir/config'
import type { RevisionInfo } from '@weir/config'
import Type from 'typebox'
import { planOf } from '../revisions/plan.ts'
import { etagOf } from '../revisions/config-book.ts'
import type { ChangeNote, ConfigBook } from '../revisions/config-book.ts'
import { ChangeNoteQuery, PlanAnswer, configStatus, noteOf, planAnswer } from '../revision-schemas.ts'

const Document = Type.Object(
  {},
  {
    additionalProperties: true,
    description:
      'A whole document, of the form of weir.yaml. Keys left out have their defaults; runDir and stateDir stay.'
  }
)
const Patch = Type.Object({}, { additionalProperties: true, description: 'Keys of the document, as in weir.yaml.' })
const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description:
        'ETag of the document as you read it: 428 without it, 412 if it has changed since. `*` = whatever is there.'
    })
  )
})

/** `/v1/config`. Bodies are checked by the configuration's own checker, which names every error and what is allowed. */
export function configRoutes(server: HttpServer, book: ConfigBook): void {
  const tags = ['configuration']
  const isChecked = { validatorCompiler: () => () => true }
  const changed = (info: RevisionInfo, reply: { header(name: string, value: string): unknown }): RevisionInfo => {
    reply.header('etag', etagOf(info))
    return info
  }

  server.get(
    '/v1/config',
    {
      schema: {
        tags,
        summary: 'The document in force: defaults, file, environment, and what was changed through the API',
        response: { 200: WeirConfig, ...problems }
      }
    },
    (_request, reply) => {
      const { standing } = book
      reply.header('etag', book.etag).header('weir-revision', String(book.head.number))
      if (standing !== undefined) {
        reply.header('weir-converged', String(standing.isConverged)).header('weir-store', standing.store)
      }
      return book.document
    }
  )

  server.get(
    '/v1/config/status',
    {
      schema: {
        tags,
        summary: 'Which revision is in force here, and how this pod stands to its fleet (stores.revisions)',
        response: { 200: ConfigStatus, ...problems }
      }
    },
    () => configStatus(book)
  )

  server.put(
    '/v1/config',
    {
      schema: {
        tags,
        summary: 'Put a whole document in force, at once and wholly or not at all',
        description:
          'What is not different keeps its sockets, sessions, queues and templates. Keys that only a restart changes have to be as they are (409 RESTART_NEEDED names them). A process that does not take its part: everything is taken back, and the answer is its error.',
        headers: IfMatch,
        querystring: ChangeNoteQuery,
        body: Document,
        response: { 200: RevisionSummary, ...problems }
      },
      ...isChecked
    },
    async (request, reply) => {
      const note = { ...required(noteOf(request.query, request.headers['if-match'])), isWhole: true }
      return changed(await book.change(note, () => book.validated(request.body)), reply)
    }
  )

  server.patch(
    '/v1/config',
    {
      schema: {
        tags,
        summary: 'Change the document by a merge patch (RFC 7396): only the keys given; null = back to the default',
        description: 'Lists are replaced as a whole. Otherwise as PUT.',
        headers: IfMatch,
        querystring: ChangeNoteQuery,
        body: Patch,
        response: { 200: RevisionSummary, ...problems }
      },
      ...isChecked
    },
    async (request, reply) => {
      const note = required(noteOf(request.query, request.headers['if-match']))
      return changed(await book.change(note, document => book.validated(mergePatch(document, request.body))), reply)
    }
  )

  server.post(
    '/v1/config/validate',
    {
      schema: {
        tags,
        summary: 'Check a whole document; nothing is changed. 422 names every error and what is allowed',
        body: Document,
        response: { 200: WeirConfig, ...problems }
      },
      ...isChecked
    },
    request => book.validated(request.body)
  )

  server.post(
    '/v1/config/plan',
    {
      schema: {
        tags,
        summary: 'What PUT of this document would do, step by step, and what stays; nothing is changed',
        body: Document,
        response: { 200: PlanAnswer, ...problems }
      },
      ...isChecked
    },
    request => planAnswer(book.head, planOf(book.document, book.validated(request.body)))
  )
}

/** @throws HttpProblem 428 (RFC 6585 §3) */
function required(note: ChangeNote): ChangeNote {
  if (note.ifMatch !== undefined) return note
  throw new HttpProblem(
    428,
    'IF_MATCH_REQUIRED',
    'Say which document you change: send the ETag of GET /v1/config as If-Match, or * for whatever is there.'
  )
}
