import type { PodCaller } from './pod-caller.ts'
import { readPodLines } from './pod-lines.ts'
import type { Pod } from './pod-list.ts'

/** One event as a pod tells it; those without an id are about the stream itself. */
export interface PodEvent {
  readonly id?: string
  readonly type: string
  readonly [key: string]: unknown
}

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
  limits: { readonly connectMs: number; readonly signal: AbortSignal },
  { onBegun, onEvent }: { onBegun(): void; onEvent(event: PodEvent): void }
): Promise<string> {
  try {
    const onLines = (lines: readonly string[]): void => {
      for (const line of lines) onEvent(eventOf(line))
    }
    return (await readPodLines(caller, pod, path, limits, { onBegun, onLines })).reason
  } catch (error) {
    if (error instanceof SyntaxError) return `${pod.name} does not tell events as a coordinator does`
    throw error
  }
}

/** Of a position in a stream: longer ones are none that a coordinator gives. */
const ID_CHARACTERS = 300

/** @throws SyntaxError for what is no event: a pod is another program, and may be one of another kind. */
function eventOf(line: string): PodEvent {
  const event = JSON.parse(line) as Partial<PodEvent> | null
  const isEvent = typeof event === 'object' && typeof event?.type === 'string'
  if (isEvent && (event.id === undefined || isId(event.id))) return event as PodEvent
  throw new SyntaxError('it is no event')
}

const isId = (id: unknown): boolean => typeof id === 'string' && id.length <= ID_CHARACTERS
