import { HttpProblem } from '@weir/http'
import type { ControlServer, JsonValue } from '@weir/link'
import { CodedError, errorCode, errorMessage } from '@weir/runtime'
import type { ConfigIssue, Readiness } from '@weir/runtime'

/** The processes of this pod as the coordinator sees them: asked over the control channel, with a time-out. */
export interface Pod {
  /** Ask the collector. @throws HttpProblem 503, 504, or the status that belongs to the process's own error. */
  collector(method: string, params?: JsonValue): Promise<JsonValue>
  /** @param timeoutMs - default that of all requests. */
  mediator(method: string, params?: JsonValue, timeoutMs?: number): Promise<JsonValue>
  /** What is not ready: a sentence for each process that is away or has a reason; empty if all are. */
  unready(): Promise<string[]>
}

/** Processes that a ready pod has. */
export const podProcesses = ['collector-0', 'mediator-0'] as const

/** @param timeoutMs - for each request; asked each time, because it may change. */
export function createPod(control: ControlServer, timeoutMs: () => number): Pod {
  const ask = async (
    name: string,
    method: string,
    params: JsonValue = {},
    waitMs = timeoutMs()
  ): Promise<JsonValue> => {
    try {
      return await control.request(name, method, params, { timeoutMs: waitMs })
    } catch (error) {
      throw problemOf(name, error)
    }
  }
  return {
    collector: (method, params) => ask('collector-0', method, params),
    mediator: (method, params, waitMs) => ask('mediator-0', method, params, waitMs),
    unready: async () =>
      (await Promise.all(podProcesses.map(name => unreadyReasons(control, name, timeoutMs())))).flat()
  }
}

/** What a process answers, or null if it is away or too slow. */
export async function answerOrNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof HttpProblem && error.problem.status >= 503) return null
    throw error
  }
}

async function unreadyReasons(control: ControlServer, name: string, timeoutMs: number): Promise<string[]> {
  if (!control.peers.some(peer => peer.name === name && peer.isConnected)) return [`${name} is not connected`]
  try {
    const { isReady, reasons } = (await control.request(
      name,
      'process.readiness',
      {},
      { timeoutMs }
    )) as unknown as Readiness
    return isReady ? [] : reasons.map(reason => `${name}: ${reason}`)
  } catch (error) {
    return [`${name} does not answer: ${errorMessage(error)}`]
  }
}

const statuses: Readonly<Record<string, number>> = {
  CONTROL_NO_PEER: 503,
  CONTROL_PEER_LOST: 503,
  CONTROL_TIMEOUT: 504,
  CONTROL_TOO_LARGE: 413,
  CONTROL_NO_METHOD: 501,
  NOT_FOUND: 404,
  BAD_CURSOR: 400,
  SORT_UNKNOWN: 400,
  OFFSET_TOO_LARGE: 400,
  DESTINATION_UNKNOWN: 404,
  DESTINATION_EXISTS: 409,
  DESTINATION_PAUSED: 409,
  TAP_LIMIT: 429,
  TAP_UNKNOWN: 404,
  FILTER_INVALID: 400,
  LISTENER_REFUSED: 409,
  LISTENER_STATE: 409
}

function problemOf(name: string, error: unknown): HttpProblem {
  const code = errorCode(error) ?? 'INTERNAL'
  const status = statuses[code] ?? 502
  if (status === 503) {
    return new HttpProblem(
      503,
      code,
      `The ${name} is not there now; records that it had are not affected by this answer. Ask again in a second.`
    )
  }
  if (error instanceof CodedError && 'issues' in error.details) {
    return new HttpProblem(statuses[code] ?? 422, code, errorMessage(error), error.details.issues as ConfigIssue[])
  }
  if (status === 400) return new HttpProblem(status, code, errorMessage(error))
  return new HttpProblem(status, code, `The ${name} answered: ${errorMessage(error)}`)
}
