import { checkLimit, oneOf, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Gate } from '../auth/gate.ts'
import type { EventStreams } from '../fleet/event-streams.ts'
import { partial, podName } from '../fleet/fleet-shapes.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { reportsOf } from '../fleet/fleet.ts'

const Event = Type.Object({
  pod: Type.String({ description: 'Which pod says so.' }),
  id: Type.String({ description: 'Of the event in its pod.' }),
  type: Type.String({ description: 'What happened; see the control API.' }),
  atMs: timeMs('When its coordinator was told'),
  process: Type.String({ description: 'Who told it.' }),
  data: Type.Object({}, { additionalProperties: true, description: 'The keys depend on the type.' })
})

const { pod: _pod, ...event } = Event.properties
const podEvents = Compile(Type.Object({ items: Type.Array(Type.Object(event)) }))

const filters = {
  type: Type.Optional(
    Type.String({ maxLength: 1_024, description: 'Only of these types, separated by commas; see the control API.' })
  ),
  exporter: Type.Optional(Type.String({ maxLength: 64, description: 'Only about this exporter.' }))
}

const description = `Server-sent events, or a JSON object a line with \`format=ndjson\`: those of all pods, in the order in which they
come in. \`id\` says how far each pod was read; a reader that comes back with it, in the header \`Last-Event-ID\` (a browser's
EventSource does by itself) or as \`after\`, is given what it has missed, by whichever front. Without an id come \`pod_away\` and
\`pod_back\`, \`missed\` if a pod has not kept all of it, and \`closed\` with the reason if the front ends the stream. Comments keep the
connection alive, empty lines with ndjson.`

const PLACE_LENGTH = 8_192

/** `/api/v1/events`: what happens in all pods, as it happens. */
export function eventRoutes(
  server: HttpServer,
  { fleet, streams, gate, maxPage }: { fleet: Fleet; streams: EventStreams; gate: Gate; maxPage: number }
): void {
  const tags = ['events']
  const config = { role: 'reader' } as const

  const recent = async (query: Readonly<Record<string, string | number | undefined>>, pod?: string) => {
    const asked = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]))
    const path = `/v1/events/recent?${new URLSearchParams(asked)}`
    const { answers, missing } = await fleet.ask(podEvents, () => path, pod)
    const reports = reportsOf(answers, missing)
    const items = answers.flatMap(answer =>
      answer.isAnswered ? answer.body.items.map(each => ({ ...each, pod: answer.pod.name })) : []
    )
    return { items, reports }
  }

  server.get(
    '/api/v1/events',
    {
      config,
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'What happens in all pods, as it happens: a stream that does not end',
        description,
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({ maxLength: PLACE_LENGTH, description: 'The id of the last event read.' })
          )
        }),
        querystring: Type.Object(
          {
            ...filters,
            after: Type.Optional(Type.String({ maxLength: PLACE_LENGTH, description: 'The same as Last-Event-ID.' })),
            format: Type.Optional(oneOf(['sse', 'ndjson'], 'Form of the stream.', 'sse'))
          },
          { additionalProperties: false }
        ),
        response: {
          200: {
            description: 'The stream.',
            content: {
              'text/event-stream': { schema: Type.String({ description: 'The data of each event is an Event.' }) },
              'application/x-ndjson': { schema: Event }
            }
          },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const { format = 'sse', after, type, exporter } = request.query
      // What the pods refuse is refused now, not in the stream.
      await recent({ type, exporter, limit: 1 })
      const lastId = request.headers['last-event-id'] ?? after
      const { id: key, untilMs } = gate.callerStill(request)
      const stream = streams.open({ format, filters: { type, exporter }, lastId, key, untilMs })
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

  server.get(
    '/api/v1/events/recent',
    {
      config,
      schema: {
        tags,
        summary: 'What happened last in all pods, the newest first, as far as they keep it',
        querystring: Type.Object(
          {
            ...filters,
            pod: podName,
            limit: Type.Optional(Type.Integer({ minimum: 1, default: 100, description: 'Events at most.' }))
          },
          { additionalProperties: false }
        ),
        response: { 200: Type.Object({ items: Type.Array(Event), ...partial }), ...problems }
      }
    },
    async request => {
      const { pod, limit = 100, ...query } = request.query
      checkLimit(limit, maxPage)
      const { items, reports } = await recent({ ...query, limit }, pod)
      return { items: items.toSorted((one, other) => other.atMs - one.atMs).slice(0, limit), ...reports }
    }
  )
}
