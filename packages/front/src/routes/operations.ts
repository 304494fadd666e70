import {
  DestinationFlushed,
  DestinationTested,
  DestinationView,
  Listener,
  checkLimit,
  cursorQuery,
  operationTimeout,
  problems
} from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { mergedListOf, podListOf, podName } from '../fleet/fleet-shapes.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { mergedPage } from '../fleet/merged-page.ts'

/** A pod answers this much later than it was given at most. */
const GRACE_MS = 2_000
const DEFAULT_TIMEOUT_MS = 5_000

const podDestinations = podListOf(DestinationView)
const podListeners = podListOf(Listener)
const view = Compile(DestinationView)
const listener = Compile(Listener)
const resent = Type.Object({ id: Type.String() })
const resentShape = Compile(resent)
const tags = ['operations']
const merge =
  'Merged from all pods that answer in time; one that does not is named in `pods`. Asked for anew each time, so that it shows what was just done.'

const pod = Type.String({ maxLength: 300, description: 'The name that the pod has in /api/v1/fleet.' })
const DestinationOfPod = Type.Object({
  pod,
  id: Type.String({ maxLength: 200, description: 'The id of the destination.' })
})
const ListenerOfPod = Type.Object({
  pod,
  name: Type.String({ maxLength: 200, description: 'The name of the listener.' })
})

const destinationModes = {
  pause: 'Send nothing until it is resumed; what comes waits in its queue',
  resume: 'Go on after pause or drain',
  drain: 'Take nothing new, send what waits, then end the session'
} as const

const listenerModes = {
  pause: 'Read nothing more from a listener of this pod',
  resume: 'Read a listener of this pod again, or open it again after drain',
  drain: 'Let a listener of this pod come to its end: no new sessions'
} as const

const timed = {
  flush: [
    'Send what waits now and finish its open file; answers when that is done, or the time is up',
    'How long to wait, milliseconds.',
    DestinationFlushed
  ],
  test: [
    'Can it be reached now? Beside its session, which is not touched',
    'How long it may take, milliseconds.',
    DestinationTested
  ]
} as const

const asOf = (path: string): string => `As POST ${path} of the control API of that pod. No revision.`

/** Destinations and listeners of all pods, and what an operator does with those of one. */
export function operationRoutes(server: HttpServer, fleet: Fleet, maxPage: number): void {
  listRoutes(server, fleet, maxPage)
  destinationRoutes(server, fleet)
  for (const [verb, summary] of Object.entries(listenerModes)) {
    server.post(
      `/api/v1/pods/:pod/listeners/:name/${verb}`,
      {
        config: { role: 'operator' },
        schema: {
          tags,
          summary,
          description: asOf(`/v1/listeners/{name}/${verb}`),
          params: ListenerOfPod,
          response: { 200: Listener, ...problems }
        }
      },
      ({ params }) =>
        fleet.operate<Static<typeof Listener>>(
          params.pod,
          `/v1/listeners/${encodeURIComponent(params.name)}/${verb}`,
          listener,
          { method: 'POST' }
        )
    )
  }
}

function listRoutes(server: HttpServer, fleet: Fleet, maxPage: number): void {
  const config = { role: 'reader' } as const
  const destinationFilters = {
    type: Type.Optional(Type.String({ maxLength: 100, description: 'Only of this type.' })),
    status: Type.Optional(Type.String({ maxLength: 100, description: 'Only in this state.' })),
    pod: podName
  }
  const { offset: _offset, ...query } = cursorQuery(destinationFilters).properties
  server.get(
    '/api/v1/destinations',
    {
      config,
      schema: {
        tags,
        summary: 'Where records go, once for each pod that sends there, with state, queue and account',
        description: merge,
        querystring: Type.Object(query, { additionalProperties: false }),
        response: { 200: mergedListOf(DestinationView.properties), ...problems }
      }
    },
    request => {
      const asked = { sort: 'id', ...request.query }
      checkLimit(asked.limit, maxPage)
      return mergedPage<DestinationView>(fleet, podDestinations, '/v1/destinations', asked, 'id', true)
    }
  )
  const { offset: _unused, ...listenerQuery } = cursorQuery({ pod: podName }).properties
  server.get(
    '/api/v1/listeners',
    {
      config,
      schema: {
        tags,
        summary: 'Where exporters send to, in each pod, with socket, buffers and kernel drops',
        description: merge,
        querystring: Type.Object(listenerQuery, { additionalProperties: false }),
        response: {
          200: mergedListOf(Listener.properties, { additionalProperties: true }),
          ...problems
        }
      }
    },
    request => {
      const asked = { sort: 'name', ...request.query }
      checkLimit(asked.limit, maxPage)
      return mergedPage<Static<typeof Listener>>(fleet, podListeners, '/v1/listeners', asked, 'name', true)
    }
  )
}

function destinationRoutes(server: HttpServer, fleet: Fleet): void {
  const config = { role: 'operator' } as const
  const pathOf = ({ id }: Static<typeof DestinationOfPod>, verb: string): string =>
    `/v1/destinations/${encodeURIComponent(id)}/${verb}`

  for (const [verb, summary] of Object.entries(destinationModes)) {
    server.post(
      `/api/v1/pods/:pod/destinations/:id/${verb}`,
      {
        config,
        schema: {
          tags,
          summary,
          description: asOf(`/v1/destinations/{id}/${verb}`),
          params: DestinationOfPod,
          response: { 200: DestinationView, ...problems }
        }
      },
      ({ params }) => fleet.operate<DestinationView>(params.pod, pathOf(params, verb), view, { method: 'POST' })
    )
  }

  for (const [verb, [summary, time, answer]] of Object.entries(timed)) {
    const shape = Compile(answer)
    server.post(
      `/api/v1/pods/:pod/destinations/:id/${verb}`,
      {
        config,
        schema: {
          tags,
          summary,
          description: asOf(`/v1/destinations/{id}/${verb}`),
          params: DestinationOfPod,
          querystring: operationTimeout(time),
          response: { 200: answer, ...problems }
        }
      },
      ({ params, query }) => {
        const { timeoutMs = DEFAULT_TIMEOUT_MS } = query
        const path = `${pathOf(params, verb)}?timeoutMs=${timeoutMs}`
        return fleet.operate<Static<typeof answer>>(params.pod, path, shape, {
          method: 'POST',
          timeoutMs: timeoutMs + GRACE_MS
        })
      }
    )
  }

  server.post(
    '/api/v1/pods/:pod/destinations/:id/resend-templates',
    {
      config,
      schema: {
        tags,
        summary: 'Send all templates and options templates again now',
        description: asOf('/v1/destinations/{id}/resend-templates'),
        params: DestinationOfPod,
        response: { 202: resent, ...problems }
      }
    },
    async ({ params }, reply) => {
      const options = { method: 'POST', accepted: [202] }
      const path = pathOf(params, 'resend-templates')
      return reply.code(202).send(await fleet.operate<Static<typeof resent>>(params.pod, path, resentShape, options))
    }
  )
}
