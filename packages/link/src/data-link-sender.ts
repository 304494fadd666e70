import type { Layout } from '@weir/ipfix'
import { InvariantError, systemClock, type Clock, type Timer } from '@weir/runtime'
import { BatchWriter } from './batch-writer.ts'
import type { ChannelConnector } from './channel.ts'
import { DefinitionBook } from './definition-book.ts'
import { ENTRY_SIBLING, ENTRY_STATE, MAX_ENTRY_OCTETS } from './entry.ts'
import * as frames from './frame.ts'
import type { Progress } from './greeting.ts'
import { completeLinkConfig, type LinkConfig } from './link-config.ts'
import type { LinkDeps } from './link-deps.ts'
import { OpenBatch } from './open-batch.ts'
import type { LinkSender, LinkSenderConfig, LinkSenderStats, LinkState, SourceFields } from './link-sender.ts'
import { PeerSilence } from './peer-silence.ts'
import { SenderCounters } from './sender-counters.ts'
import { SenderFrames } from './sender-frames.ts'
import { SenderInbox } from './sender-inbox.ts'
import { SendWindow } from './send-window.ts'
import type { Source } from './source.ts'
import { connectZeromq } from './zeromq-channel.ts'

/** Inert until `start`. */
export function createDataLinkSender(config: LinkSenderConfig, deps: LinkDeps): LinkSender {
  return new DataLinkSender(config, deps)
}

// Longer than other files: the state machine of one end, whose parts (window, book, writer, counters) stand in files of their own.
class DataLinkSender implements LinkSender {
  readonly #config: LinkConfig
  readonly #endpoint: string
  readonly #clock: Clock
  readonly #connect: ChannelConnector
  readonly #open: OpenBatch
  readonly #silence: PeerSilence
  readonly #inbox: SenderInbox
  readonly #window = new SendWindow()
  readonly #book = new DefinitionBook()
  readonly #count = new SenderCounters()
  readonly #frames: SenderFrames
  readonly #onWritable: (() => void)[] = []
  readonly #onSettled: ((records: number) => void)[] = []
  readonly #onPeerRestart: (() => void)[] = []
  #state: LinkState = 'stopped'
  #isConnected = false
  #wasReady = false
  /** Batches up to this id may be sent, and were handed to the channel. */
  #grant = 0
  #sentThrough = 0
  #heartbeat: Timer | undefined
  #isBlocked = false
  /** Collects the state entries of `onPeerRestart` callbacks, while they run. */
  #stateWriter: BatchWriter | undefined
  #stopped: Promise<void> | undefined
  #onDrained: (() => void) | undefined
  #isEnding = false
  /** The end was said to this receiver; heartbeats repeat it. */
  #isEndSaid = false
  #lastLayout: Layout | undefined
  #nextSourceId = 1
  #nextContextId = 1

  constructor(config: LinkSenderConfig, deps: LinkDeps) {
    this.#config = completeLinkConfig(config)
    this.#endpoint = config.endpoint
    this.#frames = new SenderFrames(this.#config, config.worker ?? 0, this.#book, this.#count)
    this.#clock = deps.clock ?? systemClock
    this.#connect = deps.connect ?? connectZeromq
    this.#silence = new PeerSilence(this.#clock, this.#config.heartbeatMs, this.#config.heartbeatTimeoutMs)
    this.#inbox = new SenderInbox(this.#frames.epoch, this.#count, {
      knownReceiver: () => (this.#state === 'ready' ? this.#frames.receiverEpoch : undefined),
      lastId: () => this.#window.lastId,
      onHeard: () => this.#silence.heard(),
      onWelcome: (receiverEpoch, progress) => this.#onWelcome(receiverEpoch, progress),
      onProgress: progress => this.#onProgress(progress),
      onNack: firstId => this.#resume(firstId - 1),
      onReset: () => this.#onReset(),
      onRefuse: () => {
        this.#state = 'refused'
      }
    })
    this.#open = new OpenBatch(this.#config, this.#clock, () => this.#pump())
  }

  async start(): Promise<void> {
    if (this.#frames.channel !== undefined || this.#isEnding) return
    this.#state = 'connecting'
    this.#silence.start()
    this.#frames.channel = this.#connect(
      this.#endpoint,
      {
        onConnect: () => this.#onConnect(),
        onDisconnect: () => this.#onDisconnect(),
        onFrame: frame => this.#inbox.take(frame)
      },
      this.#config
    )
    this.#heartbeat = this.#clock.setPeriodic(this.#config.heartbeatMs, () => this.#beat())
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs)
    return this.#stopped
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#isEnding = true
    const channel = this.#frames.channel
    if (channel === undefined) return
    this.flush()
    await new Promise<void>(resolve => {
      const deadline = this.#clock.setTimer(deadlineMs, resolve)
      this.#onDrained = () => {
        deadline.cancel()
        resolve()
      }
      this.#checkDrained()
    })
    this.#heartbeat?.cancel()
    this.#open.stopAging()
    channel.close()
    this.#frames.channel = undefined
    this.#state = 'stopped'
  }

  defineSource(fields: SourceFields): Source {
    const source = Object.freeze({ ...fields, address: fields.address.slice(), id: this.#nextSourceId++ })
    this.#book.addSource(source)
    return source
  }

  releaseSource(source: Source): void {
    this.#book.release(2, source.id, this.#openId())
    this.#book.settle(this.#window.firstId - 1)
  }

  defineContext(entries: ReadonlyMap<number, Layout>): number {
    const id = this.#nextContextId++
    this.#book.addContext(id, new Map(entries))
    return id
  }

  releaseContext(id: number): void {
    this.#book.release(3, id, this.#openId())
    this.#book.settle(this.#window.firstId - 1)
  }

  releaseLayout(layout: Layout): void {
    if (this.#lastLayout === layout) this.#lastLayout = undefined
    this.#book.release(1, layout.id, this.#openId())
    this.#book.settle(this.#window.firstId - 1)
  }

  /** Id of the last batch that may name what is used now. */
  #openId(): number {
    return this.#window.lastId + (this.#open.hasEntries ? 1 : 0)
  }

  append(
    layout: Layout,
    source: Source,
    contextId: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    records: number,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number
  ): boolean {
    const { writer } = this.#open
    if (!writer.fits(lengthOctets) && !this.#makeRoom(lengthOctets)) return false
    if (layout !== this.#lastLayout) this.#useLayout(layout)
    writer.append(
      0,
      layout.id,
      source.id,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      records,
      octets,
      offset,
      lengthOctets
    )
    this.#count.admittedRecords += records
    this.#open.age()
    return true
  }

  appendState(
    layout: Layout,
    source: Source,
    contextId: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    records: number,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number,
    isSibling = false
  ): boolean {
    const stateWriter = this.#stateWriter
    if (stateWriter === undefined) {
      if (!this.#open.writer.fits(lengthOctets) && !this.#makeRoom(lengthOctets)) return false
    } else if (!stateWriter.fits(lengthOctets)) {
      this.#frames.state(stateWriter)
      stateWriter.open(new Uint8Array(this.#config.batchOctets))
    }
    this.#useLayout(layout)
    const writer = stateWriter ?? this.#open.writer
    writer.append(
      isSibling ? ENTRY_STATE | ENTRY_SIBLING : ENTRY_STATE,
      layout.id,
      source.id,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      records,
      octets,
      offset,
      lengthOctets
    )
    if (stateWriter === undefined) this.#open.age()
    return true
  }

  flush(): void {
    if (this.#open.hasEntries) this.#seal()
    this.#pump()
  }

  get isWritable(): boolean {
    return !this.#isBlocked
  }

  onWritable(callback: () => void): void {
    this.#onWritable.push(callback)
  }

  onSettled(callback: (records: number) => void): void {
    this.#onSettled.push(callback)
  }

  onPeerRestart(callback: () => void): void {
    this.#onPeerRestart.push(callback)
  }

  get stats(): LinkSenderStats {
    const count = this.#count
    return {
      epoch: frames.epochText(this.#frames.epoch),
      receiverEpoch: this.#frames.receiverEpoch === 0n ? '' : frames.epochText(this.#frames.receiverEpoch),
      state: this.#state,
      reconnects: count.reconnects,
      peerRestarts: count.peerRestarts,
      records: {
        admitted: count.admittedRecords,
        settled: count.settledRecords,
        inWindow: this.#window.unsettledRecords + this.#open.records,
        redelivered: count.redeliveredRecords
      },
      batches: {
        sealed: count.sealedBatches,
        settled: count.settledBatches,
        inWindow: this.#window.unsettledBatches + (this.#open.hasEntries ? 1 : 0),
        unsent: this.#window.lastId - this.#sentThrough,
        redelivered: count.redeliveredBatches,
        resent: count.resentBatches
      },
      inWindowOctets: this.#window.octets + this.#open.octets,
      refusedAppends: count.refusedAppends,
      frames: { corrupt: count.corruptFrames, foreign: count.foreignFrames, nacks: count.nacks },
      definitions: { layouts: this.#book.layouts, sources: this.#book.sources, contexts: this.#book.contexts }
    }
  }

  #useLayout(layout: Layout): void {
    this.#book.useLayout(layout)
    this.#lastLayout = layout
  }

  /** Close the open batch if there is one, and open a new one if memory allows. */
  #makeRoom(lengthOctets: number): boolean {
    if (lengthOctets > MAX_ENTRY_OCTETS) throw new InvariantError('An entry is longer than a Message', { lengthOctets })
    // Sealing may unblock, and who is told then may append and so open the next one.
    const { writer } = this.#open
    while (writer.hasBuffer && !writer.fits(lengthOctets)) {
      this.#seal()
      this.#pump()
    }
    if (writer.hasBuffer) return true
    if (this.#window.octets + this.#config.batchOctets > this.#config.bufferOctets) {
      this.#count.refusedAppends++
      this.#isBlocked = true
      return false
    }
    this.#open.open()
    return true
  }

  #seal(): void {
    this.#window.push(this.#open.seal(this.#window.lastId + 1))
    this.#count.sealedBatches++
  }

  #canSend(id: number): boolean {
    return this.#state === 'ready' && id <= this.#grant
  }

  /** Send what there is credit for, and after it the open batch if it is old enough. */
  #pump(): void {
    if (this.#state !== 'ready') {
      this.#checkBlocked()
      return
    }
    while (this.#sentThrough < this.#window.lastId && this.#canSend(this.#sentThrough + 1)) this.#sendNext()
    // While it cannot be sent, an old batch stays open and fills: an outage makes full batches, not many small ones.
    if (this.#open.isOverdue && this.#sentThrough === this.#window.lastId && this.#canSend(this.#window.lastId + 1)) {
      this.#seal()
      this.#sendNext()
    }
    if (this.#isFinished() && !this.#isEndSaid) {
      this.#isEndSaid = true
      this.#frames.mark(true, this.#sentThrough)
    }
    this.#checkBlocked()
  }

  #sendNext(): void {
    const batch = this.#window.get(++this.#sentThrough)
    if (batch !== undefined) this.#frames.batch(batch)
    else this.#frames.skipped(this.#sentThrough)
  }

  #onConnect(): void {
    this.#isConnected = true
    this.#silence.heard()
    this.#frames.hello(this.#window.firstId - 1)
  }

  #onDisconnect(): void {
    this.#isConnected = false
    if (this.#state !== 'stopped') this.#state = 'connecting'
  }

  #beat(): void {
    const isGone = this.#silence.beat(this.#isConnected)
    if (!this.#isConnected) return
    if (isGone) {
      this.#onDisconnect()
      this.#frames.channel?.reconnect()
    } else if (this.#state === 'ready') {
      this.#frames.definitions()
      this.#frames.mark(this.#isFinished(), this.#sentThrough)
    } else {
      this.#frames.hello(this.#window.firstId - 1)
    }
  }

  #isFinished(): boolean {
    return this.#isEnding && this.#sentThrough === this.#window.lastId
  }

  #onReset(): void {
    if (this.#state === 'ready') this.#state = 'connecting'
    this.#frames.hello(this.#window.firstId - 1)
  }

  #onWelcome(receiverEpoch: bigint, progress: Progress): void {
    if (this.#state === 'ready' && receiverEpoch === this.#frames.receiverEpoch) return this.#onProgress(progress)
    const isRestarted = this.#frames.receiverEpoch !== 0n && receiverEpoch !== this.#frames.receiverEpoch
    if (isRestarted) {
      this.#count.peerRestarts++
      this.#grant = 0
    }
    if (this.#wasReady) this.#count.reconnects++
    this.#wasReady = true
    this.#frames.receiverEpoch = receiverEpoch
    this.#state = 'ready'
    this.#settleAll(progress)
    this.#grant = Math.max(this.#grant, progress.grant)
    this.#resume(progress.receivedThrough)
  }

  #onProgress(progress: Progress): void {
    this.#settleAll(progress)
    this.#grant = Math.max(this.#grant, progress.grant)
    this.#pump()
    this.#checkDrained()
  }

  /** Say everything again that the receiver may lack, then go on behind `receivedThrough`. */
  #resume(receivedThrough: number): void {
    if (this.#state !== 'ready') return
    if (receivedThrough > this.#window.lastId) return
    this.#sentThrough = Math.max(receivedThrough, this.#window.firstId - 1)
    this.#isEndSaid = false
    this.#book.restart()
    this.#frames.definitions()
    if (this.#count.peerRestarts > 0) this.#repeatState()
    this.#pump()
    // In order behind what was just sent: an answer at once if something of it did not arrive.
    this.#frames.mark(false, this.#sentThrough)
    this.#checkDrained()
  }

  #repeatState(): void {
    const writer = new BatchWriter()
    writer.open(new Uint8Array(this.#config.batchOctets))
    this.#stateWriter = writer
    try {
      for (const callback of this.#onPeerRestart) callback()
    } finally {
      this.#stateWriter = undefined
    }
    this.#frames.state(writer)
  }

  #settleAll({ settledThrough, ranges }: Progress): void {
    let records = 0
    const lastId = Math.min(settledThrough, this.#window.lastId)
    for (let id = this.#window.firstId; id <= lastId; id++) records += this.#settle(id)
    for (let index = 0; index < ranges.length; index += 2) {
      for (let id = Math.max(ranges[index], this.#window.firstId); id <= ranges[index + 1]; id++)
        records += this.#settle(id)
    }
    this.#book.settle(this.#window.firstId - 1)
    if (records > 0) for (const callback of this.#onSettled) callback(records)
  }

  #settle(id: number): number {
    const batch = this.#window.settle(id)
    if (batch === undefined) return 0
    this.#count.settledBatches++
    this.#count.settledRecords += batch.records
    this.#open.recycle(batch)
    return batch.records
  }

  /** Stop TCP early, so that what waits stays near half a window; let it go on at half of that. */
  #checkBlocked(): void {
    const { batchOctets, bufferOctets, windowBatches } = this.#config
    const unsent = this.#window.lastId - this.#sentThrough
    const octets = this.#window.octets + batchOctets
    if (!this.#isBlocked) {
      this.#isBlocked = unsent >= Math.max(2, windowBatches / 2) || octets > bufferOctets
    } else if (unsent <= windowBatches / 4 && octets <= 0.9 * bufferOctets) {
      this.#isBlocked = false
      for (const callback of this.#onWritable) callback()
    }
  }

  #checkDrained(): void {
    if (this.#window.unsettledBatches === 0 && this.#isEnding) this.#onDrained?.()
  }
}
