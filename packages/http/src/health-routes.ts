import Type from 'typebox'
import type { Metrics } from '@weir/runtime'
import type { HttpServer } from './http-server.ts'

/** What the health routes tell of a process. */
export interface HealthFacts {
  /** What is not ready, a sentence each; empty: all is. */
  unready(): Promise<readonly string[]>
  readonly metrics: Metrics
  /** Whose API it is. */
  readonly process: 'coordinator' | 'front'
  readonly version: string
  /** Date of the IANA element registry that it was built with. */
  readonly registry: string
  readonly summaries: { readonly readyz: string; readonly metrics: string }
}

/** `/livez`, `/readyz`, `/metrics`, `/version`. */
export function healthRoutes(
  server: HttpServer,
  { unready, metrics, process: name, version, registry, summaries }: HealthFacts
): void {
  const tags = ['health']
  server.get(
    '/livez',
    {
      schema: {
        tags,
        summary: 'The event loop turns',
        response: { 200: Type.Object({ status: Type.Literal('live') }) }
      }
    },
    () => ({
      status: 'live' as const
    })
  )

  const Readiness = Type.Object({
    status: Type.Union([Type.Literal('ready'), Type.Literal('not ready')]),
    reasons: Type.Array(Type.String(), { description: 'What is not ready, a sentence each.' })
  })
  server.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: summaries.readyz,
        response: { 200: Readiness, 503: Readiness }
      }
    },
    async (_request, reply) => {
      const reasons = [...(await unready())]
      if (reasons.length === 0) return { status: 'ready' as const, reasons }
      return reply.code(503).send({ status: 'not ready' as const, reasons })
    }
  )

  server.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: summaries.metrics,
        produces: ['text/plain'],
        response: { 200: Type.String() }
      }
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text())
  )

  const Version = Type.Object({
    process: Type.String({ description: 'coordinator: the API of one pod; front: that of a fleet.' }),
    version: Type.String(),
    node: Type.String(),
    registry: Type.String({ description: 'Date of the IANA element registry it was built with.' })
  })
  server.get('/version', { schema: { tags, summary: 'What runs here', response: { 200: Version } } }, () => ({
    process: name,
    version,
    registry,
    node: process.version
  }))
}
