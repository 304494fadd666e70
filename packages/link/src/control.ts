/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue | undefined }

/** How a process names itself on the control channel. */
export interface ControlIdentity {
  /** `collector`, `mediator`, … */
  readonly process: string
  readonly worker: number
  readonly pid: number
  /** 16 hexadecimal digits, new in every process. */
  readonly epoch: string
  /** Version of the program. */
  readonly version: string
}

export interface ControlPeer extends ControlIdentity {
  /** `<process>-<worker>`: how requests name it. */
  readonly name: string
  readonly isConnected: boolean
  readonly registeredAtMs: number
}

export interface ControlServerConfig {
  /** `ipc://` path to bind; see `controlEndpoint`. */
  endpoint: string
  /** Default time-out of a request; 5000. */
  requestTimeoutMs?: number
  heartbeatMs?: number
  heartbeatTimeoutMs?: number
  /** Largest message; 1 MiB for requests and events, 16 MiB for answers by default. */
  maxMessageOctets?: number
}

export interface ControlRequestOptions {
  timeoutMs?: number
}

/** The coordinator's end. */
export interface ControlServer {
  start(): Promise<void>
  stop(deadlineMs?: number): Promise<void>
  /** Every process that registered and has not been gone for a minute. */
  readonly peers: readonly ControlPeer[]
  /**
   * Ask a process.
   *
   * @param name - `<process>-<worker>`, e.g. `mediator-0`.
   * @returns the result; rejects with a coded error: CONTROL_NO_PEER, CONTROL_TIMEOUT, CONTROL_PEER_LOST, CONTROL_TOO_LARGE, or the
   *   code, message and details that the handler threw.
   */
  request(name: string, method: string, params?: JsonValue, options?: ControlRequestOptions): Promise<JsonValue>
  onPeer(callback: (peer: ControlPeer) => void): void
  onPeerLost(callback: (peer: ControlPeer) => void): void
  onEvent(callback: (peer: ControlPeer, event: string, data: JsonValue) => void): void
}

/** An answer with a long text, which is not written as JSON: who asked finds it in the result as `text`. */
export class TextAnswer {
  readonly result: { [key: string]: JsonValue | undefined }
  /** UTF-8; not changed before the answer is sent. */
  readonly octets: Uint8Array

  constructor(result: { [key: string]: JsonValue | undefined }, octets: Uint8Array) {
    this.result = result
    this.octets = octets
  }
}

/** Serves one method. What it throws goes back as `{code, message, details}`; an error without a code as INTERNAL. */
export type ControlHandler = (params: JsonValue) => JsonValue | TextAnswer | Promise<JsonValue | TextAnswer>

export interface ControlClientConfig {
  /** `ipc://` path of the coordinator; see `controlEndpoint`. */
  endpoint: string
  process: string
  /** Default 0. */
  worker?: number
  version: string
  heartbeatMs?: number
  heartbeatTimeoutMs?: number
  maxMessageOctets?: number
}

/** A process's end. Registers by itself, and again after either side restarts; nothing waits for it. */
export interface ControlClient {
  /** Begin to connect; resolves at once. */
  start(): Promise<void>
  stop(deadlineMs?: number): Promise<void>
  /** Serve a method. Set before `start`; setting again replaces. */
  handle(method: string, handler: ControlHandler): void
  /** Tell the coordinator; the newest 256 are kept while it is away. */
  event(event: string, data: JsonValue): void
  readonly isRegistered: boolean
  readonly identity: ControlIdentity
}
