import { PeerError, systemClock, type Clock, type Timer } from '@weir/runtime'
import type { BoundChannel, ChannelBinder, ChannelPeer } from './channel.ts'
import {
  CONTROL_VERSION,
  MAX_ANSWER_OCTETS,
  MAX_REQUEST_OCTETS,
  decodeControl,
  encodeControl,
  type ControlMessage
} from './control-message.ts'
import type {
  ControlIdentity,
  ControlPeer,
  ControlRequestOptions,
  ControlServer,
  ControlServerConfig,
  JsonValue
} from './control.ts'
import { EndpointClaim } from './endpoint.ts'
import { epochText, newEpoch } from './frame.ts'
import { bindZeromq } from './zeromq-channel.ts'

/** How long a process that is gone is listed. */
const PEER_KEEP_MS = 60_000
const MAX_PEERS = 256

export interface ControlServerDeps {
  clock?: Clock
  bind?: ChannelBinder
}

/** The coordinator's end of the control channel. Inert until `start`. */
export function createControlServer(config: ControlServerConfig, deps: ControlServerDeps = {}): ControlServer {
  return new DataControlServer(config, deps)
}

interface Pending {
  readonly name: string
  readonly timer: Timer
  resolve(result: JsonValue): void
  reject(error: Error): void
}

interface Registration extends ControlPeer {
  channelPeer: ChannelPeer
  isConnected: boolean
  lastHeardMs: number
}

class DataControlServer implements ControlServer {
  readonly #config: ControlServerConfig
  readonly #clock: Clock
  readonly #bind: ChannelBinder
  readonly #epoch = epochText(newEpoch())
  readonly #claim: EndpointClaim
  readonly #heartbeatMs: number
  readonly #heartbeatTimeoutMs: number
  readonly #peers = new Map<string, Registration>()
  readonly #pending = new Map<number, Pending>()
  readonly #onPeer: ((peer: ControlPeer) => void)[] = []
  readonly #onPeerLost: ((peer: ControlPeer) => void)[] = []
  readonly #onEvent: ((peer: ControlPeer, event: string, data: JsonValue) => void)[] = []
  #channel: BoundChannel | undefined
  #heartbeat: Timer | undefined
  #lastBeatMs = 0
  #nextId = 1

  constructor(config: ControlServerConfig, deps: ControlServerDeps) {
    this.#config = config
    this.#clock = deps.clock ?? systemClock
    this.#bind = deps.bind ?? bindZeromq
    this.#heartbeatMs = config.heartbeatMs ?? 1000
    this.#heartbeatTimeoutMs = config.heartbeatTimeoutMs ?? 3000
    this.#claim = new EndpointClaim(config.endpoint, this.#epoch)
  }

  async start(): Promise<void> {
    await this.#claim.take()
    this.#lastBeatMs = this.#clock.monotonicMs()
    this.#channel = await this.#bind(
      this.#config.endpoint,
      { onFrame: (peer, frame) => this.#onFrame(peer, frame) },
      {
        heartbeatMs: this.#heartbeatMs,
        heartbeatTimeoutMs: this.#heartbeatTimeoutMs,
        maxFrameOctets: this.#config.maxMessageOctets ?? MAX_ANSWER_OCTETS
      }
    )
    this.#heartbeat = this.#clock.setPeriodic(this.#heartbeatMs, () => this.#beat())
  }

  async stop(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    this.#heartbeat?.cancel()
    for (const id of this.#pending.keys()) {
      this.#fail(id, new PeerError('CONTROL_PEER_LOST', 'The control channel is closing'))
    }
    if (channel === undefined) return
    await channel.close()
    await this.#claim.release()
  }

  get peers(): readonly ControlPeer[] {
    return [...this.#peers.values()].map(peer => peerOf(peer))
  }

  request(
    name: string,
    method: string,
    params: JsonValue = null,
    options: ControlRequestOptions = {}
  ): Promise<JsonValue> {
    const peer = this.#peers.get(name)
    if (peer === undefined || !peer.isConnected || this.#channel === undefined) {
      return Promise.reject(new PeerError('CONTROL_NO_PEER', `${name} is not connected`, { name, method }))
    }
    const id = this.#nextId++
    const octets = encodeControl({ type: 'request', id, method, params })
    if (octets.length > MAX_REQUEST_OCTETS) {
      const message = `The request has ${octets.length} octets, ${MAX_REQUEST_OCTETS} are allowed`
      return Promise.reject(new PeerError('CONTROL_TOO_LARGE', message, { name, method }))
    }
    const timeoutMs = options.timeoutMs ?? this.#config.requestTimeoutMs ?? 5000
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(timeoutMs, () => {
        const message = `${name} did not answer ${method} within ${timeoutMs} ms`
        this.#fail(id, new PeerError('CONTROL_TIMEOUT', message, { name, method, timeoutMs }))
      })
      this.#pending.set(id, { name, timer, resolve, reject })
      this.#channel?.send(peer.channelPeer, octets)
    })
  }

  onPeer(callback: (peer: ControlPeer) => void): void {
    this.#onPeer.push(callback)
  }

  onPeerLost(callback: (peer: ControlPeer) => void): void {
    this.#onPeerLost.push(callback)
  }

  onEvent(callback: (peer: ControlPeer, event: string, data: JsonValue) => void): void {
    this.#onEvent.push(callback)
  }

  #fail(id: number, error: Error): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    pending.timer.cancel()
    pending.reject(error)
  }

  #beat(): void {
    const nowMs = this.#clock.monotonicMs()
    const stoodStill = nowMs - this.#lastBeatMs > 2 * this.#heartbeatMs
    this.#lastBeatMs = nowMs
    for (const peer of this.#peers.values()) {
      if (stoodStill && peer.isConnected) peer.lastHeardMs = nowMs
      const silentMs = nowMs - peer.lastHeardMs
      if (peer.isConnected && silentMs > this.#heartbeatTimeoutMs) this.#lose(peer)
      if (!peer.isConnected && silentMs > PEER_KEEP_MS) this.#peers.delete(peer.name)
    }
  }

  #lose(peer: Registration): void {
    peer.isConnected = false
    this.#failAll(peer.name)
    for (const callback of this.#onPeerLost) callback(peerOf(peer))
  }

  #failAll(name: string): void {
    for (const [id, pending] of this.#pending) {
      if (pending.name === name) this.#fail(id, new PeerError('CONTROL_PEER_LOST', `${name} is gone`, { name }))
    }
  }

  #onFrame(channelPeer: ChannelPeer, frame: Uint8Array): void {
    const message = decodeControl(frame)
    if (message === undefined) return
    if (message === 'version') return this.#send(channelPeer, { type: 'refused', version: CONTROL_VERSION })
    if (message.type === 'register') return this.#register(channelPeer, message)
    const peer = this.#peerOn(channelPeer)
    if (peer === undefined) return this.#send(channelPeer, { type: 'unregistered' })
    peer.lastHeardMs = this.#clock.monotonicMs()
    switch (message.type) {
      case 'ping':
        return this.#send(channelPeer, { type: 'pong' })
      case 'event':
        for (const callback of this.#onEvent) callback(peerOf(peer), message.event, message.data)
        return
      case 'answer':
        return this.#onAnswer(peer, message)
      default:
    }
  }

  #onAnswer(peer: Registration, { id, result, error }: ControlMessage & { type: 'answer' }): void {
    const pending = this.#pending.get(id)
    if (pending === undefined || pending.name !== peer.name) return
    if (error !== undefined) {
      const { details } = error
      const isRecord = typeof details === 'object' && details !== null && !Array.isArray(details)
      return this.#fail(id, new PeerError(error.code, error.message, isRecord ? details : { details }))
    }
    this.#pending.delete(id)
    pending.timer.cancel()
    pending.resolve(result ?? null)
  }

  #peerOn(channelPeer: ChannelPeer): Registration | undefined {
    for (const peer of this.#peers.values()) {
      if (peer.channelPeer === channelPeer && peer.isConnected) return peer
    }
    return undefined
  }

  #register(channelPeer: ChannelPeer, identity: ControlIdentity): void {
    const { process: processName, worker, pid, epoch, version } = identity
    const name = `${processName}-${worker}`
    const known = this.#peers.get(name)
    if (known === undefined && this.#peers.size >= MAX_PEERS) return
    const isSame = known !== undefined && known.epoch === epoch
    // Another process under this name: what the old one was asked is not answered any more.
    if (known !== undefined && known.isConnected && !isSame) this.#lose(known)
    const wasConnected = isSame && known.isConnected
    // An answer on its way was lost with the old connection.
    if (wasConnected && known.channelPeer !== channelPeer) this.#failAll(name)
    const lastHeardMs = this.#clock.monotonicMs()
    const registeredAtMs = isSame ? known.registeredAtMs : this.#clock.nowMs()
    const fields = { process: processName, worker, pid, epoch, version, name, registeredAtMs }
    const peer: Registration = { ...fields, channelPeer, lastHeardMs, isConnected: true }
    this.#peers.set(name, peer)
    this.#send(channelPeer, { type: 'registered', epoch: this.#epoch })
    if (!wasConnected) for (const callback of this.#onPeer) callback(peerOf(peer))
  }

  #send(channelPeer: ChannelPeer, message: ControlMessage): void {
    this.#channel?.send(channelPeer, encodeControl(message))
  }
}

const peerOf = (peer: Registration): ControlPeer => ({
  process: peer.process,
  worker: peer.worker,
  pid: peer.pid,
  epoch: peer.epoch,
  version: peer.version,
  name: peer.name,
  isConnected: peer.isConnected,
  registeredAtMs: peer.registeredAtMs
})
