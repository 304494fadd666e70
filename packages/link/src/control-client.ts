import { errorCode, errorMessage, systemClock, type Clock, type Timer } from '@weir/runtime'
import type { Channel, ChannelConnector } from './channel.ts'
import {
  MAX_ANSWER_OCTETS,
  MAX_REQUEST_OCTETS,
  decodeControl,
  encodeControl,
  type ControlFault,
  type ControlMessage
} from './control-message.ts'
import { TextAnswer } from './control.ts'
import type { ControlClient, ControlClientConfig, ControlHandler, ControlIdentity, JsonValue } from './control.ts'
import { epochText, newEpoch } from './frame.ts'
import { PeerSilence } from './peer-silence.ts'
import { connectZeromq } from './zeromq-channel.ts'

/** Events kept while the coordinator is away; above it the oldest go. */
const KEPT_EVENTS = 256

export interface ControlClientDeps {
  clock?: Clock
  connect?: ChannelConnector
}

/** A process's end of the control channel. Inert until `start`. */
export function createControlClient(config: ControlClientConfig, deps: ControlClientDeps = {}): ControlClient {
  return new DataControlClient(config, deps)
}

class DataControlClient implements ControlClient {
  readonly identity: ControlIdentity
  readonly #config: ControlClientConfig
  readonly #clock: Clock
  readonly #connect: ChannelConnector
  readonly #heartbeatMs: number
  readonly #heartbeatTimeoutMs: number
  readonly #silence: PeerSilence
  readonly #maxAnswerOctets: number
  readonly #handlers = new Map<string, ControlHandler>()
  #events: Uint8Array[] = []
  #channel: Channel | undefined
  #heartbeat: Timer | undefined
  #isConnected = false
  #isRegistered = false

  constructor(config: ControlClientConfig, deps: ControlClientDeps) {
    this.#config = config
    this.#clock = deps.clock ?? systemClock
    this.#connect = deps.connect ?? connectZeromq
    this.#heartbeatMs = config.heartbeatMs ?? 1000
    this.#heartbeatTimeoutMs = config.heartbeatTimeoutMs ?? 3000
    this.#silence = new PeerSilence(this.#clock, this.#heartbeatMs, this.#heartbeatTimeoutMs)
    this.#maxAnswerOctets = config.maxMessageOctets ?? MAX_ANSWER_OCTETS
    const { process: name, worker = 0, version } = config
    this.identity = Object.freeze({ process: name, worker, pid: process.pid, epoch: epochText(newEpoch()), version })
  }

  get isRegistered(): boolean {
    return this.#isRegistered
  }

  async start(): Promise<void> {
    if (this.#channel !== undefined) return
    this.#silence.start()
    this.#channel = this.#connect(
      this.#config.endpoint,
      {
        onConnect: () => {
          this.#isConnected = true
          this.#silence.heard()
          this.#register()
        },
        onDisconnect: () => {
          this.#isConnected = false
          this.#isRegistered = false
        },
        onFrame: frame => this.#onFrame(frame)
      },
      {
        heartbeatMs: this.#heartbeatMs,
        heartbeatTimeoutMs: this.#heartbeatTimeoutMs,
        maxFrameOctets: MAX_REQUEST_OCTETS
      }
    )
    this.#heartbeat = this.#clock.setPeriodic(this.#heartbeatMs, () => this.#beat())
  }

  async stop(): Promise<void> {
    this.#heartbeat?.cancel()
    this.#channel?.close()
    this.#channel = undefined
    this.#isRegistered = false
  }

  handle(method: string, handler: ControlHandler): void {
    this.#handlers.set(method, handler)
  }

  event(event: string, data: JsonValue): void {
    const octets = encodeControl({ type: 'event', event, data })
    if (octets.length > MAX_REQUEST_OCTETS) return
    this.#events.push(octets)
    if (this.#events.length > KEPT_EVENTS) this.#events.shift()
    this.#sendEvents()
  }

  #sendEvents(): void {
    if (!this.#isRegistered) return
    for (const octets of this.#events) this.#channel?.send(octets)
    this.#events = []
  }

  #register(): void {
    this.#send({ type: 'register', ...this.identity })
  }

  #send(message: ControlMessage): void {
    this.#channel?.send(encodeControl(message))
  }

  #beat(): void {
    const isGone = this.#silence.beat(this.#isConnected)
    if (!this.#isConnected) return
    if (isGone) {
      this.#isConnected = false
      this.#isRegistered = false
      this.#channel?.reconnect()
    } else if (this.#isRegistered) {
      this.#send({ type: 'ping' })
    } else {
      this.#register()
    }
  }

  #onFrame(frame: Uint8Array): void {
    const message = decodeControl(frame)
    if (message === undefined || message === 'version') return
    this.#silence.heard()
    switch (message.type) {
      case 'registered':
        this.#isRegistered = true
        return this.#sendEvents()
      case 'unregistered':
        this.#isRegistered = false
        return this.#register()
      case 'refused':
        this.#isRegistered = false
        return
      case 'request':
        return void this.#serve(message.id, message.method, message.params)
      default:
    }
  }

  async #serve(id: number, method: string, params: JsonValue): Promise<void> {
    let answer: Uint8Array
    try {
      const handler = this.#handlers.get(method)
      if (handler === undefined) throw noMethod(method)
      const result = await handler(params)
      answer =
        result instanceof TextAnswer
          ? encodeControl({ type: 'answer', id, result: result.result }, result.octets)
          : encodeControl({ type: 'answer', id, result })
      if (answer.length > this.#maxAnswerOctets) throw tooLarge(answer.length, this.#maxAnswerOctets)
    } catch (error) {
      answer = encodeControl({ type: 'answer', id, error: faultOf(error) })
    }
    this.#channel?.send(answer)
  }
}

const noMethod = (method: string): Error =>
  Object.assign(new Error(`This process does not serve ${method}`), { code: 'CONTROL_NO_METHOD' })

const tooLarge = (octets: number, most: number): Error =>
  Object.assign(new Error(`The answer has ${octets} octets, ${most} are allowed: ask for a smaller page`), {
    code: 'CONTROL_TOO_LARGE'
  })

function faultOf(error: unknown): ControlFault {
  const fault: ControlFault = { code: errorCode(error) ?? 'INTERNAL', message: errorMessage(error) }
  if (typeof error !== 'object' || error === null || !('details' in error)) return fault
  try {
    return { ...fault, details: JSON.parse(JSON.stringify(error.details)) as JsonValue }
  } catch {
    return fault
  }
}
