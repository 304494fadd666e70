import type { FastifyRequest, RouteOptions } from 'fastify'
import { HttpProblem } from '@weir/http'
import type { HttpServer } from '@weir/http'
import type { Clock } from '@weir/runtime'
import type { AuditLog } from './audit-log.ts'
import type { KeyBook, ShownKey } from './key-book.ts'
import { RateLimiter } from './rate-limiter.ts'
import { isEnough } from './role.ts'
import type { Role } from './role.ts'

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

/** Why a request was refused. */
const refusals = ['no_key', 'wrong_key', 'role', 'requests_limit', 'writes_limit', 'logins_limit'] as const
export type Refusal = (typeof refusals)[number]

/** Of the docs page and its files, which the plugin makes, and of what asks nothing of anybody. */
const roleByUrl = (url: string): Role | 'anybody' | undefined =>
  url === '/livez' || url === '/readyz'
    ? 'anybody'
    : url === '/metrics'
      ? 'metrics'
      : url === '/version' || url === '/openapi.json' || url === '/docs' || url.startsWith('/docs/')
        ? 'reader'
        : undefined

const isChange = (method: string): boolean => method !== 'GET' && method !== 'HEAD'

/** Lets a request in if it has a key that is good enough, often enough; all else is refused, and changes are written down. */
export class Gate {
  /** Requests refused, by reason. */
  readonly refused = Object.fromEntries(refusals.map(reason => [reason, 0])) as Record<Refusal, number>
  /** All routes there are. */
  readonly routes: GuardedRoute[] = []
  readonly #keys: KeyBook
  readonly #audit: AuditLog
  readonly #clock: Clock
  readonly #requests: RateLimiter
  readonly #writes: RateLimiter
  readonly #failures: RateLimiter
  readonly #admitted = new WeakMap<FastifyRequest, ShownKey>()

  constructor(keys: KeyBook, audit: AuditLog, limits: GateLimits, clock: Clock) {
    this.#keys = keys
    this.#audit = audit
    this.#clock = clock
    this.#requests = new RateLimiter(clock, limits.requestsPerSec, 1_000)
    this.#writes = new RateLimiter(clock, limits.writesPerSec, 1_000)
    this.#failures = new RateLimiter(clock, limits.failedLoginsPerMin, 60_000)
  }

  /** Guard every route that is made from now on. */
  guard(server: HttpServer): void {
    server.addHook('onRoute', route => this.#onRoute(route))
    server.addHook('onRequest', async request => this.#admit(request as FastifyRequest))
    server.addHook('onResponse', async (request, reply) => {
      if (!isChange(request.method)) return
      const key = this.#admitted.get(request as FastifyRequest)
      const { method, ip: address } = request
      const path = request.url.split('?', 1)[0]!
      const who = { key: key?.id ?? null, role: key?.role ?? null }
      this.#audit.add({ atMs: this.#clock.nowMs(), ...who, address, method, path, status: reply.statusCode })
    })
  }

  /** The key that a request was let in by. */
  keyOf(request: object): ShownKey {
    return this.#admitted.get(request as FastifyRequest)!
  }

  #onRoute(route: RouteOptions): void {
    const role = route.config?.role ?? roleByUrl(route.url) ?? 'admin'
    route.config = { ...route.config, role }
    const isHidden = (route.schema as { hide?: boolean } | undefined)?.hide === true
    for (const method of [route.method].flat()) {
      this.routes.push({ method, url: route.url, role, isDocumented: !isHidden })
    }
    if (role === 'anybody') return
    const { description } = (route.schema ?? {}) as { description?: string }
    const needs = `Needs a key of role ${role}.`
    Object.assign((route.schema ??= {}), {
      security: [{ apiKey: [] }],
      description: description === undefined ? needs : `${description}\n\n${needs}`
    })
  }

  #admit(request: FastifyRequest): void {
    // What is not there is not told to those who may read nothing.
    const needed = request.is404 ? 'reader' : (request.routeOptions.config.role ?? 'admin')
    if (needed === 'anybody') return
    const token = tokenOf(request)
    const key = token === undefined ? undefined : this.#keys.verify(token)
    if (key === undefined) throw this.#unknown(request.ip, token === undefined)
    this.#admitted.set(request, key)
    this.#limit(this.#requests, key.id, 'requests_limit', 'requests')
    if (isChange(request.method)) this.#limit(this.#writes, key.id, 'writes_limit', 'changes')
    if (isEnough(key.role, needed)) return
    this.refused.role++
    const detail = `This needs a key of role ${needed}; yours is of role ${key.role}.`
    throw new HttpProblem(403, 'ROLE_TOO_LOW', detail)
  }

  #unknown(address: string, isMissing: boolean): HttpProblem {
    const waitMs = this.#failures.take(address)
    if (waitMs > 0) {
      this.refused.logins_limit++
      return tooMany('requests without a right key', waitMs)
    }
    this.refused[isMissing ? 'no_key' : 'wrong_key']++
    const detail = isMissing
      ? 'This needs an API key: Authorization: Bearer wk_….'
      : 'This API key is not known here, or was revoked.'
    // A line each: browsers look for Basic at the beginning of a line.
    const headers = {
      'www-authenticate': ['Bearer realm="weir"', 'Basic realm="weir: any name, a key as the password"']
    }
    return new HttpProblem(401, isMissing ? 'KEY_MISSING' : 'KEY_WRONG', detail, undefined, headers)
  }

  #limit(limiter: RateLimiter, name: string, reason: Refusal, what: string): void {
    const waitMs = limiter.take(name)
    if (waitMs === 0) return
    this.refused[reason]++
    throw tooMany(what, waitMs)
  }
}

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
