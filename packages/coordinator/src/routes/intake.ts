import { listOf, listQuery, pageOf } from '../paging.ts'
import type { Pod } from '../pod.ts'
import type { CollectorState } from '../process-state.ts'
import { Listener, problems } from '../schemas.ts'
import type { Server } from '../server.ts'

/** `/v1/listeners`. */
export function intakeRoutes(server: Server, pod: Pod, maxPage: number): void {
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
