import Type from 'typebox'
import type { Metrics } from '@weir/runtime'
import type { Pod } from '../pod.ts'
import type { Server } from '../server.ts'

/** What `/version` says, besides the version itself. */
export interface VersionFacts {
  readonly version: string
  /** Of the element registry: date of the IANA registry. */
  readonly registry: string
}

/** `/livez`, `/readyz`, `/metrics`, `/version`. */
export function healthRoutes(server: Server, pod: Pod, metrics: Metrics, facts: VersionFacts): void {
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
        summary: 'Collector and mediator are connected and serve',
        response: { 200: Readiness, 503: Readiness }
      }
    },
    async (_request, reply) => {
      const reasons = await pod.unready()
      if (reasons.length === 0) return { status: 'ready' as const, reasons }
      return reply.code(503).send({ status: 'not ready' as const, reasons })
    }
  )

  server.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: "The coordinator's metrics, Prometheus text; collector and mediator serve their own",
        produces: ['text/plain'],
        response: { 200: Type.String() }
      }
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text())
  )

  const Version = Type.Object({
    version: Type.String(),
    node: Type.String(),
    registry: Type.String({ description: 'Date of the IANA element registry it was built with.' })
  })
  server.get('/version', { schema: { tags, summary: 'What runs here', response: { 200: Version } } }, () => ({
    ...facts,
    node: process.version
  }))
}
