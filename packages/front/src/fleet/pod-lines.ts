import { errorCode, errorMessage } from '@weir/runtime'
import type { PodCaller } from './pod-caller.ts'
import type { Pod } from './pod-list.ts'

/** A coordinator says something at least every 20 s, if only that it lives. */
const SILENCE_MS = 60_000
const LINE_CHARACTERS = 1_048_576

/** Why a stream of a pod ended. */
export interface PodStreamEnd {
  /** A sentence. */
  readonly reason: string
  /** What the pod answered instead of a stream; undefined: there was one, or no answer. */
  readonly refusal?: {
    readonly status: number
    readonly code: string
    readonly detail: string
    readonly errors: readonly { readonly path: string; readonly message: string; readonly allowed?: string }[]
  }
}

/**
 * Read the lines of one pod until the stream ends, for whatever reason.
 *
 * @param path - of the stream, as NDJSON.
 * @param connectMs - time for the pod to begin.
 * @param onBegun - called when it serves the stream.
 * @param onLines - lines with something in them; while it waits the pod is not read, and is not held for silent.
 * @returns why it ended. Rejects only with what `onLines` threw.
 */
export async function readPodLines(
  caller: PodCaller,
  pod: Pod,
  path: string,
  { connectMs, signal }: { readonly connectMs: number; readonly signal: AbortSignal },
  { onBegun, onLines }: { onBegun(): void; onLines(lines: readonly string[]): void | Promise<void> }
): Promise<PodStreamEnd> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), connectMs)
  const parts = async function* (): AsyncGenerator<Buffer, PodStreamEnd | undefined> {
    const both = AbortSignal.any([signal, silence.signal])
    const response = await caller.request(pod, path, { signal: both })
    if (response.status !== 200) return refusedBy(pod, response.status, await textOf(response.body))
    onBegun()
    yield* response.body
    return undefined
  }
  const stream = parts()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      let next: IteratorResult<Buffer, PodStreamEnd | undefined>
      try {
        next = await stream.next()
      } catch (error) {
        const said = silence.signal.aborted
          ? 'says nothing'
          : `cannot be read: ${errorCode(error) ?? errorMessage(error)}`
        return { reason: `${pod.name} ${said}` }
      }
      clearTimeout(timer)
      if (next.done === true) return next.value ?? { reason: `${pod.name} has ended the stream` }
      const lines = (rest + decoder.decode(next.value, { stream: true })).split('\n')
      rest = lines.pop()!
      if (rest.length > LINE_CHARACTERS) return { reason: `${pod.name} tells a longer event than is read` }
      const told = lines.filter(line => line !== '')
      if (told.length > 0) await onLines(told)
      timer = setTimeout(() => silence.abort(), SILENCE_MS)
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const part of body) {
    text += part.toString('utf8')
    if (text.length > LINE_CHARACTERS) break
  }
  return text
}

function refusedBy({ name }: Pod, status: number, text: string): PodStreamEnd {
  let problem: { readonly code?: unknown; readonly detail?: unknown; readonly errors?: unknown } = {}
  try {
    problem = (JSON.parse(text) ?? {}) as typeof problem
  } catch {
    // What is no problem document gives no reason.
  }
  const detail = typeof problem.detail === 'string' ? problem.detail : 'no reason given'
  const code = typeof problem.code === 'string' ? problem.code : 'POD_ERROR'
  const errors = Array.isArray(problem.errors) ? (problem.errors as NonNullable<PodStreamEnd['refusal']>['errors']) : []
  return { reason: `${name} answered ${status}: ${detail}`, refusal: { status, code, detail, errors } }
}
