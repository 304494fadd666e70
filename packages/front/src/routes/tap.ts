import { problems, tapCounts, tapFormatOf, tapQuery } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Gate } from '../auth/gate.ts'
import { podName } from '../fleet/fleet-shapes.ts'
import type { TapStreams } from '../fleet/tap-streams.ts'

const Line = Type.Object(
  {
    pod: Type.Optional(Type.String({ description: 'Which pod shows the record, or is meant.' })),
    recordType: Type.Optional(
      Type.String({ description: 'options, counts, pod_away, pod_back or closed; a Data Record has none.' })
    )
  },
  {
    additionalProperties: true,
    description: 'A record, as a JSON destination writes it, with its pod; or counts, or the end.'
  }
)

const description = `What goes by in all pods, as it goes by: a sample of the records, as JSON, each with its \`pod\`. Server-sent events,
\`record\`, \`counts\` of all pods together, \`pod_away\` and \`pod_back\`, at the end \`closed\` with \`reason\`, \`detail\` and \`counts\`; or a JSON
object a line (\`Accept: application/x-ndjson\` or \`format=ndjson\`), where \`recordType\` tells the others from records. Comments keep the
connection alive, empty lines with ndjson. \`rate\` is shared out to the pods.

It never holds up the records: what a slow reader does not take is dropped and counted, and after half a minute without taking anything
the stream ends (\`too_slow\`). Counts are of records since the stream began: ${Object.entries(tapCounts)
  .map(([name, text]) => `\`${name}\` ${text}`)
  .join('; ')}.`

/** `GET /api/v1/tap`. */
export function tapRoutes(server: HttpServer, streams: TapStreams, gate: Gate): void {
  server.get(
    '/api/v1/tap',
    {
      config: { role: 'reader' },
      exposeHeadRoute: false,
      schema: {
        tags: ['fleet'],
        summary: 'The records that go by in all pods: a stream that ends with its limit',
        description,
        querystring: Type.Object({ ...tapQuery, pod: podName }, { additionalProperties: false }),
        response: {
          200: {
            description: 'The stream.',
            content: {
              'text/event-stream': {
                schema: Type.String({ description: 'The data of each event is a line as of ndjson.' })
              },
              'application/x-ndjson': { schema: Line }
            }
          },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const { format: asked, rate = 100, limit = 1_000, pod, ...wanted } = request.query
      const format = tapFormatOf(asked, request.headers.accept)
      const { id: key, untilMs } = gate.callerStill(request)
      const stream = await streams.open({ format, wanted, pod, rate, limit, key, untilMs })
      // A reader that went away while the pods were asked would never be seen to go.
      reply.raw.once('close', () => stream.destroy())
      if (reply.raw.destroyed) stream.destroy()
      return reply
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .type(format === 'sse' ? 'text/event-stream; charset=utf-8' : 'application/x-ndjson; charset=utf-8')
        .send(stream as never)
    }
  )
}
