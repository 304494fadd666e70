import {
  Pipeline,
  dotOf,
  mermaidOf,
  oneOf,
  pipelineFormatOf,
  pipelineFormats,
  pipelineMediaTypes,
  problems
} from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { PipelineWatch } from '../pipeline/pipeline-watch.ts'

/** `GET /v1/pipeline`. */
export function pipelineRoutes(server: HttpServer, watch: PipelineWatch): void {
  server.get(
    '/v1/pipeline',
    {
      schema: {
        tags: ['account'],
        summary: 'The way of the records through this pod: rates, what waits and what is lost at each hop',
        description:
          'As JSON, or as Mermaid or Graphviz DOT text by `format` or the header Accept (text/vnd.mermaid, text/vnd.graphviz). Totals are those of the ledger.',
        querystring: Type.Object(
          { format: Type.Optional(oneOf(pipelineFormats, 'Form of the answer; over the header Accept.')) },
          { additionalProperties: false }
        ),
        response: {
          200: {
            description: 'The pipeline.',
            content: {
              [pipelineMediaTypes.json]: { schema: Pipeline },
              [pipelineMediaTypes.mermaid]: { schema: Type.String() },
              [pipelineMediaTypes.dot]: { schema: Type.String() }
            }
          },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const pipeline = await watch.current()
      const format = pipelineFormatOf(request.query.format, request.headers.accept)
      if (format === 'json') return reply.send(pipeline)
      const textOf = format === 'mermaid' ? mermaidOf : dotOf
      return reply
        .type(`${pipelineMediaTypes[format]}; charset=utf-8`)
        .send(textOf([{ name: 'this pod', pipeline }]) as never)
    }
  )
}
