import { LayoutTable } from '@weir/ipfix'
import { systemClock, type Clock, type Timer } from '@weir/runtime'
import { AckQueue } from './ack-queue.ts'
import type { BoundChannel, ChannelBinder, ChannelPeer } from './channel.ts'
import { DefinitionShelf, LayoutShare } from './definition-shelf.ts'
import { decodeDefinitions } from './definition.ts'
import { DeliveredBatch, type BatchOwner } from './delivered-batch.ts'
import { EndpointClaim } from './endpoint.ts'
import { checkEntries } from './entry-cursor.ts'
import * as frames from './frame.ts'
import { decodeHello, encodeProgress } from './greeting.ts'
import { completeLinkConfig, type LinkConfig } from './link-config.ts'
import type { LinkReceiver, LinkReceiverConfig, LinkReceiverDeps, LinkReceiverStats } from './link-receiver.ts'
import type { ReceivedBatch } from './received-batch.ts'
import { ReceiverCounters } from './receiver-counters.ts'
import { SenderSession } from './sender-session.ts'
import { bindZeromq } from './zeromq-channel.ts'

const { frameKinds, nackReasons, refuseReasons } = frames
/** How long a silent sender that has nothing unsettled is remembered. */
const SESSION_KEEP_MS = 60_000

/** Inert until `start`. */
export function createDataLinkReceiver(config: LinkReceiverConfig, deps: LinkReceiverDeps): LinkReceiver {
  return new DataLinkReceiver(config, deps)
}

class DataLinkReceiver implements LinkReceiver, BatchOwner {
  readonly #config: LinkConfig
  readonly #endpoint: string
  readonly #maxSenders: number
  readonly #deps: LinkReceiverDeps
  readonly #clock: Clock
  readonly #bind: ChannelBinder
  readonly #epoch = frames.newEpoch()
  readonly #claim: EndpointClaim
  readonly #share: LayoutShare
  readonly #sessions = new Map<bigint, SenderSession>()
  readonly #count = new ReceiverCounters()
  readonly #header = frames.newFrameHeader()
  readonly #acks: AckQueue
  #channel: BoundChannel | undefined
  #onBatch: (batch: ReceivedBatch) => void = () => {}
  #heartbeat: Timer | undefined
  #lastTurnMs = 0
  #isFenced = false
  #isStopped = false
  #lastSourceId = 0

  constructor(config: LinkReceiverConfig, deps: LinkReceiverDeps) {
    this.#config = completeLinkConfig(config)
    this.#endpoint = config.endpoint
    this.#maxSenders = config.maxSenders ?? 64
    this.#deps = deps
    this.#clock = deps.clock ?? systemClock
    this.#acks = new AckQueue(deps.soon ?? setImmediate, session => this.#acknowledge(session))
    this.#bind = deps.bind ?? bindZeromq
    this.#claim = new EndpointClaim(config.endpoint, frames.epochText(this.#epoch))
    this.#share = new LayoutShare(deps.layouts ?? new LayoutTable(), layout => deps.onLayoutReleased?.(layout))
  }

  async start(onBatch: (batch: ReceivedBatch) => void): Promise<void> {
    this.#onBatch = onBatch
    await this.#claim.take()
    this.#lastTurnMs = this.#clock.monotonicMs()
    this.#channel = await this.#bind(
      this.#endpoint,
      { onFrame: (peer, frame) => this.#onFrame(peer, frame) },
      this.#config
    )
    this.#heartbeat = this.#clock.setPeriodic(this.#config.heartbeatMs, () => this.#beat())
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#heartbeat?.cancel()
    for (const session of this.#sessions.values()) {
      this.#acknowledge(session)
      // A sender that is told goes on looking for the next receiver at once, not after its time-out.
      this.#send(session, { kind: frameKinds.reset })
    }
    await this.#channel?.close()
    if (this.#channel !== undefined) await this.#claim.release()
  }

  get stats(): LinkReceiverStats {
    const count = this.#count
    const senders = [...this.#sessions.values()]
    const buffers = senders.filter(({ isConnected }) => isConnected).map(({ hello }) => hello.bufferOctets)
    return {
      epoch: frames.epochText(this.#epoch),
      isFenced: this.#isFenced,
      senders: senders.map(session => session.info),
      batches: {
        received: count.receivedBatches,
        settled: count.settledBatches,
        unsettled: count.receivedBatches - count.settledBatches,
        redelivered: count.redeliveredBatches,
        duplicates: count.duplicateBatches
      },
      records: {
        received: count.receivedRecords,
        settled: count.settledRecords,
        unsettled: count.receivedRecords - count.settledRecords,
        redelivered: count.redeliveredRecords
      },
      unsettledOctets: count.unsettledOctets,
      senderBufferOctets: buffers.length === 0 ? 0 : Math.min(...buffers),
      frames: {
        corrupt: count.corruptFrames,
        foreign: count.foreignFrames,
        nacks: count.nacks,
        refused: count.refused
      }
    }
  }

  onSettle(batch: DeliveredBatch): void {
    const { session } = batch
    if (batch.id === 0) return
    this.#count.settledBatches++
    this.#count.settledRecords += batch.records
    this.#count.unsettledOctets -= batch.octets.length
    session.unsettled--
    session.settle(batch.id)
    // A long burst of frames is handled in one turn: the sender must not run dry meanwhile.
    if (session.unacknowledged * 8 >= this.#config.windowBatches) this.#acknowledge(session)
    else this.#acknowledgeSoon(session)
  }

  onCredit(batch: DeliveredBatch): void {
    if (batch.id === 0) return
    batch.session.held--
    this.#acknowledgeSoon(batch.session)
  }

  #acknowledgeSoon(session: SenderSession): void {
    if (!this.#isStopped) this.#acks.add(session)
  }

  #acknowledge(session: SenderSession, kind: 2 | 7 = frameKinds.ack): void {
    session.unacknowledged = 0
    const progress = session.progress(this.#config.windowBatches)
    const fields = { kind, number: progress.settledThrough, first: progress.ranges.length / 2 }
    this.#send(session, fields, encodeProgress(progress))
  }

  #send(
    session: SenderSession,
    fields: Partial<frames.FrameHeader> & { kind: frames.FrameKind },
    body?: Uint8Array
  ): void {
    this.#sendTo(session.peer, session.epoch, fields, body)
  }

  #sendTo(
    peer: ChannelPeer,
    senderEpoch: bigint,
    fields: Partial<frames.FrameHeader> & { kind: frames.FrameKind },
    body?: Uint8Array
  ): void {
    if (this.#isFenced) return
    this.#channel?.send(peer, frames.makeFrame({ senderEpoch, receiverEpoch: this.#epoch, ...fields }, body))
  }

  #beat(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#lastTurnMs = nowMs
    if (!this.#checkFence()) return
    for (const session of this.#sessions.values()) {
      const silentMs = nowMs - session.lastHeardMs
      if (silentMs > this.#config.heartbeatTimeoutMs) session.isConnected = false
      if (!session.isConnected && session.unsettled === 0 && silentMs > SESSION_KEEP_MS) this.#endSession(session)
    }
  }

  /** @returns false if another process owns the endpoint: it serves our senders, and we must not deliver what it delivers. */
  #checkFence(): boolean {
    if (this.#isFenced) return false
    if (this.#isStopped || this.#claim.isHeld()) return true
    this.#isFenced = true
    this.#heartbeat?.cancel()
    this.#deps.onFenced?.()
    return false
  }

  #endSession(session: SenderSession): void {
    this.#sessions.delete(session.epoch)
    session.shelf.clear()
  }

  #onFrame(peer: ChannelPeer, frame: Uint8Array): void {
    if (this.#isFenced || this.#isStopped) return
    const nowMs = this.#clock.monotonicMs()
    // This process stood still so long that it may have been replaced.
    if (nowMs - this.#lastTurnMs > this.#config.heartbeatTimeoutMs && !this.#checkFence()) return
    this.#lastTurnMs = nowMs
    const view = frames.viewOf(frame)
    const header = this.#header
    const result = frames.readFrame(frame, view, header)
    if (result === 'corrupt') return this.#onCorrupt(peer)
    if (result === 'foreign') {
      this.#count.foreignFrames++
      return
    }
    if (header.kind === frameKinds.hello) return this.#onHello(peer, header, view, nowMs)
    const session = this.#sessions.get(header.senderEpoch)
    if (session === undefined || session.peer !== peer || header.receiverEpoch !== this.#epoch) {
      this.#count.foreignFrames++
      // A sender that takes us for another receiver, or whose HELLO was lost, has to introduce itself.
      if (isSenderKind(header.kind)) this.#sendTo(peer, header.senderEpoch, { kind: frameKinds.reset })
      return
    }
    session.lastHeardMs = nowMs
    session.isConnected = true
    this.#dispatch(session, frame, view, header)
  }

  #onCorrupt(peer: ChannelPeer): void {
    this.#count.corruptFrames++
    for (const session of this.#sessions.values()) {
      if (session.peer === peer) return this.#askAgain(session, nackReasons.corrupt)
    }
  }

  /** Ask for everything behind what was received, once until it comes. */
  #askAgain(session: SenderSession, reason: number): void {
    if (session.isWaitingForResend) return
    session.isWaitingForResend = true
    this.#count.nacks++
    this.#send(session, { kind: frameKinds.nack, number: session.receivedThrough + 1, first: reason })
  }

  #onHello(peer: ChannelPeer, header: frames.FrameHeader, view: DataView, nowMs: number): void {
    const hello = decodeHello(view)
    if (hello === undefined || header.senderEpoch === 0n) {
      this.#count.corruptFrames++
      return
    }
    const { senderEpoch, number: base } = header
    if (hello.minVersion > frames.LINK_VERSION || hello.maxVersion < frames.LINK_VERSION) {
      return this.#refuse(peer, senderEpoch, refuseReasons.version)
    }
    let session = this.#sessions.get(senderEpoch)
    if (session !== undefined && base > session.receivedThrough) {
      // Another receiver went on with it in between: what we knew of it is void.
      this.#endSession(session)
      session = undefined
    }
    if (session === undefined) {
      if (this.#sessions.size >= this.#maxSenders && !this.#dropIdleSession()) {
        return this.#refuse(peer, senderEpoch, refuseReasons.tooManySenders)
      }
      session = new SenderSession(senderEpoch, hello, this.#newShelf(), peer, base, nowMs)
      this.#sessions.set(senderEpoch, session)
    }
    session.peer = peer
    session.lastHeardMs = nowMs
    session.isConnected = true
    session.isWaitingForResend = false
    this.#acknowledge(session, frameKinds.welcome)
  }

  #refuse(peer: ChannelPeer, senderEpoch: bigint, reason: number): void {
    this.#count.refused++
    this.#sendTo(peer, senderEpoch, { kind: frameKinds.refuse, first: reason, second: frames.LINK_VERSION })
  }

  #dropIdleSession(): boolean {
    for (const session of this.#sessions.values()) {
      if (session.isConnected || session.unsettled > 0) continue
      this.#endSession(session)
      return true
    }
    return false
  }

  #newShelf(): DefinitionShelf {
    return new DefinitionShelf(
      this.#share,
      () => ++this.#lastSourceId,
      source => this.#deps.onSourceReleased?.(source)
    )
  }

  #dispatch(session: SenderSession, frame: Uint8Array, view: DataView, header: frames.FrameHeader): void {
    switch (header.kind) {
      case frameKinds.define:
        return this.#onDefine(session, view, header.flags)
      case frameKinds.batch:
        return this.#onBatchFrame(session, frame, view, header)
      case frameKinds.state:
        return this.#onState(session, frame, view, header)
      case frameKinds.ping:
        return this.#onMark(session, header.number)
      case frameKinds.endOfStream:
        this.#onMark(session, header.number)
        if (session.receivedThrough < header.number || session.hasEnded) return
        session.hasEnded = true
        this.#deps.onEndOfStream?.(frames.epochText(session.epoch))
        return
      default:
        this.#count.foreignFrames++
    }
  }

  #onDefine(session: SenderSession, view: DataView, flags: number): void {
    const definitions = decodeDefinitions(view, frames.FRAME_HEADER_OCTETS)
    if (definitions === undefined) {
      this.#count.corruptFrames++
      return this.#askAgain(session, nackReasons.corrupt)
    }
    const isFirst = (flags & frames.FLAG_FIRST) !== 0
    if (!session.shelf.apply(definitions, isFirst, (flags & frames.FLAG_LAST) !== 0)) {
      this.#askAgain(session, nackReasons.undefinedId)
    }
  }

  #onBatchFrame(session: SenderSession, frame: Uint8Array, view: DataView, header: frames.FrameHeader): void {
    const { number: id, flags, first: records, second: entries } = header
    if (id <= session.receivedThrough) {
      this.#count.duplicateBatches++
      return this.#acknowledgeSoon(session)
    }
    if (id !== session.receivedThrough + 1) return this.#askAgain(session, nackReasons.gap)
    const check = checkEntries(view, session.shelf, entries, records)
    if (check !== 'right') {
      if (check === 'wrong') this.#count.corruptFrames++
      return this.#askAgain(session, check === 'wrong' ? nackReasons.corrupt : nackReasons.undefinedId)
    }
    session.isWaitingForResend = false
    session.receivedThrough = id
    if ((flags & frames.FLAG_SKIPPED) !== 0) {
      session.settle(id)
      return this.#acknowledgeSoon(session)
    }
    this.#deliver(session, id, frame, view, records, (flags & frames.FLAG_REDELIVERED) !== 0)
  }

  #deliver(
    session: SenderSession,
    id: number,
    frame: Uint8Array,
    view: DataView,
    records: number,
    isRedelivered: boolean
  ): void {
    session.held++
    session.unsettled++
    this.#count.receivedBatches++
    this.#count.receivedRecords += records
    this.#count.unsettledOctets += frame.length
    if (isRedelivered) {
      this.#count.redeliveredBatches++
      this.#count.redeliveredRecords += records
    }
    this.#onBatch(new DeliveredBatch(this, session, id, frame, view, records, isRedelivered))
  }

  #onState(session: SenderSession, frame: Uint8Array, view: DataView, header: frames.FrameHeader): void {
    const check = checkEntries(view, session.shelf, header.second, 0)
    if (check === 'right') this.#onBatch(new DeliveredBatch(this, session, 0, frame, view, 0, false))
    else if (check === 'undefined') this.#askAgain(session, nackReasons.undefinedId)
    else this.#onCorrupt(session.peer)
  }

  /** The sender has sent up to `sentThrough`: what is missing now is not on its way. */
  #onMark(session: SenderSession, sentThrough: number): void {
    if (sentThrough > session.receivedThrough) {
      session.isWaitingForResend = false
      this.#askAgain(session, nackReasons.gap)
    } else {
      session.isWaitingForResend = false
    }
    this.#acknowledge(session)
  }
}

const isSenderKind = (kind: number): boolean =>
  kind === frameKinds.define ||
  kind === frameKinds.batch ||
  kind === frameKinds.state ||
  kind === frameKinds.ping ||
  kind === frameKinds.endOfStream
