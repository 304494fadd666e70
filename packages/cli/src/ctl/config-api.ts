import { userInfo } from 'node:os'
import type { CoordinatorClient, FrontClient } from '@weir/client'
import type { Difference } from '@weir/config'
import { standingNotes } from './notes.ts'
import type { Target } from './target.ts'

/** One step of a plan. */
export interface PlanStep {
  readonly action: string
  readonly what: string
  readonly id: string
  readonly stays: readonly string[]
  readonly processes: readonly string[]
}

/** What a document would do at one pod. */
export interface Plan {
  /** undefined: the pod is the one that was asked. */
  readonly pod?: string
  readonly isApplicable: boolean
  readonly steps: readonly PlanStep[]
  /** Why there is none. */
  readonly detail?: string | null
}

/** An object of plain data. */
export type Json = Record<string, unknown>

/** What is in force. */
export interface InForce {
  readonly document: Json
  /** A change of it has to show it. */
  readonly etag: string
  /** Of the revision. */
  readonly number: number
  /** False: a pod has not the newest revision of its fleet, so that a change may be one although nothing differs here. */
  readonly isConverged: boolean
  /** What a reader has to know of it. */
  readonly notes: readonly string[]
}

/** The configuration behind an API, whichever it is. */
export interface ConfigApi {
  read(): Promise<InForce>
  /** @returns the document with every default in place. */
  validate(document: Json): Promise<unknown>
  plans(document: Json): Promise<readonly Plan[]>
  /** @returns the number of the new revision. */
  put(document: Json, etag: string, reason: string | undefined): Promise<number>
  patch(patch: Json, etag: string, reason: string | undefined): Promise<number>
  rollback(to: number, etag: string, reason: string | undefined): Promise<number>
  /** The document of a revision, as it may be put again. */
  revision(number: number): Promise<Json>
  diff(from: number, to: number | undefined): Promise<readonly Difference[]>
}

export const configApiOf = (target: Target): ConfigApi =>
  target.kind === 'front' ? fleetConfig(target.client) : podConfig(target.client)

const reasonOf = (reason: string | undefined): { reason?: string } => (reason === undefined ? {} : { reason })

function podConfig(client: CoordinatorClient): ConfigApi {
  const author = authorOf()
  const change = (etag: string, reason: string | undefined) => ({
    header: { 'if-match': etag },
    query: { author, ...reasonOf(reason) }
  })
  return {
    async read() {
      const { data, response } = await client.GET('/v1/config')
      const { headers } = response
      return {
        document: data as Json,
        etag: headers.get('etag') ?? '*',
        number: Number(headers.get('weir-revision')),
        isConverged: headers.get('weir-converged') !== 'false',
        notes: []
      }
    },
    async validate(document) {
      return (await client.POST('/v1/config/validate', { body: document })).data
    },
    async plans(document) {
      return [(await client.POST('/v1/config/plan', { body: document })).data!]
    },
    async put(document, etag, reason) {
      return (await client.PUT('/v1/config', { params: change(etag, reason), body: document })).data!.number
    },
    async patch(patch, etag, reason) {
      return (await client.PATCH('/v1/config', { params: change(etag, reason), body: patch })).data!.number
    },
    async rollback(to, etag, reason) {
      const params = { header: { 'if-match': etag } }
      const body = { to, author, ...reasonOf(reason) }
      return (await client.POST('/v1/config/rollback', { params, body })).data!.number
    },
    async revision(number) {
      const params = { path: { n: number } }
      return (await client.GET('/v1/config/revisions/{n}', { params })).data!.document as Json
    },
    async diff(from, to) {
      const params = { path: { n: from }, query: to === undefined ? {} : { to } }
      return (await client.GET('/v1/config/revisions/{n}/diff', { params })).data!.differences
    }
  }
}

function fleetConfig(client: FrontClient): ConfigApi {
  const change = (etag: string, reason: string | undefined) => ({
    header: { 'if-match': etag },
    query: reasonOf(reason)
  })
  return {
    async read() {
      const { data, response } = await client.GET('/api/v1/config')
      const { document, revision, isConverged, items } = data!
      return {
        document,
        etag: response.headers.get('etag') ?? '*',
        number: revision.number,
        isConverged: isConverged || items.every(({ status }) => status.store === 'own'),
        notes: standingNotes(data!)
      }
    },
    async validate(document) {
      return (await client.POST('/api/v1/config/validate', { body: document })).data
    },
    async plans(document) {
      const { items } = (await client.POST('/api/v1/config/plan', { body: document })).data!
      return items.map(({ pod, plan, detail }) =>
        plan === null ? { pod, isApplicable: false, steps: [], detail } : { pod, ...plan }
      )
    },
    async put(document, etag, reason) {
      return (await client.PUT('/api/v1/config', { params: change(etag, reason), body: document })).data!.number
    },
    async patch(patch, etag, reason) {
      return (await client.PATCH('/api/v1/config', { params: change(etag, reason), body: patch })).data!.number
    },
    async rollback(to, etag, reason) {
      const params = { header: { 'if-match': etag } }
      const body = { to, ...reasonOf(reason) }
      return (await client.POST('/api/v1/config/rollback', { params, body })).data!.number
    },
    async revision(number) {
      const params = { path: { n: number } }
      return (await client.GET('/api/v1/config/revisions/{n}', { params })).data!.document
    },
    async diff(from, to) {
      const params = { path: { n: from }, query: to === undefined ? {} : { to } }
      return (await client.GET('/api/v1/config/revisions/{n}/diff', { params })).data!.differences
    }
  }
}

/** Who changes it, as the machine knows him; a front knows it by the key. */
function authorOf(): string {
  try {
    return userInfo().username
  } catch {
    // A container may have a user without a name.
    return 'weir ctl'
  }
}
