import createClient from 'openapi-fetch'
import type { Client } from 'openapi-fetch'
import type { paths as CoordinatorPaths } from './coordinator-api.gen.ts'
import type { paths as FrontPaths } from './front-api.gen.ts'
import { ApiError, apiErrorOf } from './api-error.ts'

export interface ApiOptions {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** API key or bearer token. */
  readonly key?: string
  /** For one answer to begin, milliseconds; default 30 000. */
  readonly timeoutMs?: number
}

/** The web API of a fleet (port 8080): every route with the types of its parameters and answers. */
export type FrontClient = Client<FrontPaths>
/** The control API of one pod (port 8090). */
export type CoordinatorClient = Client<CoordinatorPaths>

/** Nothing is opened before the first call. What is not answered with 2xx is thrown as an {@link ApiError}. */
export const createFrontClient = (options: ApiOptions): FrontClient => createClient<FrontPaths>(settingsOf(options))
/** The same for one pod. */
export const createCoordinatorClient = (options: ApiOptions): CoordinatorClient =>
  createClient<CoordinatorPaths>(settingsOf(options))

const settingsOf = (options: ApiOptions) => ({
  baseUrl: baseOf(options),
  fetch: (request: Request) => send(request, options)
})

/** The URL without the `/` at its end. */
export const baseOf = ({ url }: ApiOptions): string => url.replace(/\/+$/, '')

const DEFAULT_TIMEOUT_MS = 30_000

/**
 * Send one request of the API.
 *
 * @param request - its own `signal` ends it at any time; the time-out of the options only until the answer begins.
 * @throws ApiError
 */
export async function send(request: Request, { key, timeoutMs = DEFAULT_TIMEOUT_MS }: ApiOptions): Promise<Response> {
  if (key !== undefined) request.headers.set('authorization', `Bearer ${key}`)
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), timeoutMs)
  const { origin } = new URL(request.url)
  try {
    const signal = AbortSignal.any([request.signal, late.signal])
    const response = await fetch(request, { signal, redirect: 'error' })
    if (response.ok || response.status === 304) return response
    throw await apiErrorOf(response)
  } catch (error) {
    if (error instanceof ApiError || request.signal.aborted) throw error
    if (late.signal.aborted) {
      throw new ApiError(0, 'API_TIMEOUT', `${origin} did not answer within ${timeoutMs} ms.`, { cause: error })
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new ApiError(0, 'API_AWAY', `${origin} cannot be reached: ${reasonOf(cause)}.`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** A refused connection to a name of two addresses has a code and no message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.message === '' ? String((cause as Error & { code?: unknown }).code) : cause.message
}
