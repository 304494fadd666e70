import { errorCode, errorMessage } from '@weir/runtime'
import type { Pod } from './pod-list.ts'

/** One event as a pod tells it; those without an id are about the stream itself. */
export interface PodEvent {
  readonly id?: string
  readonly type: string
  readonly [key: string]: unknown
}

/** A coordinator says something at least every 20 s, if only that it lives. */
const SILENCE_MS = 60_000
const LINE_CHARACTERS = 1_048_576

/**
 * Read the events of one pod until the stream ends, for whatever reason.
 *
 * @param path - of the stream, as NDJSON.
 * @param connectMs - time for the pod to begin.
 * @param onBegun - called when it serves the stream.
 * @returns a sentence: why it ended. Never rejects.
 */
export async function readPodEvents(
  pod: Pod,
  path: string,
  { connectMs, signal }: { readonly connectMs: number; readonly signal: AbortSignal },
  { onBegun, onEvent }: { onBegun(): void; onEvent(event: PodEvent): void }
): Promise<string> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), connectMs)
  try {
    const both = AbortSignal.any([signal, silence.signal])
    const response = await fetch(pod.url + path, { signal: both, redirect: 'error' })
    if (response.status !== 200) return `${pod.name} answered ${response.status}: ${await detailOf(response)}`
    onBegun()
    const decoder = new TextDecoder()
    let rest = ''
    for await (const part of response.body ?? []) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE_MS)
      const lines = (rest + decoder.decode(part, { stream: true })).split('\n')
      rest = lines.pop()!
      if (rest.length > LINE_CHARACTERS) return `${pod.name} tells a longer event than is read`
      for (const line of lines) {
        if (line !== '') onEvent(JSON.parse(line) as PodEvent)
      }
    }
    return `${pod.name} has ended the stream`
  } catch (error) {
    if (silence.signal.aborted) return `${pod.name} says nothing`
    if (error instanceof SyntaxError) return `${pod.name} does not tell events as a coordinator does`
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return `${pod.name} cannot be read: ${errorCode(cause) ?? errorMessage(cause)}`
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

async function detailOf(response: Response): Promise<string> {
  const { detail } = (await response.json().catch(() => ({}))) as { readonly detail?: unknown }
  return typeof detail === 'string' ? detail : 'no reason given'
}
