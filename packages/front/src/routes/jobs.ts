import { HttpProblem, cursorListOf, cursorQuery, notFound, oneOf, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Gate } from '../auth/gate.ts'
import { jobPage } from '../jobs/job-list.ts'
import { noJob, wrongState } from '../jobs/job-queue.ts'
import { JOB_ID, JobShape, ResultShape, TypeShape, answerOf, resultAnswer } from '../jobs/job-shapes.ts'
import type { JobAnswer, JobRequest } from '../jobs/job-shapes.ts'
import { forgetJob } from '../jobs/job-sweeper.ts'
import { jobStates } from '../jobs/job.ts'
import type { Job } from '../jobs/job.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { resultFile } from '../jobs/result-file.ts'

const jobId = Type.String({ pattern: JOB_ID, description: 'Of the job.' })
const Id = Type.Object({ id: jobId })
const tags = ['jobs']

export interface JobRouteParts {
  readonly jobs: Jobs
  readonly gate: Gate
  readonly maxPage: number
}

/** `/api/v1/jobs`: work on recorded flows, done by job workers. */
export function jobRoutes(server: HttpServer, parts: JobRouteParts): void {
  typeRoutes(server, parts)
  makeRoute(server, parts)
  readRoutes(server, parts)
  resultRoutes(server, parts)
  changeRoutes(server, parts)
}

async function jobBy({ queue }: Jobs, id: string): Promise<Job> {
  const job = await queue.get(id)
  if (job === undefined) throw noJob(id)
  return job
}

/** As they are answered; workers are asked for once, and only if one waits. */
async function answersOf({ queue }: Jobs, jobs: readonly Job[]): Promise<JobAnswer[]> {
  const workers = jobs.some(({ state }) => state === 'queued')
    ? await queue.workers().catch(() => undefined)
    : undefined
  return jobs.map(job => answerOf(job, workers))
}

const answerTo = async (jobs: Jobs, job: Job): Promise<JobAnswer> => (await answersOf(jobs, [job]))[0]!

function typeRoutes(server: HttpServer, { jobs: { tasks } }: JobRouteParts): void {
  const config = { role: 'reader' } as const
  const types = tasks.map(({ name, summary, inputs, params }) => ({ name, summary, inputs, params }))
  server.get(
    '/api/v1/job-types',
    {
      config,
      schema: {
        tags,
        summary: 'What kinds of jobs there are, with their parameters',
        response: { 200: Type.Object({ items: Type.Array(TypeShape) }), ...problems }
      }
    },
    () => ({ items: types })
  )
  server.get(
    '/api/v1/job-types/:name',
    {
      config,
      schema: {
        tags,
        summary: 'One kind of jobs',
        params: Type.Object({ name: Type.String({ description: 'Of the kind.' }) }),
        response: { 200: TypeShape, ...problems }
      }
    },
    request => {
      const type = types.find(({ name }) => name === request.params.name)
      if (type === undefined) throw notFound('type of job', request.params.name, 'GET /api/v1/job-types lists them')
      return type
    }
  )
}

function makeRoute(server: HttpServer, { jobs, gate }: JobRouteParts): void {
  const { requests } = jobs
  server.post(
    '/api/v1/jobs',
    {
      config: { role: 'operator' },
      schema: {
        tags,
        summary: 'Have something done',
        description:
          'Answered at once; the job waits for a worker. With an `Idempotency-Key` a request that is sent again is answered with the job there is (200), as long as that is kept.',
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({ pattern: '^[\\x21-\\x7e]{1,128}$', description: 'Of your choice, for this one request.' })
          )
        }),
        body: requests.schema as Type.TUnsafe<JobRequest>,
        response: { 200: JobShape, 202: JobShape, ...problems }
      },
      // A validator of unions names the errors of every type; this one those of the type that is asked for.
      validatorCompiler: ({ schema, httpPart }) =>
        httpPart === 'body' ? bodyValidator(body => requests.check(body)) : partValidator(schema as TSchema, httpPart)
    },
    async (request, reply) => {
      const { job, isNew } = await jobs.add(request.body, gate.keyOf(request).id, request.headers['idempotency-key'])
      return reply
        .code(isNew ? 202 : 200)
        .header('location', `/api/v1/jobs/${job.id}`)
        .send(await answerTo(jobs, job))
    }
  )
}

const bodyValidator = (check: (body: unknown) => unknown) => (body: unknown) => {
  try {
    return { value: check(body) }
  } catch (error) {
    return { error: error as Error }
  }
}

function partValidator(schema: TSchema, part = 'request') {
  const compiled = Compile(schema)
  return (value: unknown) => {
    const [issue] = compiled.Errors(value)
    if (issue === undefined) return { value }
    const detail = `The request is wrong: ${part}${issue.instancePath.replaceAll('/', '.')} ${issue.message}.`
    return { error: new HttpProblem(400, 'REQUEST_INVALID', detail) }
  }
}

function readRoutes(server: HttpServer, { jobs, gate, maxPage }: JobRouteParts): void {
  const config = { role: 'reader' } as const
  server.get(
    '/api/v1/jobs',
    {
      config,
      schema: {
        tags,
        summary: 'The jobs, the newest first',
        querystring: cursorQuery({
          state: Type.Optional(oneOf(jobStates, 'Only those in this state.')),
          type: Type.Optional(Type.String({ maxLength: 64, description: 'Only those of this type.' })),
          author: Type.Optional(Type.String({ maxLength: 512, description: 'Only those of this key.' })),
          since: Type.Optional(timeMs('Only those made then or later'))
        }),
        response: { 200: cursorListOf(JobShape), ...problems }
      }
    },
    async request => {
      const { items, ...page } = jobPage(await jobs.queue.list(), request.query, maxPage)
      return { ...page, items: await answersOf(jobs, items) }
    }
  )

  server.get(
    '/api/v1/jobs/:id',
    {
      config,
      schema: { tags, summary: 'One job, as it is now', params: Id, response: { 200: JobShape, ...problems } }
    },
    async request => answerTo(jobs, await jobBy(jobs, request.params.id))
  )

  server.get(
    '/api/v1/jobs/:id/events',
    {
      config,
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'What happens to one job, as it happens: a stream that ends with it',
        description:
          'Server-sent events: `state` (the job, first as it is now), `progress`, `end` with the reason, and `closed` with the reason if the front ends the stream before. After `end` there is nothing to come back for.',
        params: Id,
        response: {
          200: {
            description: 'The stream.',
            content: {
              'text/event-stream': { schema: Type.String({ description: 'The data of each event is JSON.' }) }
            }
          },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const job = await jobBy(jobs, request.params.id)
      const stream = jobs.streams.open(job, gate.callerStill(request))
      reply.raw.once('close', () => stream.destroy())
      if (reply.raw.destroyed) stream.destroy()
      return reply
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .type('text/event-stream; charset=utf-8')
        .send(stream as never)
    }
  )
}

function resultRoutes(server: HttpServer, { jobs }: JobRouteParts): void {
  const config = { role: 'reader' } as const
  server.get(
    '/api/v1/jobs/:id/result',
    {
      config,
      schema: {
        tags,
        summary: 'What a job has made, with where its files are',
        params: Id,
        response: { 200: ResultShape, ...problems }
      }
    },
    async request => {
      const { id, state, result } = await jobBy(jobs, request.params.id)
      const answer = resultAnswer(id, result)
      if (answer === null) throw wrongState(state, 'only one that succeeded has a result')
      return answer
    }
  )

  const text = (description: string) => Type.Optional(Type.String({ maxLength: 1_024, description }))
  const octets = {
    'application/octet-stream': { schema: Type.String({ description: 'In the media type of the file.' }) }
  }
  server.get(
    '/api/v1/jobs/:id/files/:name',
    {
      config,
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'A file that a job has made, or a part of it',
        description:
          'The link holds as long as the job is kept. The ETag is the SHA-256 of the content. A page (HTML) is served so that it can reach nothing.',
        params: Type.Object({ id: jobId, name: Type.String({ maxLength: 256, description: 'Of the file.' }) }),
        headers: Type.Object({
          range: text('One range of octets, e.g. `bytes=0-1023`.'),
          'if-range': text('The part only if the file still has this ETag, else the whole.'),
          'if-none-match': text('304 if the file still has this ETag.')
        }),
        response: {
          200: { description: 'The whole file.', content: octets },
          206: { description: 'The part that was asked for.', content: octets },
          304: { description: 'It is as it was.', type: 'null' },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const { id, name } = request.params
      const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers
      const answer = await resultFile(jobs.folders, await jobBy(jobs, id), name, { range, ifRange, ifNoneMatch })
      return reply
        .code(answer.status)
        .headers(answer.headers)
        .send(answer.body as never)
    }
  )
}

function changeRoutes(server: HttpServer, { jobs, gate }: JobRouteParts): void {
  const config = { role: 'operator' } as const
  const { queue, folders } = jobs
  /** @throws HttpProblem 403 unless it is of the one who asks, or an admin asks. */
  const own = async (request: { readonly params: { readonly id: string } }): Promise<string> => {
    const { id, author } = await jobBy(jobs, request.params.id)
    const key = gate.keyOf(request)
    if (author === key.id || key.role === 'admin') return id
    throw new HttpProblem(403, 'NOT_YOURS', 'This job is of another key; it or an admin may do that.')
  }

  server.post(
    '/api/v1/jobs/:id/cancel',
    {
      config,
      schema: {
        tags,
        summary: 'Do not do it after all; nothing if it has ended',
        description: 'A job that runs is told to end, and is `cancelled` within a second.',
        params: Id,
        response: { 202: JobShape, ...problems }
      }
    },
    async (request, reply) => {
      const id = await own(request)
      await queue.cancel(id)
      return reply.code(202).send(await answerTo(jobs, await jobBy(jobs, id)))
    }
  )

  server.post(
    '/api/v1/jobs/:id/retry',
    {
      config,
      schema: {
        tags,
        summary: 'Do it again, if it failed or was cancelled; it waits behind the others',
        params: Id,
        response: { 202: JobShape, ...problems }
      }
    },
    async (request, reply) => {
      const id = await own(request)
      await queue.retry(id)
      return reply.code(202).send(await answerTo(jobs, await jobBy(jobs, id)))
    }
  )

  server.delete(
    '/api/v1/jobs/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Forget a job that does not run, and what it has made',
        params: Id,
        response: { 204: Type.Null(), ...problems }
      }
    },
    async (request, reply) => {
      await forgetJob(queue, folders, await own(request))
      return reply.code(204).send(null)
    }
  )
}
