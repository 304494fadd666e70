import { HttpProblem, listOf, listQuery, oneOf, pageOf, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { podEvents } from '@weir/link'
import type { PodEvent } from '@weir/link'
import Type from 'typebox'
import type { EventFilter, EventLog } from '../event-log.ts'
import { isPodEvent, isWanted } from '../event-log.ts'
import type { EventStreams } from '../event-streams.ts'

const names = Object.keys(podEvents) as PodEvent[]

const Event = Type.Object(
  {
    id: Type.String({ description: 'For Last-Event-ID; unique over restarts of the coordinator.' }),
    type: oneOf(names, 'What happened.'),
    atMs: timeMs('When the coordinator was told'),
    process: Type.String({ description: 'Who told it.' }),
    data: Type.Object(
      {
        exporter: Type.Optional(Type.String({ description: 'Whom it is about.' })),
        suppressed: Type.Optional(
          Type.Integer({
            description: 'Events of this type before it that were not told, because too many came at once.'
          })
        )
      },
      { additionalProperties: true, description: 'What else there is to say; the keys depend on the type.' }
    )
  },
  { description: names.map(name => `\`${name}\`: ${podEvents[name]}`).join('\n\n') }
)

const filters = {
  type: Type.Optional(
    Type.String({ maxLength: 1_024, description: `Only of these types, separated by commas: ${names.join(', ')}.` })
  ),
  exporter: Type.Optional(Type.String({ maxLength: 64, description: 'Only about this exporter.' }))
}

const description = `HttpServer-sent events, or a JSON object a line with \`format=ndjson\`. A reader that comes back with the
header \`Last-Event-ID\` (a browser's EventSource does by itself) or \`after\` is given what it has missed; an event \`missed\` without
an id comes first if that is not all kept any more. Comments keep the connection alive, empty lines with ndjson. The last event of a
stream that the coordinator ends is \`closed\`, with the reason. Events are rate-limited where they come from, and tell in
\`suppressed\` how many were not told.

${names.map(name => `- \`${name}\`: ${podEvents[name]}`).join('\n')}`

/** `/v1/events`: what happens in the pod, as it happens. */
export function eventRoutes(server: HttpServer, log: EventLog, streams: EventStreams, maxPage: number): void {
  const tags = ['events']

  server.get(
    '/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'What happens, as it happens: a stream that does not end',
        description,
        headers: Type.Object({
          'last-event-id': Type.Optional(Type.String({ maxLength: 64, description: 'The id of the last event read.' }))
        }),
        querystring: Type.Object(
          {
            ...filters,
            after: Type.Optional(Type.String({ maxLength: 64, description: 'The same as Last-Event-ID.' })),
            format: Type.Optional(oneOf(['sse', 'ndjson'], 'Form of the stream.', 'sse'))
          },
          { additionalProperties: false }
        ),
        response: {
          200: {
            description: 'The stream.',
            content: {
              'text/event-stream': {
                schema: Type.String({ description: 'The data of each event is an Event as in /v1/events/recent.' })
              },
              'application/x-ndjson': { schema: Event }
            }
          },
          ...problems
        }
      }
    },
    (request, reply) => {
      const { format = 'sse', after } = request.query
      const stream = streams.open(format, filterOf(request.query), request.headers['last-event-id'] ?? after)
      return reply
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .type(format === 'sse' ? 'text/event-stream; charset=utf-8' : 'application/x-ndjson; charset=utf-8')
        .send(stream as never)
    }
  )

  server.get(
    '/v1/events/recent',
    {
      schema: {
        tags,
        summary: 'What happened last, the newest first, as far as it is kept',
        querystring: listQuery(filters),
        response: { 200: listOf(Event), ...problems }
      }
    },
    request => {
      const { type, exporter, ...page } = request.query
      const filter = filterOf({ type, exporter })
      return pageOf(
        log.events.toReversed().filter(event => isWanted(event, filter)),
        page,
        maxPage
      ) as never
    }
  )
}

function filterOf({ type, exporter }: { readonly type?: string; readonly exporter?: string }): EventFilter {
  if (type === undefined) return { exporter }
  const types = new Set<PodEvent>()
  for (const name of type.split(',').map(each => each.trim())) {
    if (isPodEvent(name)) types.add(name)
    else
      throw new HttpProblem(
        400,
        'EVENT_UNKNOWN',
        `There is no event ${JSON.stringify(name)}; there are ${names.join(', ')}.`
      )
  }
  return { types, exporter }
}
