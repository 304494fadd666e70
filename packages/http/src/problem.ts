import { STATUS_CODES } from 'node:http'
import Type from 'typebox'
import type { ConfigIssue } from '@weir/runtime'

/** One error of several: where, what is wrong, what is allowed there. */
const ProblemIssue = Type.Object({
  path: Type.String({ description: 'Where in the request, e.g. `queue.octets`; empty for the whole of it.' }),
  message: Type.String(),
  allowed: Type.Optional(Type.String({ description: 'What is allowed there.' }))
})

/** A problem document (RFC 9457), media type `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: '`about:blank`: the status says it all; `code` names the case.' }),
    title: Type.String({ description: "The status' phrase." }),
    status: Type.Integer(),
    detail: Type.String({ description: 'One sentence: what is wrong and what to do.' }),
    code: Type.String({ description: 'Stable name of the case, upper snake case.' }),
    errors: Type.Optional(
      Type.Array(ProblemIssue, { description: 'What is wrong, each with its place; the first 200.' })
    )
  },
  { $id: 'Problem', title: 'Problem' }
)
export type Problem = Type.Static<typeof Problem>

/** Thrown by a route to answer with a problem document. */
export class HttpProblem extends Error {
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string | string[]>>

  /**
   * @param status - HTTP status, 400..599.
   * @param code - stable name, upper snake case.
   * @param detail - one sentence for a person.
   * @param headers - of the answer, e.g. `retry-after`.
   */
  constructor(
    status: number,
    code: string,
    detail: string,
    errors?: readonly ConfigIssue[],
    headers: Readonly<Record<string, string | string[]>> = {}
  ) {
    super(detail)
    this.headers = headers
    this.name = 'HttpProblem'
    this.problem = makeProblem(status, code, detail, errors)
  }
}

/** More are not told: what is wrong must not make an answer that is longer than the request by far. */
const MOST_ERRORS = 200

export function makeProblem(status: number, code: string, detail: string, errors?: readonly ConfigIssue[]): Problem {
  const problem: Problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code }
  return errors === undefined ? problem : { ...problem, errors: errors.slice(0, MOST_ERRORS) }
}

export const notFound = (what: string, id: string, remedy: string): HttpProblem =>
  new HttpProblem(404, 'NOT_FOUND', `There is no ${what} ${JSON.stringify(id)}; ${remedy}.`)

const answer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Type.Ref('Problem') } }
})

/** Error answers of a route, for its schema. */
export const problems = {
  '4xx': answer('The request cannot be served as it is.'),
  '5xx': answer('A process of the pod is away, too slow, or wrong.')
} as const
