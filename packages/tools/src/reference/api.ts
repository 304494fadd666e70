import { resolveConfig } from '@weir/config'
import { createCoordinator } from '@weir/coordinator'
import { createFront } from '@weir/front'
import type { OpenApiDocument, OpenApiOperation } from '@weir/http'
import { createControlServer, podEvents } from '@weir/link'
import { silentLog } from '@weir/runtime'
import { code, generatedHead, table } from './markdown.ts'

/** The OpenAPI document of the control API. Nothing is started. */
export async function describedApi(): Promise<OpenApiDocument> {
  const { config, baseHash } = resolveConfig(undefined)
  const control = createControlServer({ endpoint: 'ipc:///run/weir/control' })
  return createCoordinator({ config, baseHash }, { control, log: silentLog(), version: '0.0.0' }).openApi()
}

/** The OpenAPI document of the web API. Nothing is started. */
export async function describedWebApi(): Promise<OpenApiDocument> {
  return createFront(resolveConfig(undefined).config, { log: silentLog(), version: '0.0.0' }).openApi()
}

/** docs/reference/web-api.md */
export function webApiPage(document: OpenApiDocument): string {
  const intro = `The front serves it on port 8080, on this machine only unless it is told otherwise: one answer from all pods of the fleet. The whole
of it, with schemas, is at \`/openapi.json\` (OpenAPI 3.1) and \`/docs\`. All but \`/livez\` and \`/readyz\` asks for an API key
(\`Authorization: Bearer wk_…\`, with \`front.oidc\` also a token of that issuer; for reading also as the password of HTTP Basic, so that a browser can open \`/docs\`). Errors are
problem documents (RFC 9457) with a \`code\`: 401 without a right key, 403 with one of too low a role, 429 for too many requests.`
  return `${generatedHead('Web API')}${intro}\n\n${sectionsOf(document).join('\n')}`
}

function sectionsOf({ tags, paths }: OpenApiDocument): string[] {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  )
  return tags.map(({ name, description }) => {
    const rows = operations
      .filter(({ operation }) => operation.tags?.includes(name) === true)
      .map(({ path, method, operation }) => [code(`${method} ${path}`), operation.summary ?? '', queryOf(operation)])
    return `## ${name}\n\n${description}\n\n${table(['route', 'what it does', 'query'], rows)}`
  })
}

/** docs/reference/api.md */
export function apiPage(document: OpenApiDocument): string {
  const events = table(
    ['event', 'what it means'],
    Object.entries(podEvents).map(([name, meaning]) => [code(name), meaning])
  )
  const intro = `The coordinator serves it on port 8090, on this machine only unless it is told otherwise. The whole of it, with schemas, is at
\`/openapi.json\` (OpenAPI 3.1) and \`/docs\`. Errors are problem documents (RFC 9457) with a \`code\`. Lists give \`items\` and \`total\`;
those with \`cursor\` give \`next\`, which leads to the page behind, however many there are.`
  return `${generatedHead('Control API')}${intro}\n\n${sectionsOf(document).join('\n')}\n## What /v1/events tells\n\n${events}`
}

const queryOf = ({ parameters = [] }: OpenApiOperation): string =>
  parameters
    .filter(parameter => parameter.in === 'query')
    .map(({ name }) => code(name))
    .join(', ')
