import { baseOf, send } from './api-client.ts'
import type { ApiOptions } from './api-client.ts'
import { ApiError } from './api-error.ts'

const MAX_LINE = 1024 * 1024

/**
 * GET a stream of JSON lines (`application/x-ndjson`): events, a tap.
 *
 * @param path - with its query.
 * @param signal - ends the stream without an error.
 * @yields one parsed line each; empty lines, which keep the connection alive, are left out.
 * @throws ApiError if it is refused, or `API_AWAY` if the connection breaks.
 */
export async function* jsonLinesOf(options: ApiOptions, path: string, signal: AbortSignal): AsyncGenerator<unknown> {
  const headers = { accept: 'application/x-ndjson' }
  try {
    const response = await send(new Request(baseOf(options) + path, { headers, signal }), options)
    const decoder = new TextDecoder()
    let rest = ''
    for await (const octets of response.body ?? []) {
      const lines = (rest + decoder.decode(octets, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE) throw new ApiError(0, 'API_UNKNOWN', `${path} sends a line without an end.`)
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as unknown
    }
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof ApiError) throw error
    throw new ApiError(0, 'API_AWAY', `The stream of ${path} broke: ${String(error)}.`, { cause: error })
  }
}
