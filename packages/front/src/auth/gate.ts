import type { FastifyRequest, RouteOptions } from 'fastify'
import { HttpProblem, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import type { Clock } from '@weir/runtime'
import { IssuerAwayError } from './issuer-away-error.ts'
import { isEnough } from './role.ts'
import type { Role } from './role.ts'
import type { TokenVerifier } from './token-verifier.ts'
import type { FrontHome, Limiter } from '../workers/front-home.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must at least be good for; `anybody`: none is asked for. Left out: `admin`. */
    role?: Role | 'anybody'
  }
}

/** One route as the gate guards it. */
export interface GuardedRoute {
  readonly method: string
  readonly url: string
  readonly role: Role | 'anybody'
  readonly isDocumented: boolean
}

export interface GateLimits {
  readonly requestsPerSec: number
  readonly writesPerSec: number
  readonly failedLoginsPerMin: number
}

/** Who asks: the owner of a key, or of a token of the issuer. */
export interface Caller {
  /** Of the key; `oidc:` and the subject of the token. Whom the audit log names. */
  readonly id: string
  /** What it is good for; undefined: a token that gives no role. */
  readonly role: Role | undefined
  /** When the token ends, milliseconds since 1970 UTC; undefined: a key. */
  readonly untilMs?: number
}

/** Why a request was refused. */
const refusals = [
  'no_key',
  'wrong_key',
  'wrong_token',
  'role',
  'requests_limit',
  'writes_limit',
  'logins_limit',
  'issuer_away'
] as const
export type Refusal = (typeof refusals)[number]

/** Of the docs page, its files and the way to it, which the server makes itself, and of what asks nothing of anybody. */
const roleByUrl = (url: string): Role | 'anybody' | undefined =>
  url === '/livez' || url === '/readyz'
    ? 'anybody'
    : url === '/metrics'
      ? 'metrics'
      : url === '/' || url === '/version' || url === '/openapi.json' || url === '/docs' || url.startsWith('/docs/')
        ? 'reader'
        : undefined

const isChange = (method: string): boolean => method !== 'GET' && method !== 'HEAD'

/** Lets a request in if it has a key or token that is good enough, often enough; all else is refused, and changes are written down. */
export class Gate {
  /** Requests refused, by reason. */
  readonly refused = Object.fromEntries(refusals.map(reason => [reason, 0])) as Record<Refusal, number>
  /** All routes there are. */
  readonly routes: GuardedRoute[] = []
  readonly #keys: FrontHome['keys']
  readonly #audit: FrontHome['audit']
  readonly #clock: Clock
  readonly #requests: Limiter
  readonly #writes: Limiter
  readonly #failures: Limiter
  readonly #tokens: TokenVerifier | undefined
  readonly #admitted = new WeakMap<FastifyRequest, Caller>()
  /** Refused because there were too many: counted, and written down nowhere, or whoever floods would fill the audit log. */
  readonly #flood = new WeakSet<FastifyRequest>()

  /** @param tokens - undefined: only keys open. */
  constructor(home: FrontHome, tokens: TokenVerifier | undefined, limits: GateLimits, clock: Clock) {
    this.#keys = home.keys
    this.#tokens = tokens
    this.#audit = home.audit
    this.#clock = clock
    this.#requests = home.limiter('requests', limits.requestsPerSec, 1_000)
    this.#writes = home.limiter('writes', limits.writesPerSec, 1_000)
    this.#failures = home.limiter('failures', limits.failedLoginsPerMin, 60_000)
  }

  /** Guard every route that is made from now on. */
  guard(server: HttpServer): void {
    server.addHook('onRoute', route => this.#onRoute(route))
    server.addHook('onRequest', request => this.#admit(request as FastifyRequest))
    server.addHook('onResponse', async (request, reply) => {
      if (!isChange(request.method) || this.#flood.has(request as FastifyRequest)) return
      const key = this.#admitted.get(request as FastifyRequest)
      const { method, ip: address } = request
      const path = request.url.split('?', 1)[0]!
      const who = { key: key?.id ?? null, role: key?.role ?? null }
      this.#audit.add({ atMs: this.#clock.nowMs(), ...who, address, method, path, status: reply.statusCode })
    })
  }

  /** Who a request that was let in is from. */
  keyOf(request: object): Caller {
    return this.#admitted.get(request as FastifyRequest)!
  }

  /**
   * The same, as it is now: a stream must not begin when the key was revoked, or the token has ended, since the request was let in.
   *
   * @throws HttpProblem 401
   */
  callerStill(request: object): Caller {
    const caller = this.keyOf(request)
    const isGood =
      caller.untilMs === undefined
        ? this.#keys.verify(tokenOf(request as FastifyRequest) ?? '') !== undefined
        : caller.untilMs > this.#clock.nowMs()
    if (isGood) return caller
    const [reason, code, detail] = caller.untilMs === undefined ? unknown.wrongKey : unknown.wrongToken
    this.refused[reason]++
    throw new HttpProblem(401, code, detail)
  }

  #onRoute(route: RouteOptions): void {
    const role = route.config?.role ?? roleByUrl(route.url) ?? 'admin'
    route.config = { ...route.config, role }
    const isHidden = (route.schema as { hide?: boolean } | undefined)?.hide === true
    for (const method of [route.method].flat()) {
      this.routes.push({ method, url: route.url, role, isDocumented: !isHidden })
    }
    if (role === 'anybody') return
    const { description, response } = (route.schema ?? {}) as { description?: string; response?: object }
    // GET and the HEAD that goes with it have one schema.
    const needs = `Needs the role ${role}.`
    Object.assign((route.schema ??= {}), {
      security: [{ apiKey: [] }],
      response: { ...problems, ...response },
      description: description === undefined ? needs : `${description.replace(needs, '').trimEnd()}\n\n${needs}`.trim()
    })
  }

  async #admit(request: FastifyRequest): Promise<void> {
    // What is not there is not told to those who may read nothing.
    const needed = request.is404 ? 'reader' : (request.routeOptions.config.role ?? 'admin')
    if (needed === 'anybody') return
    const token = tokenOf(request)
    const caller = token === undefined ? undefined : await this.#callerOf(token)
    if (caller === undefined) throw await this.#unknown(request, token)
    this.#admitted.set(request, caller)
    await this.#limit(request, this.#requests, caller.id, 'requests_limit', 'requests')
    if (isChange(request.method)) await this.#limit(request, this.#writes, caller.id, 'writes_limit', 'changes')
    if (caller.role !== undefined && isEnough(caller.role, needed)) return
    this.refused.role++
    const has = caller.role === undefined ? 'yours gives none that is known here' : `yours is ${caller.role}`
    throw new HttpProblem(403, 'ROLE_TOO_LOW', `This needs the role ${needed}; ${has}.`)
  }

  async #callerOf(token: string): Promise<Caller | undefined> {
    if (this.#tokens === undefined || !isJwt(token)) return this.#keys.verify(token)
    try {
      return await this.#tokens.verify(token)
    } catch (error) {
      if (!(error instanceof IssuerAwayError)) throw error
      this.refused.issuer_away++
      const detail = 'The issuer of tokens does not say what its keys are; come back soon, or use an API key.'
      throw new HttpProblem(503, 'ISSUER_AWAY', detail, undefined, { 'retry-after': '10' })
    }
  }

  async #unknown(request: FastifyRequest, token: string | undefined): Promise<HttpProblem> {
    const waitMs = await this.#failures.take(request.ip)
    if (waitMs > 0) {
      this.#flood.add(request)
      this.refused.logins_limit++
      return tooMany('requests without a right key', waitMs)
    }
    const isToken = this.#tokens !== undefined && token !== undefined && isJwt(token)
    const [reason, code, detail] =
      token === undefined ? unknown.missing : isToken ? unknown.wrongToken : unknown.wrongKey
    this.refused[reason]++
    // A line each: browsers look for Basic at the beginning of a line.
    const headers = {
      'www-authenticate': [
        `Bearer realm="weir"${isToken ? ', error="invalid_token"' : ''}`,
        'Basic realm="weir: any name, a key as the password"'
      ]
    }
    return new HttpProblem(401, code, detail, undefined, headers)
  }

  async #limit(request: FastifyRequest, limiter: Limiter, name: string, reason: Refusal, what: string): Promise<void> {
    const waitMs = await limiter.take(name)
    if (waitMs === 0) return
    this.#flood.add(request)
    this.refused[reason]++
    throw tooMany(what, waitMs)
  }
}

/** Nobody's: why, for the counter and for the answer. What is wrong with a token is for the log alone. */
const unknown = {
  missing: ['no_key', 'KEY_MISSING', 'This needs an API key: Authorization: Bearer wk_….'],
  wrongKey: ['wrong_key', 'KEY_WRONG', 'This API key is not known here, or was revoked.'],
  wrongToken: ['wrong_token', 'TOKEN_WRONG', 'This token is not of the issuer, not for this API, or no longer good.']
} as const

/** Compact JWS; an API key has no dot. */
const isJwt = (token: string): boolean => token.includes('.')

function tooMany(what: string, waitMs: number): HttpProblem {
  const seconds = Math.ceil(waitMs / 1_000)
  const detail = `Too many ${what} in a short time; come back in ${seconds} s.`
  return new HttpProblem(429, 'TOO_MANY_REQUESTS', detail, undefined, { 'retry-after': String(seconds) })
}

/** Of `Bearer`, or for reading of `Basic` with any name, so that a browser can open the docs page and cannot be made to change anything. */
function tokenOf({ method, headers: { authorization } }: FastifyRequest): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +([^ ]+) *$/i.exec(authorization ?? '') ?? []
  if (value === undefined) return undefined
  if (scheme!.toLowerCase() === 'bearer') return value
  if (isChange(method)) return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}
