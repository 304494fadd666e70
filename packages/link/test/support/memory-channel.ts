import type {
  BoundChannelEvents,
  ChannelBinder,
  ChannelConnector,
  ChannelEvents,
  ChannelPeer
} from '../../src/channel.ts'

interface Line {
  readonly events: ChannelEvents
  /** '' while not connected. */
  peer: ChannelPeer
  up: Uint8Array[]
  down: Uint8Array[]
  isClosed: boolean
}

/**
 * A network in memory that moves a frame only when the test says so, and can lose, corrupt and break. One receiver at a
 * time; what is on a line that breaks is lost.
 */
export class MemoryNetwork {
  readonly #lines: Line[] = []
  #bound: BoundChannelEvents | undefined
  #connections = 0

  readonly connect: ChannelConnector = (_endpoint, events) => {
    const line: Line = { events, peer: '', up: [], down: [], isClosed: false }
    this.#lines.push(line)
    return {
      send: frame => {
        if (line.peer !== '') line.up.push(frame.slice())
      },
      reconnect: () => this.#break(line),
      close: () => {
        line.isClosed = true
      }
    }
  }

  readonly bind: ChannelBinder = async (_endpoint, events) => {
    this.#bound = events
    return {
      send: (peer, frame) => {
        const line = this.#lines.find(candidate => candidate.peer === peer)
        if (this.#bound === events) line?.down.push(frame.slice())
      },
      close: async () => {
        if (this.#bound === events) this.killReceiver()
      }
    }
  }

  get framesUp(): number {
    return this.#lines.reduce((sum, { up }) => sum + up.length, 0)
  }

  get framesDown(): number {
    return this.#lines.reduce((sum, { down }) => sum + down.length, 0)
  }

  /** Connect what is not connected, if there is somebody to connect to. */
  connectAll(): void {
    for (const line of this.#lines) {
      if (line.peer !== '' || line.isClosed || this.#bound === undefined) continue
      line.peer = `peer-${++this.#connections}`
      line.events.onConnect()
    }
  }

  /** Deliver the next frame towards the receiver, changed by `change`; undefined loses it. */
  deliverUp(change: (frame: Uint8Array) => Uint8Array | undefined = frame => frame): boolean {
    const line = this.#lines.find(({ up }) => up.length > 0)
    const frame = line?.up.shift()
    if (line === undefined || frame === undefined) return false
    const changed = change(frame)
    if (changed !== undefined) this.#bound?.onFrame(line.peer, changed)
    return true
  }

  /** The same towards the senders. */
  deliverDown(change: (frame: Uint8Array) => Uint8Array | undefined = frame => frame): boolean {
    const line = this.#lines.find(({ down }) => down.length > 0)
    const frame = line?.down.shift()
    if (line === undefined || frame === undefined) return false
    const changed = change(frame)
    if (changed !== undefined && !line.isClosed) line.events.onFrame(changed)
    return true
  }

  /** Put octets on the line as if a sender had sent them. */
  inject(frame: Uint8Array): void {
    this.#lines[0].up.push(frame)
  }

  breakAll(): void {
    for (const line of this.#lines) this.#break(line)
  }

  /** As kill -9: nobody is told but by the broken connections. */
  killReceiver(): void {
    this.#bound = undefined
    this.breakAll()
  }

  #break(line: Line): void {
    if (line.peer === '') return
    line.peer = ''
    line.up = []
    line.down = []
    if (!line.isClosed) line.events.onDisconnect()
  }
}
