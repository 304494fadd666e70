import AjvCompiler from '@fastify/ajv-compiler'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { errorCode, errorMessage } from '@weir/runtime'
import type { FollowedFiles, Log } from '@weir/runtime'
import fastify from 'fastify'
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifySchema,
  RawServerDefault
} from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Server as SecureServer } from 'node:tls'
import { HttpProblem, Problem, makeProblem } from './problem.ts'
import { inputSchema } from './input-schema.ts'
import { isDeeperThan } from './json-depth.ts'
import { KnownRoutes } from './known-routes.ts'
import type { RequestCounters } from './request-counters.ts'

export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Bounds of one HTTP API (L-70, L-71). */
export interface HttpLimits {
  readonly bodyOctets: number
  readonly requestTimeoutMs: number
  readonly connectionTimeoutMs: number
  readonly keepAliveMs: number
  readonly requestsPerConnection: number
  readonly connections: number
}

/** What an API says of itself in its OpenAPI document. */
export interface ApiDescription {
  readonly title: string
  readonly description: string
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  /** Names of the ways to say who one is, and how. */
  readonly securitySchemes?: Readonly<Record<string, { type: 'http'; scheme: string; description: string }>>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body may take longer than that of others to arrive: {@link HttpServerOptions.uploadTimeoutMs}. */
    isUpload?: boolean
  }
}

export interface HttpServerOptions {
  /** Of the process, for the answer that says where the log is. */
  readonly name: string
  readonly version: string
  readonly api: ApiDescription
  readonly limits: HttpLimits
  /** Time for the whole request of a route with `isUpload`; undefined: as for all others. */
  readonly uploadTimeoutMs?: number | undefined
  readonly log: Log
  readonly counters: RequestCounters
  /** Hooks that hold for every route, those of the docs page too; called before there is any. */
  readonly prepare?: (server: HttpServer) => void
  /** Serve TLS; undefined: plain HTTP. */
  readonly tls?: FollowedFiles<ServerSecrets> | undefined
}

/** What a server shows, and who it asks to be signed by; PEM. */
export interface ServerSecrets {
  readonly cert: Buffer
  readonly key: Buffer
  /** undefined: nobody is asked for a certificate. */
  readonly clientCa: Buffer | undefined
}

/** An HTTP server with the limits, problem documents, OpenAPI 3.1 and the docs page at `/docs`; no routes yet. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { name, limits, log, counters } = options
  const server = fastify({
    logger: false,
    bodyLimit: limits.bodyOctets,
    requestTimeout: Math.max(limits.requestTimeoutMs, options.uploadTimeoutMs ?? 0),
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxRequestsPerSocket: limits.requestsPerConnection,
    // Keys of templates hold a scope key, which may hold an IPv6 address.
    routerOptions: { maxParamLength: 1_024 },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
    ...(options.tls === undefined ? {} : { https: secureOptions(options.tls.current) }),
    // Of paths that cannot be read at all; no hook is called for those.
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error, name, log)),
    schemaController: { compilersFactory: { buildValidator } },
    ajv: { customOptions: { allErrors: true, removeAdditional: false, coerceTypes: 'array', useDefaults: true } }
  }).withTypeProvider<TypeBoxTypeProvider>()
  server.server.maxConnections = limits.connections
  if (options.tls !== undefined) followSecrets(server, options.tls)
  server.addSchema(Problem)
  readJsonBodies(server)
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error instanceof HttpProblem) reply.headers(error.headers)
    return sendProblem(reply, problemOf(error, name, log))
  })
  if (options.uploadTimeoutMs !== undefined) limitOtherRequests(server, limits.requestTimeoutMs)
  options.prepare?.(server)
  const routes = new KnownRoutes()
  server.addHook('onRoute', ({ url, method }) => routes.add(url, method))
  await server.register(swagger, {
    openapi: openApi(options),
    transform: ({ schema, url }) => ({ url, schema: withInputBody(schema) }),
    refResolver: { buildLocalReference: ({ $id }, _baseUri, _fragment, index) => String($id ?? `def-${index}`) }
  })
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: docsPolicy,
    theme: { title: options.api.title },
    logo: { type: 'image/svg+xml', content: Buffer.from(logo), href: '/docs', target: '_self' }
  })
  // Guarded as the page itself is.
  server.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'))
  server.addHook('onSend', async (_request, reply) => void reply.header('x-content-type-options', 'nosniff'))
  server.addHook('onResponse', async (request, reply) => {
    counters.count(request.method, request.routeOptions.url ?? 'none', reply.statusCode)
  })
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!
    const allowed = routes.methodsOf(path)
    if (allowed.length === 0) {
      const detail = `There is nothing at ${request.method} ${path}; /docs shows what there is.`
      return sendProblem(reply, makeProblem(404, 'NOT_FOUND', detail))
    }
    const detail = `${path} takes no ${request.method}; it takes ${allowed.join(', ')}.`
    return sendProblem(reply.header('allow', allowed.join(', ')), makeProblem(405, 'METHOD_NOT_ALLOWED', detail))
  })
  return server
}

/** Levels of a body; a document of the configuration has ten. */
const MOST_LEVELS = 64

function readJsonBodies(server: HttpServer): void {
  const read = server.getDefaultJsonParser('error', 'error')
  server.removeContentTypeParser('application/json')
  for (const type of ['application/json', 'application/merge-patch+json']) {
    server.addContentTypeParser<string>(type, { parseAs: 'string' }, (request, text, done) => {
      if (!isDeeperThan(text, MOST_LEVELS)) return read(request, text, done)
      const detail = `Objects and lists stand in each other more than ${MOST_LEVELS} deep; no request here needs that.`
      done(new HttpProblem(400, 'BODY_TOO_DEEP', detail))
    })
  }
}

/** Who is not known is told so by a hook, in an answer: a probe of the pod's health has no certificate. */
const secureOptions = ({ cert, key, clientCa }: ServerSecrets) => ({
  cert,
  key,
  minVersion: 'TLSv1.2' as const,
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false })
})

function followSecrets(server: HttpServer, tls: FollowedFiles<ServerSecrets>): void {
  let { changes } = tls
  const timer = setInterval(() => {
    const secrets = tls.current
    if (tls.changes === changes) return
    changes = tls.changes
    ;(server.server as unknown as SecureServer).setSecureContext(secureOptions(secrets))
  }, 1_000).unref()
  server.addHook('onClose', async () => clearInterval(timer))
}

/** Let a server that runs have other bounds, but for `bodyOctets` and `connectionTimeoutMs`. */
export function setHttpLimits({ server }: HttpServer, limits: HttpLimits): void {
  server.maxConnections = limits.connections
  server.requestTimeout = limits.requestTimeoutMs
  server.keepAliveTimeout = limits.keepAliveMs
  server.maxRequestsPerSocket = limits.requestsPerConnection
}

/** The server knows one time for all requests, and it is that of uploads: whatever is none has to be there sooner. */
function limitOtherRequests(server: HttpServer, requestTimeoutMs: number): void {
  server.server.headersTimeout = requestTimeoutMs
  server.addHook('preParsing', async ({ raw, routeOptions }) => {
    if (routeOptions.config.isUpload === true || raw.complete) return
    const late = (): void => answerClientError({ name: '', message: '', code: 'ERR_HTTP_REQUEST_TIMEOUT' }, raw.socket)
    const timer = setTimeout(late, requestTimeoutMs)
    raw.once('close', () => clearTimeout(timer))
    raw.once('end', () => clearTimeout(timer))
  })
}

const ajvCompiler = AjvCompiler()

/** Text of a path, query or header becomes the number that is meant; in a body a number is a number, and null is not 0. */
const buildValidator: typeof ajvCompiler = (schemas, options = {}) => {
  const exact = { ...options, customOptions: { ...options.customOptions, coerceTypes: false } } as typeof options
  const [ofText, ofBody] = [ajvCompiler(schemas, options), ajvCompiler(schemas, exact)]
  return (route, ...rest) => {
    const { httpPart } = route as { readonly httpPart?: string }
    return (httpPart === 'body' ? ofBody : ofText)(route, ...rest)
  }
}

/** For the docs page: all of it is ours, and plain HTTP, so nothing may be turned into HTTPS or fetched from elsewhere. */
const docsPolicy = [
  "default-src 'self'",
  "base-uri 'self'",
  "font-src 'self' data:",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src-attr 'none'"
].join('; ')

const logo = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><text x="0" y="29" font-family="sans-serif" font-size="30" font-weight="700" fill="#fff">Weir</text></svg>`

const withInputBody = (schema: FastifySchema): FastifySchema =>
  schema?.body === undefined ? schema : { ...schema, body: inputSchema(schema.body) }

const openApi = ({ version, api: { title, description, tags, securitySchemes } }: HttpServerOptions) => ({
  openapi: '3.1.0',
  info: {
    title,
    version,
    description: `${description} Errors are problem documents (RFC 9457).`,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
  },
  ...(securitySchemes === undefined ? {} : { components: { securitySchemes } }),
  tags: [...tags]
})

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send(problem)
}

const clientErrors: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The header of the request is too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come whole in time.']
}

/** What is no HTTP at all never becomes a request; it is answered on the bare socket. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy(error)
  const [status, detail] = clientErrors[error.code ?? ''] ?? [400, 'The request is no HTTP/1.1.']
  const body = JSON.stringify(makeProblem(status, error.code ?? 'BAD_REQUEST', detail))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close'
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** What the framework refuses, in our words: by its own names and texts nobody knows what to do. */
const frameworkErrors: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'MEDIA_TYPE',
    'The body is of a type that is not taken here: say Content-Type: application/json, or what /docs says of this route.'
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['JSON_INVALID', 'The body is no JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['JSON_INVALID', 'There is no body; leave Content-Type out, or send JSON.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'The body is larger than limits.bodyOctets allows.']
}

function problemOf(error: FastifyError, name: string, log: Log): Problem {
  if (error instanceof HttpProblem) return error.problem
  if (error.validation !== undefined) {
    const errors = error.validation.map(({ instancePath, message = 'is wrong', params }) => ({
      path: `${error.validationContext ?? 'request'}${instancePath.replaceAll('/', '.')}`,
      message: 'additionalProperty' in params ? `${message}: ${String(params.additionalProperty)}` : message,
      ...('allowedValues' in params ? { allowed: (params.allowedValues as readonly unknown[]).join(' | ') } : {})
    }))
    const [{ path = '', message = '', allowed = undefined } = {}] = errors
    const hint = allowed === undefined ? '' : ` (${allowed})`
    return makeProblem(400, 'REQUEST_INVALID', `The request is wrong: ${path} ${message}${hint}.`, errors)
  }
  const known = frameworkErrors[error.code]
  if (known !== undefined) return makeProblem(error.statusCode ?? 400, ...known)
  const status = error.statusCode ?? 500
  if (status < 500)
    return makeProblem(status, errorCode(error) ?? 'REQUEST_INVALID', `${errorMessage(error)}.`.replace('..', '.'))
  log.error('request_failed', 'a request could not be answered', { error })
  return makeProblem(500, 'INTERNAL', `This is a defect of Weir; the log of the ${name} says more.`)
}
