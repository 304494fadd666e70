import { HttpProblem, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import { Readable } from 'node:stream'
import Type from 'typebox'
import type { Fleet } from '../fleet/fleet.ts'

/** Longest archive that is passed on. */
const MAX_OCTETS = 128 * 1024 * 1024
const TIMEOUT_MS = 60_000

/** `/api/v1/pods/{pod}/support-bundle`: that of one pod, passed on as it comes. */
export function supportRoutes(server: HttpServer, fleet: Fleet): void {
  server.post(
    '/api/v1/pods/:pod/support-bundle',
    {
      config: { role: 'operator' },
      schema: {
        tags: ['fleet'],
        summary: 'All that helps to understand what one pod does, as one .tar.gz, without secrets',
        description: 'As POST /v1/support-bundle of the control API of that pod.',
        params: Type.Object({
          pod: Type.String({ maxLength: 300, description: 'The name that the pod has in /api/v1/fleet.' })
        }),
        response: {
          200: {
            description: 'The archive.',
            content: { 'application/gzip': { schema: Type.String({ format: 'binary' }) } }
          },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const { headers, body } = await fleet.download(request.params.pod, '/v1/support-bundle', 'POST', signal)
      const name = headers['content-disposition']
      if (name !== undefined && /^attachment; filename="[A-Za-z0-9.-]{1,100}"$/.test(name)) {
        reply.header('content-disposition', name)
      }
      return reply
        .type('application/gzip')
        .header('cache-control', 'no-store')
        .send(Readable.from(bounded(body)) as never)
    }
  )
}

/** @throws where it is longer than is passed on: the connection then ends, and what has come is no whole archive. */
async function* bounded(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let octets = 0
  for await (const part of body) {
    octets += part.length
    if (octets > MAX_OCTETS) throw new HttpProblem(502, 'POD_ANSWER_TOO_LONG', 'The archive is too long.')
    yield part
  }
}
