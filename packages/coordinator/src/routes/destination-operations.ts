import { DestinationFlushed, DestinationTested, DestinationView, operationTimeout, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import type { DestinationBook } from '../destination-book.ts'
import type { Pod } from '../pod.ts'
import { destinationView } from '../process-state.ts'
import type { MediatorDestination } from '../process-state.ts'

const Id = Type.Object({ id: Type.String({ description: 'The id of the destination.' }) })

/** An answer of the mediator comes this much later than it says at most. */
const GRACE_MS = 1_000
const DEFAULT_TIMEOUT_MS = 5_000

const modes = {
  pause: [
    'paused',
    'Send nothing until it is resumed; what comes waits in its queue',
    'Its session stays. When the queue is full its policy holds: the oldest or newest records are dropped and counted, or (`block`) all input waits. What still waits when it is removed, or the mediator ends, is dropped and counted (`shutdown`). It stays paused over restarts.'
  ],
  resume: [
    'running',
    'Go on after pause or drain',
    'What has waited is sent; one that was drained begins a new session.'
  ],
  drain: [
    'draining',
    'Take nothing new, send what waits, then end the session',
    'Its `mode` is draining until all has left, then drained: a connection is closed in order, a file is finished. What comes in the meantime is counted as dropped (`drained`). It stays drained over restarts; what a mediator that is killed had not sent is not taken again.'
  ]
} as const

/** `/v1/destinations/{id}/pause`, `resume`, `drain`, `flush`, `test`: what an operator does with one, apart from its document. */
export function destinationOperationRoutes(server: HttpServer, book: DestinationBook, pod: Pod): void {
  const tags = ['output']

  for (const [verb, [mode, summary, description]] of Object.entries(modes)) {
    server.post(
      `/v1/destinations/:id/${verb}`,
      { schema: { tags, summary, description, params: Id, response: { 200: DestinationView, ...problems } } },
      async request => {
        const config = book.get(request.params.id)
        const state = await pod.mediator('destinations.setMode', { id: config.id, mode })
        return destinationView(config, state as unknown as MediatorDestination)
      }
    )
  }

  server.post(
    '/v1/destinations/:id/flush',
    {
      schema: {
        tags,
        summary: 'Send what waits now and finish its open file; answers when that is done, or the time is up',
        description:
          'Waits for what the mediator has; what the collector has not handed over yet follows within `link.batchAgeMs`.',
        params: Id,
        querystring: operationTimeout('How long to wait, milliseconds.'),
        response: { 200: DestinationFlushed, ...problems }
      }
    },
    async request => {
      const { id } = book.get(request.params.id)
      const timeoutMs = request.query.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const startMs = performance.now()
      const answer = await pod.mediator('destinations.flush', { id, timeoutMs }, timeoutMs + GRACE_MS)
      const flushed = answer as unknown as Omit<Static<typeof DestinationFlushed>, 'id' | 'tookMs'>
      return { id, ...flushed, tookMs: Math.round(performance.now() - startMs) }
    }
  )

  server.post(
    '/v1/destinations/:id/test',
    {
      schema: {
        tags,
        summary: 'Can it be reached now? Beside its session, which is not touched',
        description:
          'TCP is connected and closed, UDP looks for a way and sends nothing, a file is opened and nothing is written to it.',
        params: Id,
        querystring: operationTimeout('How long it may take, milliseconds.'),
        response: { 200: DestinationTested, ...problems }
      }
    },
    async request => {
      const { id } = book.get(request.params.id)
      const timeoutMs = request.query.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const startMs = performance.now()
      const answer = await pod.mediator('destinations.test', { id, timeoutMs }, timeoutMs + GRACE_MS)
      const tested = answer as unknown as Omit<Static<typeof DestinationTested>, 'id' | 'tookMs'>
      return { id, ...tested, tookMs: Math.round(performance.now() - startMs) }
    }
  )
}
