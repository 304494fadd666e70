import { Listener, listOf, listQuery, pageOf, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import type { Pod } from '../pod.ts'
import type { CollectorState } from '../process-state.ts'

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
}
