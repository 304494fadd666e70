import { userInfo } from 'node:os'
import type { Difference } from '@weir/config'
import { coordinatorOf } from './target.ts'
import type { Target } from './target.ts'

/** One step of a plan. */
export interface PlanStep {
  readonly action: string
  readonly what: string
  readonly id: string
  readonly stays: readonly string[]
  readonly processes: readonly string[]
}

export interface Plan {
  readonly revision: number
  readonly isApplicable: boolean
  readonly changes: number
  readonly steps: readonly PlanStep[]
}

/** The configuration behind an API, whichever it is. */
export interface ConfigApi {
  /** The document in force and the ETag that a change of it has to show. */
  read(): Promise<{ readonly document: unknown; readonly etag: string }>
  /** @returns the document with every default in place. */
  validate(document: Json): Promise<unknown>
  plan(document: Json): Promise<Plan>
  /** @returns the number of the new revision. */
  put(document: Json, etag: string, reason: string | undefined): Promise<number>
  patch(patch: Json, etag: string, reason: string | undefined): Promise<number>
  rollback(to: number, reason: string | undefined): Promise<number>
  diff(from: number, to: number | undefined): Promise<readonly Difference[]>
}

/** An object of plain data. */
export type Json = Record<string, unknown>

export function configApiOf(target: Target): ConfigApi {
  const client = coordinatorOf(target, 'The configuration')
  const author = authorOf()
  const change = (etag: string, reason: string | undefined) => ({
    header: { 'if-match': etag },
    query: { author, ...(reason === undefined ? {} : { reason }) }
  })
  return {
    async read() {
      const { data, response } = await client.GET('/v1/config')
      return { document: data, etag: response.headers.get('etag') ?? '*' }
    },
    async validate(document) {
      return (await client.POST('/v1/config/validate', { body: document })).data
    },
    async plan(document) {
      return (await client.POST('/v1/config/plan', { body: document })).data!
    },
    async put(document, etag, reason) {
      const { data } = await client.PUT('/v1/config', { params: change(etag, reason), body: document })
      return data!.number
    },
    async patch(patch, etag, reason) {
      const { data } = await client.PATCH('/v1/config', { params: change(etag, reason), body: patch })
      return data!.number
    },
    async rollback(to, reason) {
      const body = { to, author, ...(reason === undefined ? {} : { reason }) }
      return (await client.POST('/v1/config/rollback', { body })).data!.number
    },
    async diff(from, to) {
      const params = { path: { n: from }, query: to === undefined ? {} : { to } }
      return (await client.GET('/v1/config/revisions/{n}/diff', { params })).data!.differences
    }
  }
}

/** Who changes it, as the machine knows him. */
function authorOf(): string {
  try {
    return userInfo().username
  } catch {
    // A container may have a user without a name.
    return 'weir ctl'
  }
}
