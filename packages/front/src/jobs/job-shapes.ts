import type { Task } from '@weir/analysis'
import { HttpProblem, count, oneOf, orNull, timeMs } from '@weir/http'
import Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Default } from 'typebox/value'
import { FILE_NAME } from './file-name.ts'
import { filterIssuesOf, issuesOf } from './job-refusal.ts'
import type { RequestIssue } from './job-refusal.ts'
import { jobStates } from './job.ts'
import type { Job } from './job.ts'
import type { Upload } from './uploads.ts'

export const UPLOAD_ID = '^u[0-9a-f]{32}$'
export const JOB_ID = '^j[0-9a-f]{32}$'

const sha256 = Type.String({ description: 'SHA-256 of its content, hexadecimal.' })
const octets = count('Octets.')
const fileName = Type.String({ pattern: FILE_NAME, description: 'Name of the file.' })

const uploadKeys = {
  id: Type.String({ description: 'Of the upload.' }),
  name: Type.String({ description: 'As its owner called it.' }),
  octets,
  sha256
}

/** An upload in an answer. */
export const UploadShape = Type.Object({
  ...uploadKeys,
  author: Type.String({ description: 'Id of the key that it was brought with.' }),
  createdAtMs: timeMs('When it was there as a whole')
})

const ResultFile = Type.Object({
  name: fileName,
  mediaType: Type.String(),
  octets,
  sha256,
  href: Type.String({ description: 'Where it is to be had, as long as the job is kept.' })
})

export const ResultShape = Type.Object({
  summary: Type.Object(
    {},
    { additionalProperties: true, description: 'What a list shows of it; depends on the type.' }
  ),
  files: Type.Array(ResultFile)
})

/** A job in an answer. */
export const JobShape = Type.Object({
  id: Type.String(),
  type: Type.String({ description: 'See /api/v1/job-types.' }),
  state: oneOf(jobStates, 'Where it is; the three last ones are ends.'),
  author: Type.String({ description: 'Id of the key that it was made with.' }),
  createdAtMs: timeMs('When it was made'),
  startedAtMs: orNull(timeMs('When it was begun last')),
  finishedAtMs: orNull(timeMs('When it ended')),
  position: orNull(count('Place among those that wait, 1 = the next one.')),
  workers: Type.Optional(
    count('While it is queued: job workers that were heard of lately; none: it waits until one is started.')
  ),
  attempts: count('How often it was begun.'),
  isCancelAsked: Type.Boolean({ description: 'It runs, and is about to end.' }),
  progress: orNull(
    Type.Object({
      octetsRead: count('Of its inputs.'),
      octetsTotal: count('Of its inputs.'),
      records: count('Records read.')
    })
  ),
  error: orNull(
    Type.Object({
      code: Type.String({ description: 'Stable name of the case, e.g. TASK_LIMIT.' }),
      detail: Type.String({ description: 'One sentence: what went wrong and what to do.' })
    })
  ),
  input: Type.Object({ uploads: Type.Array(Type.Object(uploadKeys)) }),
  params: Type.Object({}, { additionalProperties: true, description: 'As the type has them, with their defaults.' }),
  result: orNull(ResultShape)
})
export type JobAnswer = Type.Static<typeof JobShape>

export const TypeShape = Type.Object({
  name: Type.String(),
  summary: Type.String({ description: 'What it does.' }),
  inputs: Type.Object({ min: count('Uploads that it takes at least.'), max: count('And at most.') }),
  params: Type.Object({}, { additionalProperties: true, description: 'Its parameters, as a JSON Schema.' })
})

/** A job as it is answered. @param workers - undefined: nobody has asked. */
export const answerOf = (
  { uploads, requestHash: _hash, result, params, ...job }: Job,
  workers?: number
): JobAnswer => ({
  ...job,
  ...(job.state === 'queued' && workers !== undefined ? { workers } : {}),
  input: { uploads: [...uploads] },
  params: params as JobAnswer['params'],
  result: resultAnswer(job.id, result)
})

/** What a job has made, as it is answered. */
export const resultAnswer = (id: string, result: Job['result']): JobAnswer['result'] =>
  result === null
    ? null
    : {
        summary: result.summary,
        files: result.files.map(file => ({ ...file, href: `/api/v1/jobs/${id}/files/${file.name}` }))
      }

export const uploadAnswer = ({ id, name, octets: its, sha256: hash, author, createdAtMs }: Upload) => ({
  id,
  name,
  octets: its,
  sha256: hash,
  author,
  createdAtMs
})

/** What is asked for: one of the types, with what that type takes. */
export interface JobRequest {
  readonly type: string
  readonly input?: { readonly uploads: readonly string[] }
  readonly params?: unknown
}

const variantOf = ({ name, summary, params, inputs: { min, max } }: Task): TSchema => {
  const uploads = Type.Array(Type.String({ pattern: UPLOAD_ID, description: 'Id of an upload.' }), {
    minItems: min,
    maxItems: max,
    description: 'What it works on, in this order.'
  })
  const input = Type.Object({ uploads }, { additionalProperties: false })
  // What has a default for all of it may be left out.
  const isOptional = Compile(params).Check(Default(params, {}))
  return Type.Object(
    {
      type: Type.Literal(name, { description: summary }),
      ...(max === 0 ? {} : { input: min === 0 ? Type.Optional(input) : input }),
      params: isOptional ? Type.Optional(params) : params
    },
    { additionalProperties: false, title: name, description: summary }
  )
}

interface Variant {
  readonly task: Task
  readonly schema: TSchema
  readonly check: ReturnType<typeof Compile>
}

/** The bodies of POST /api/v1/jobs: the schema of each type, for the docs page and for the check. */
export class JobRequests {
  readonly schema: TSchema
  readonly #variants: ReadonlyMap<string, Variant>

  constructor(tasks: readonly Task[]) {
    const variants = tasks.map(task => [task, variantOf(task)] as const)
    this.schema = Type.Unsafe<JobRequest>({
      oneOf: variants.map(([, schema]) => schema),
      discriminator: { propertyName: 'type' },
      description: 'One of the types of jobs, with its own parameters.'
    })
    this.#variants = new Map(variants.map(([task, schema]) => [task.name, { task, schema, check: Compile(schema) }]))
  }

  /** @returns the request with every default in place. @throws HttpProblem 400, about the type that is asked for and no other. */
  check(body: unknown): JobRequest {
    const type = typeof body === 'object' && body !== null ? (body as { type?: unknown }).type : undefined
    const variant = typeof type === 'string' ? this.#variants.get(type) : undefined
    if (variant === undefined) {
      const allowed = [...this.#variants.keys()].join(', ')
      throw invalid([{ path: 'body.type', message: 'is no type of job', allowed }])
    }
    const { params = {}, ...rest } = body as JobRequest
    const filled = { ...rest, params: Default(variant.task.params, structuredClone(params)) }
    const issues = issuesOf(variant.task, variant.schema, variant.check.Errors(filled))
    if (issues.length === 0) issues.push(...filterIssuesOf(filled.params))
    if (issues.length > 0) throw invalid(issues.slice(0, 20))
    return filled
  }
}

function invalid(issues: readonly RequestIssue[]): HttpProblem {
  const [{ path, message, allowed }] = issues as [RequestIssue]
  const hint = allowed === undefined ? '' : ` (allowed: ${allowed})`
  return new HttpProblem(400, 'REQUEST_INVALID', `The request is wrong: ${path} ${message}${hint}.`, issues)
}
