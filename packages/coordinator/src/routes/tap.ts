import { filterIssues } from '@weir/config'
import { HttpProblem, problems, tapCounts, tapFormatOf, tapQuery } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { TapStreams } from '../tap-streams.ts'

const Line = Type.Object(
  { recordType: Type.Optional(Type.String({ description: 'options, counts or closed; a Data Record has none.' })) },
  { additionalProperties: true, description: 'A record, as a JSON destination writes it; or counts, or the end.' }
)

const description = `What goes by, as it goes by: a sample of the records, as JSON. Server-sent events, \`record\` and, once a second if they have
changed, \`counts\`, at the end \`closed\` with \`reason\`, \`detail\` and \`counts\`; or a JSON object a line (\`Accept: application/x-ndjson\` or
\`format=ndjson\`), where \`recordType\` tells counts and the end from records. Comments keep the connection alive, empty lines with ndjson.

It never holds up the records: at most \`rate\` a second are shown, spread over all that match; what a slow reader does not take is dropped
and counted, and after half a minute without taking anything the stream ends (\`too_slow\`); and all taps together take at most 2 % of the
mediator's time, beyond which records go by \`unasked\`. Counts are of records since the stream began: ${Object.entries(
  tapCounts
)
  .map(([name, text]) => `\`${name}\` ${text}`)
  .join('; ')}.`

/** `GET /v1/tap`. */
export function tapRoutes(server: HttpServer, streams: TapStreams, elementFiles: () => readonly string[]): void {
  server.get(
    '/v1/tap',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['output'],
        summary: 'The records that go by: a stream that ends with its limit',
        description,
        querystring: Type.Object(tapQuery, { additionalProperties: false }),
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
      const { filter = null, exporter = null, destination = null, rate = 100, limit = 1_000 } = request.query
      const issues = filter === null ? [] : filterIssues(filter, 'filter', elementFiles())
      if (issues.length > 0)
        throw new HttpProblem(400, 'FILTER_INVALID', `The filter is wrong ${issues[0]!.message}`, issues)
      const format = tapFormatOf(request.query.format, request.headers.accept)
      const stream = await streams.open(format, { filter, exporter, destination, rate, limit })
      // A reader that went away while the tap was opened would never be seen to go.
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
