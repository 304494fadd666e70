import { errorCode, errorMessage } from '@weir/runtime'
import type { PodCaller } from './pod-caller.ts'
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
  caller: PodCaller,
  pod: Pod,
  path: string,
  { connectMs, signal }: { readonly connectMs: number; readonly signal: AbortSignal },
  { onBegun, onEvent }: { onBegun(): void; onEvent(event: PodEvent): void }
): Promise<string> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), connectMs)
  try {
    const both = AbortSignal.any([signal, silence.signal])
    const response = await caller.request(pod, path, { signal: both })
    if (response.status !== 200) return `${pod.name} answered ${response.status}: ${await detailOf(response.body)}`
    onBegun()
    const decoder = new TextDecoder()
    let rest = ''
    for await (const part of response.body) {
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
    return `${pod.name} cannot be read: ${errorCode(error) ?? errorMessage(error)}`
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

async function detailOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const part of body) {
    text += part.toString('utf8')
    if (text.length > LINE_CHARACTERS) break
  }
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown }
    return typeof detail === 'string' ? detail : 'no reason given'
  } catch {
    return 'no reason given'
  }
}
