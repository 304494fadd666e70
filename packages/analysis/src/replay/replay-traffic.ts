import { CaptureReader, flowExportKind, type CaptureCounters, type CapturedMessage } from '@weir/ipfix'
import { Pacer } from './pacer.ts'
import { openTrafficSocket, type SocketOptions, type TrafficSocket } from './traffic-socket.ts'
import type { TrafficTarget } from './traffic-target.ts'

/** A file's octets in order, and how to take its name. */
export interface ReplayInput {
  readonly name: string
  readonly format: 'auto' | 'auto-datagram'
  chunks(): AsyncIterable<Uint8Array>
}

export interface ReplayRequest {
  readonly inputs: readonly ReplayInput[]
  /** The target of all, or that of each Transport Session, told by its first Message. */
  readonly to: TrafficTarget | ((first: CapturedMessage) => Route)
  readonly socket?: SocketOptions
  /** Times as fast as it was captured; 0 = without waiting. Not used with `rate`. */
  readonly speed: number
  /** Messages a second instead of the capture's own timing; 0 = its timing. */
  readonly rate: number
  readonly isLooping: boolean
  /** Write the time of sending into each header. */
  readonly isRestamping: boolean
  /** Told of each Message that was sent; what it returns is waited for. */
  readonly onSent?: (message: SentMessage) => Promise<void> | undefined
}

/** Where one Transport Session goes, and from which local address. */
export interface Route {
  readonly target: TrafficTarget
  readonly sourceAddress?: string
}

export interface SentMessage {
  readonly transport: TrafficTarget['transport']
  readonly octets: number
  /** So far. */
  readonly report: Readonly<ReplayReport>
}

export interface ReplayReport {
  messages: number
  octets: number
  /** Transport Sessions of the capture, each replayed from a socket of its own. */
  sessions: number
  rounds: number
  /** Payloads that the target's transport cannot carry: NetFlow and sFlow over TCP, Messages too long for UDP. */
  unsuited: number
  /** Files that could not be read to their end. */
  damagedFiles: number
  seconds: number
  /** What the reader could not use, of the last round. */
  capture?: CaptureCounters
}

const MAX_SOCKETS = 1024
const MAX_DATAGRAM_OCTETS = 65_507
/** A pause of the capture longer than this is cut short: nobody waits for a night without traffic. */
const MAX_PAUSE_MS = 5000
const MESSAGES_PER_TURN = 64

/** Send what captures hold as it was sent then: message boundaries, order, and (unless told otherwise) timing. */
export async function replayTraffic(request: ReplayRequest, signal: AbortSignal): Promise<ReplayReport> {
  const replay = new Replay(request, signal)
  do await replay.round()
  while (request.isLooping && !signal.aborted && replay.report.messages > 0)
  return replay.report
}

class Replay {
  readonly report: ReplayReport = {
    messages: 0,
    octets: 0,
    sessions: 0,
    rounds: 0,
    unsuited: 0,
    damagedFiles: 0,
    seconds: 0
  }
  readonly #request: ReplayRequest
  readonly #signal: AbortSignal
  readonly #startMs = performance.now()
  readonly #pacer: Pacer
  readonly #routes = new Map<number, Route>()
  /** Capture time of the last message, and the time at which it was due. */
  #capturedMs = 0
  #dueMs = 0

  constructor(request: ReplayRequest, signal: AbortSignal) {
    this.#request = request
    this.#signal = signal
    this.#pacer = new Pacer(request.rate, this.#startMs)
  }

  /** All files once. Sockets are opened anew, as the sequence numbers begin anew. */
  async round(): Promise<void> {
    const sockets = new Map<number, TrafficSocket>()
    this.#capturedMs = 0
    try {
      await this.#files(sockets)
    } finally {
      await Promise.all([...sockets.values()].map(socket => socket.close()))
      this.report.rounds++
      this.report.seconds = Math.round(performance.now() - this.#startMs) / 1000
    }
  }

  async #files(sockets: Map<number, TrafficSocket>): Promise<void> {
    const seen = new Set<number>()
    const reader = new CaptureReader()
    this.report.capture = reader.counters
    for (const input of this.#request.inputs) {
      reader.begin(input.format)
      for await (const chunk of input.chunks()) {
        for (const message of reader.push(chunk)) await this.#send(message, seen, sockets)
        if (this.#signal.aborted) return
      }
      for (const message of reader.end()) await this.#send(message, seen, sockets)
      if (reader.fault !== undefined) this.report.damagedFiles++
    }
    for (const message of reader.finish()) await this.#send(message, seen, sockets)
  }

  async #send(message: CapturedMessage, seen: Set<number>, sockets: Map<number, TrafficSocket>): Promise<void> {
    if (this.#signal.aborted) return
    const { octets } = message
    const kind = flowExportKind(octets)
    const route = this.#routeOf(message)
    const { transport } = route.target
    if (transport === 'tcp' ? kind !== 'ipfix' : octets.length > MAX_DATAGRAM_OCTETS) {
      this.report.unsuited++
      return
    }
    const { session } = message
    if (!seen.has(session)) {
      seen.add(session)
      if (this.report.rounds === 0) this.report.sessions++
    }
    const socket = await this.#socketOf(session, route, sockets)
    await this.#wait(message.timestampMs)
    // The reader uses its memory again; the kernel may not have taken it yet.
    const copy = octets.slice()
    if (this.#request.isRestamping) restamp(copy, Date.now())
    await socket.send(copy, [copy.length])
    this.report.messages++
    this.report.octets += copy.length
    const waiting = this.#request.onSent?.({ transport, octets: copy.length, report: this.report })
    if (waiting !== undefined) await waiting
    if (this.report.messages % MESSAGES_PER_TURN === 0) await new Promise(resolve => setImmediate(resolve))
  }

  #routeOf(message: CapturedMessage): Route {
    const { to } = this.#request
    if (typeof to !== 'function') return { target: to }
    const known = this.#routes.get(message.session)
    if (known !== undefined) return known
    const route = to(message)
    this.#routes.set(message.session, route)
    return route
  }

  async #socketOf(session: number, route: Route, sockets: Map<number, TrafficSocket>): Promise<TrafficSocket> {
    const open = sockets.get(session)
    if (open !== undefined) return open
    if (sockets.size >= MAX_SOCKETS) {
      const [oldest, socket] = sockets.entries().next().value as [number, TrafficSocket]
      sockets.delete(oldest)
      await socket.close()
    }
    const socket = await openTrafficSocket(route.target, {
      ...this.#request.socket,
      sourceAddress: route.sourceAddress
    })
    sockets.set(session, socket)
    return socket
  }

  async #wait(capturedMs: number): Promise<void> {
    if (this.#request.rate > 0) {
      while (this.#pacer.due(performance.now()) < 1 && !this.#signal.aborted) await pause(1, this.#signal)
      this.#pacer.take(1)
      return
    }
    if (this.#request.speed === 0 || capturedMs === 0) return
    if (this.#capturedMs === 0) this.#dueMs = performance.now()
    else {
      const sinceMs = Math.min(Math.max(0, capturedMs - this.#capturedMs) / this.#request.speed, MAX_PAUSE_MS)
      this.#dueMs += sinceMs
    }
    this.#capturedMs = Math.max(capturedMs, this.#capturedMs)
    const waitMs = this.#dueMs - performance.now()
    if (waitMs >= 1) await pause(waitMs, this.#signal)
  }
}

/** Rests, but no longer than until the signal. */
function pause(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, forMs)
    signal.addEventListener('abort', done)
  })
}

/** Set the header's Export Time (IPFIX, RFC 7011 §3.1) or unix seconds (NetFlow); sFlow has none. */
export function restamp(octets: Uint8Array, nowMs: number): void {
  const kind = flowExportKind(octets)
  const at = kind === 'ipfix' ? 4 : 8
  if (kind === undefined || kind === 'sflow' || octets.length < at + 4) return
  new DataView(octets.buffer, octets.byteOffset).setUint32(at, Math.floor(nowMs / 1000))
}
