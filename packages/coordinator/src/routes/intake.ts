import { Listener, listOf, listQuery, pageOf, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Pod } from '../pod.ts'
import type { CollectorState } from '../process-state.ts'

const untilTold =
  'It holds over restarts, until resume, or until the listener is taken out of the configuration or opened at another place. No revision.'

const operations = [
  [
    'pause',
    'Read nothing more from a listener',
    `TCP: exporters are held back by flow control, and connections that come wait unread. UDP: datagrams wait in the receive buffer, so that a short pause loses nothing; what does not fit the kernel drops and counts (kernelDrops). A collector that is stopped reads what waits. ${untilTold}`
  ],
  [
    'resume',
    'Read a listener again, or open it again after drain',
    'What has waited comes first. 409 LISTENER_REFUSED if its port was taken meanwhile.'
  ],
  [
    'drain',
    'Let a listener come to its end: no new sessions',
    `TCP: no connection is taken any more; those that are there go on until they end, and then it is drained. UDP: the socket is read empty and closed. ${untilTold}`
  ]
] as const

/** `/v1/listeners`. */
export function intakeRoutes(server: HttpServer, pod: Pod, maxPage: number): void {
  server.get(
    '/v1/listeners',
    {
      schema: {
        tags: ['intake'],
        summary: 'Where exporters send to, with socket, buffers and kernel drops',
        querystring: listQuery({}),
        response: { 200: listOf(Listener), ...problems }
      }
    },
    async request => {
      const { listeners } = (await pod.collector('collector.state')) as unknown as CollectorState
      return pageOf(listeners, request.query, maxPage)
    }
  )

  for (const [what, summary, description] of operations) {
    server.post(
      `/v1/listeners/:name/${what}`,
      {
        schema: {
          tags: ['intake'],
          summary,
          description,
          params: Type.Object({ name: Type.String({ description: 'The name of the listener.' }) }),
          response: { 200: Listener, ...problems }
        }
      },
      async request => (await pod.collector(`listeners.${what}`, request.params)) as Type.Static<typeof Listener>
    )
  }
}
