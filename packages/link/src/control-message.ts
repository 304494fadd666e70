import type { JsonValue } from './control.ts'

/** Version of the control channel. */
export const CONTROL_VERSION = 1

/** Largest request, event or other message; and largest answer. */
export const MAX_REQUEST_OCTETS = 1_048_576
export const MAX_ANSWER_OCTETS = 16_777_216

export interface ControlFault {
  code: string
  message: string
  details?: JsonValue
}

/** C→S: from a process to the coordinator. */
export type ControlMessage =
  /** C→S. */
  | { type: 'register'; process: string; worker: number; pid: number; epoch: string; version: string }
  /** S→C: `epoch` is the coordinator's. */
  | { type: 'registered'; epoch: string }
  /** S→C: I do not know you. */
  | { type: 'unregistered' }
  /** S→C: we cannot talk; `version` is mine. */
  | { type: 'refused'; version: number }
  | { type: 'ping' }
  | { type: 'pong' }
  /** S→C. */
  | { type: 'request'; id: number; method: string; params: JsonValue }
  /** C→S. */
  | { type: 'answer'; id: number; result?: JsonValue; error?: ControlFault }
  /** C→S. */
  | { type: 'event'; event: string; data: JsonValue }

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

const LINE_FEED = 10

/**
 * JSON in UTF-8 with the version `v`.
 *
 * @param text - of an answer: stands behind the JSON and a line feed as it is, copied.
 * @throws TypeError what JSON.stringify throws.
 */
export function encodeControl(message: ControlMessage, text?: Uint8Array): Uint8Array {
  const json = encoder.encode(JSON.stringify({ v: CONTROL_VERSION, ...message }))
  if (text === undefined) return json
  const octets = new Uint8Array(json.length + 1 + text.length)
  octets.set(json)
  octets[json.length] = LINE_FEED
  octets.set(text, json.length + 1)
  return octets
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 256
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const checks: Record<ControlMessage['type'], (message: Record<string, unknown>) => boolean> = {
  register: ({ process, worker, pid, epoch, version }) =>
    isText(process) && isCount(worker) && isCount(pid) && isText(epoch) && isText(version),
  registered: ({ epoch }) => isText(epoch),
  unregistered: () => true,
  refused: ({ version }) => isCount(version),
  ping: () => true,
  pong: () => true,
  request: ({ id, method }) => isCount(id) && isText(method),
  answer: ({ id, error }) => isCount(id) && (error === undefined || isFault(error)),
  event: ({ event }) => isText(event)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isFault(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { code, message } = value as Record<string, unknown>
  return typeof code === 'string' && typeof message === 'string'
}

/**
 * Read a message. Never throws, whatever the octets.
 *
 * @returns `version` if it is one of another version, undefined if it is none.
 */
export function decodeControl(octets: Uint8Array): ControlMessage | 'version' | undefined {
  let value: unknown
  let text: string | undefined
  try {
    // There is no line feed in what JSON.stringify writes.
    const end = octets.indexOf(LINE_FEED)
    value = JSON.parse(decoder.decode(end < 0 ? octets : octets.subarray(0, end)))
    if (end >= 0) text = decoder.decode(octets.subarray(end + 1))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const message = value as Record<string, unknown>
  if (message['v'] !== CONTROL_VERSION) return isCount(message['v']) ? 'version' : undefined
  const { type } = message
  if (typeof type !== 'string' || !Object.hasOwn(checks, type)) return undefined
  if (!checks[type as ControlMessage['type']](message)) return undefined
  if (text !== undefined) {
    if (type !== 'answer' || !isObject(message['result'])) return undefined
    message['result'] = { ...message['result'], text }
  }
  return message as unknown as ControlMessage
}
