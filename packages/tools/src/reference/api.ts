import { resolveConfig } from '@weir/config'
import { createCoordinator } from '@weir/coordinator'
import type { OpenApiDocument, OpenApiOperation } from '@weir/coordinator'
import { createControlServer, podEvents } from '@weir/link'
import { silentLog } from '@weir/runtime'
import { code, generatedHead, table } from './markdown.ts'

/** The OpenAPI document of the control API. Nothing is started. */
export async function describedApi(): Promise<OpenApiDocument> {
  const { config, baseHash } = resolveConfig(undefined)
  const control = createControlServer({ endpoint: 'ipc:///run/weir/control' })
  return createCoordinator({ config, baseHash }, { control, log: silentLog(), version: '0.0.0' }).openApi()
}

/** docs/reference/api.md */
export function apiPage({ tags, paths }: OpenApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  )
  const sections = tags.map(({ name, description }) => {
    const rows = operations
      .filter(({ operation }) => operation.tags?.includes(name) === true)
      .map(({ path, method, operation }) => [code(`${method} ${path}`), operation.summary ?? '', queryOf(operation)])
    return `## ${name}\n\n${description}\n\n${table(['route', 'what it does', 'query'], rows)}`
  })
  const events = table(
    ['event', 'what it means'],
    Object.entries(podEvents).map(([name, meaning]) => [code(name), meaning])
  )
  const intro = `The coordinator serves it on port 8090, on this machine only unless it is told otherwise. The whole of it, with schemas, is at
\`/openapi.json\` (OpenAPI 3.1) and \`/docs\`. Errors are problem documents (RFC 9457) with a \`code\`. Lists give \`items\` and \`total\`;
those with \`cursor\` give \`next\`, which leads to the page behind, however many there are.`
  return `${generatedHead('Control API')}${intro}\n\n${sections.join('\n')}\n## What /v1/events tells\n\n${events}`
}

const queryOf = ({ parameters = [] }: OpenApiOperation): string =>
  parameters
    .filter(parameter => parameter.in === 'query')
    .map(({ name }) => code(name))
    .join(', ')
