import {
  Pipeline,
  dotOf,
  mermaidOf,
  oneOf,
  orNull,
  pipelineFormatOf,
  pipelineFormats,
  pipelineMediaTypes,
  problems
} from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { partial, podName } from '../fleet/fleet-shapes.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { reportsOf } from '../fleet/fleet.ts'

const podPipeline = Compile(Pipeline)

/** `/api/v1/pipeline`: the way of the records through each pod. */
export function pipelineRoutes(server: HttpServer, fleet: Fleet): void {
  server.get(
    '/api/v1/pipeline',
    {
      config: { role: 'reader' },
      schema: {
        tags: ['fleet'],
        summary: 'The way of the records through each pod: rates, what waits and what is lost at each hop',
        description:
          'As JSON, or as one graph in Mermaid or Graphviz DOT text, a frame for each pod, by `format` or the header Accept (text/vnd.mermaid, text/vnd.graphviz).',
        querystring: Type.Object(
          {
            pod: podName,
            format: Type.Optional(oneOf(pipelineFormats, 'Form of the answer; over the header Accept.'))
          },
          { additionalProperties: false }
        ),
        response: {
          200: {
            description: 'The pipelines.',
            content: {
              [pipelineMediaTypes.json]: {
                schema: Type.Object({
                  items: Type.Array(
                    Type.Object({
                      pod: Type.String({ description: 'Whose it is.' }),
                      pipeline: orNull(Pipeline)
                    }),
                    { description: 'Null: the pod did not answer; `pods` says why.' }
                  ),
                  ...partial
                })
              },
              [pipelineMediaTypes.mermaid]: { schema: Type.String() },
              [pipelineMediaTypes.dot]: { schema: Type.String() }
            }
          },
          ...problems
        }
      }
    },
    async (request, reply) => {
      const { answers, missing } = await fleet.ask(podPipeline, () => '/v1/pipeline', request.query.pod)
      const reports = reportsOf(answers, missing)
      const items = [
        ...answers.map(answer => ({ pod: answer.pod.name, pipeline: answer.isAnswered ? answer.body : null })),
        ...missing.map(({ pod }) => ({ pod, pipeline: null }))
      ]
      const format = pipelineFormatOf(request.query.format, request.headers.accept)
      if (format === 'json') return reply.send({ items, ...reports })
      const textOf = format === 'mermaid' ? mermaidOf : dotOf
      return reply
        .type(`${pipelineMediaTypes[format]}; charset=utf-8`)
        .send(textOf(items.map(({ pod, pipeline }) => ({ name: pod, pipeline }))) as never)
    }
  )
}
