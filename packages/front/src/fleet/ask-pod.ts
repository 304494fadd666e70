import { errorCode, errorMessage } from '@weir/runtime'
import type { PodCaller } from './pod-caller.ts'
import type { Pod, PodFailure } from './pod-list.ts'

/** What one pod answered. */
export type PodAnswer<T> =
  | { readonly pod: Pod; readonly isAnswered: true; readonly status: number; readonly body: T; readonly tookMs: number }
  | {
      readonly pod: Pod
      readonly isAnswered: false
      /** Of its HTTP answer; 0 without one. */
      readonly status: number
      readonly failure: PodFailure
      readonly tookMs: number
    }

/** Tells whether a document is of a form; a compiled schema is one. */
export interface Shape<T> {
  Check(value: unknown): value is T
}

export interface AskLimits {
  readonly podTimeoutMs: number
  readonly podAnswerOctets: number
}

/** What is asked besides a path. */
export interface AskOptions {
  /** Statuses besides 200 whose document is an answer too. */
  readonly accepted?: readonly number[] | undefined
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** For the answer, milliseconds; default front.limits.podTimeoutMs. */
  readonly timeoutMs?: number
}

/**
 * Ask one pod for a JSON document.
 *
 * @param shape - of the answer: what a pod of another version answers otherwise is no answer.
 * @returns never rejects: what went wrong is in the answer.
 */
export async function askPod<T>(
  caller: PodCaller,
  pod: Pod,
  path: string,
  shape: Shape<T>,
  limits: AskLimits,
  { accepted = [], timeoutMs = limits.podTimeoutMs, ...request }: AskOptions = {}
): Promise<PodAnswer<T>> {
  const startMs = performance.now()
  const failed = (code: string, detail: string, status = 0): PodAnswer<T> => ({
    pod,
    isAnswered: false,
    status,
    failure: { pod: pod.name, code, detail },
    tookMs: Math.round(performance.now() - startMs)
  })
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await caller.request(pod, path, { ...request, signal })
    const text = await textOf(response.body, limits.podAnswerOctets)
    if (text === undefined) {
      return failed('POD_ANSWER_TOO_LONG', `${pod.name} answers more than front.limits.podAnswerOctets.`)
    }
    const { status } = response
    const body = JSON.parse(text) as unknown
    if (status === 200 || accepted.includes(status)) {
      if (!shape.Check(body)) return failed('POD_ERROR', notACoordinator(pod))
      return { pod, isAnswered: true, status, body, tookMs: Math.round(performance.now() - startMs) }
    }
    const { code, detail } = (body ?? {}) as { code?: unknown; detail?: unknown }
    return failed(String(code ?? 'POD_ERROR'), String(detail ?? `${pod.name} answered ${status}.`), status)
  } catch (error) {
    if (signal.aborted) return failed('POD_TIMEOUT', `${pod.name} did not answer within ${timeoutMs} ms.`)
    if (error instanceof SyntaxError) return failed('POD_ERROR', notACoordinator(pod))
    return failed(errorCode(error) ?? 'POD_AWAY', `${pod.name} cannot be reached: ${errorMessage(error)}.`)
  }
}

const notACoordinator = ({ name }: Pod): string => `${name} does not answer as a coordinator of this version does.`

/** @returns undefined if it is longer. */
async function textOf(body: AsyncIterable<Buffer>, maxOctets: number): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let octets = 0
  for await (const part of body) {
    octets += part.length
    if (octets > maxOctets) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
