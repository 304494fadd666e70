import { HttpProblem, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import { supportBundle } from '../support/support-bundle.ts'
import type { SupportBundleDeps } from '../support/support-bundle.ts'

/** `POST /v1/support-bundle`. */
export function supportRoutes(server: HttpServer, deps: SupportBundleDeps): void {
  let isBusy = false
  server.post(
    '/v1/support-bundle',
    {
      schema: {
        tags: ['health'],
        summary: 'All that helps to understand what this pod does, as one .tar.gz, without secrets',
        description:
          'Configuration, revisions, ledger, pipeline, state of the processes, up to 1,000 exporters and as many templates, the events that are kept, metrics of all three processes, and facts of the machine. manifest.json names what is in it, and what could not be had. Secrets are taken out: what the files hold that the configuration names, and whatever looks like one. One at a time: 429.',
        response: {
          200: {
            description: 'The archive.',
            content: { 'application/gzip': { schema: Type.String({ format: 'binary' }) } }
          },
          ...problems
        }
      }
    },
    async (_request, reply) => {
      if (isBusy) {
        const detail = 'A support bundle is being made; ask again when it is done.'
        throw new HttpProblem(429, 'BUSY', detail, undefined, { 'retry-after': '2' })
      }
      isBusy = true
      try {
        const bundle = await supportBundle(deps)
        const time = new Date(deps.clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '')
        return await reply
          .type('application/gzip')
          .header('content-disposition', `attachment; filename="weir-support-${time}.tar.gz"`)
          .header('cache-control', 'no-store')
          .send(bundle as never)
      } finally {
        isBusy = false
      }
    }
  )
}
