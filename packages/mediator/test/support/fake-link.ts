import type {
  ControlClient,
  ControlHandler,
  JsonValue,
  LinkReceiver,
  LinkReceiverDeps,
  ReceivedBatch
} from '@weir/link'

/** A link without sockets: batches are pushed in by hand. */
export class FakeReceiver implements LinkReceiver {
  readonly deps: LinkReceiverDeps
  onBatch: ((batch: ReceivedBatch) => void) | undefined
  isStopped = false
  /** Senders that are connected and have not ended. */
  openSenders = 0

  constructor(deps: LinkReceiverDeps) {
    this.deps = deps
  }

  async start(onBatch: (batch: ReceivedBatch) => void): Promise<void> {
    this.onBatch = onBatch
  }

  async stop(): Promise<void> {
    this.isStopped = true
  }

  endOfStream(): void {
    this.openSenders--
    this.deps.onEndOfStream?.('00000000000000aa')
  }

  get stats(): LinkReceiver['stats'] {
    const senders = Array.from({ length: this.openSenders }, () => ({
      epoch: '00000000000000aa',
      pid: 1,
      worker: 0,
      isConnected: true,
      receivedThrough: 0,
      unsettled: 0,
      hasEnded: false
    }))
    return {
      epoch: '00000000000000bb',
      isFenced: false,
      senders,
      batches: { received: 0, settled: 0, unsettled: 0, redelivered: 0, duplicates: 0 },
      records: { received: 0, settled: 0, unsettled: 0, redelivered: 0 },
      unsettledOctets: 0,
      senderBufferOctets: 0,
      frames: { corrupt: 0, foreign: 0, nacks: 0, refused: 0 }
    }
  }
}

/** Keeps the handlers, so that a test can ask as the coordinator would. */
export class FakeControl implements ControlClient {
  readonly handlers = new Map<string, ControlHandler>()
  readonly isRegistered = true
  readonly identity = { process: 'mediator', worker: 0, pid: 1, epoch: '0', version: '0' }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  handle(method: string, handler: ControlHandler): void {
    this.handlers.set(method, handler)
  }

  event(): void {}

  /** The answer as it would arrive: through JSON. */
  async ask(method: string, params: JsonValue = {}): Promise<Record<string, unknown>> {
    const handler = this.handlers.get(method)
    if (handler === undefined) throw new Error(`no method ${method}`)
    return JSON.parse(JSON.stringify(await handler(params))) as Record<string, unknown>
  }
}
