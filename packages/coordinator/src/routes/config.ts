import type { HttpServer } from '@weir/http'
import { WeirConfig } from '@weir/config'
import type { DestinationBook } from '../destination-book.ts'

/** `GET /v1/config`. */
export function configRoutes(server: HttpServer, book: DestinationBook): void {
  server.get(
    '/v1/config',
    {
      schema: {
        tags: ['account'],
        summary: 'The document in force: defaults, file, environment, and the destinations as they are now',
        response: { 200: WeirConfig }
      }
    },
    () => book.config
  )
}
