/** One error of several: where, what is wrong, what is allowed there. */
export interface ApiIssue {
  readonly path: string
  readonly message: string
  readonly allowed?: string
}

/** What an API answered instead of what was asked, or why there is no answer. */
export class ApiError extends Error {
  /** Of the answer; 0 without one. */
  readonly status: number
  /** Stable name of the case, upper snake case: that of the problem document (RFC 9457), or `API_AWAY`, `API_TIMEOUT`, `API_UNKNOWN`. */
  readonly code: string
  readonly issues: readonly ApiIssue[]
  /** Seconds after which it may be tried again; undefined if nothing was said. */
  readonly retryAfterSec: number | undefined

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { readonly issues?: readonly ApiIssue[]; readonly retryAfterSec?: number; readonly cause?: unknown } = {}
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.issues = more.issues ?? []
    this.retryAfterSec = more.retryAfterSec
  }
}

/** The error of an answer that is not 2xx; what is no problem document is told by its status. */
export async function apiErrorOf(response: Response): Promise<ApiError> {
  const { status, url } = response
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  const more = Number.isFinite(retryAfter) ? { retryAfterSec: retryAfter } : {}
  const body = problemOf(await response.text().catch(() => ''))
  if (body === undefined) {
    return new ApiError(status, 'API_UNKNOWN', `${url} answers ${status}, and not as Weir does.`, more)
  }
  return new ApiError(status, body.code, body.detail, { issues: body.errors ?? [], ...more })
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly errors?: readonly ApiIssue[]
}

function problemOf(text: string): Problem | undefined {
  try {
    const body = JSON.parse(text) as Partial<Problem> | null
    return typeof body?.code === 'string' && typeof body.detail === 'string' ? (body as Problem) : undefined
  } catch {
    return undefined
  }
}
