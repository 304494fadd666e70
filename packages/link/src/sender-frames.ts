import type { BatchWriter } from './batch-writer.ts'
import type { Channel } from './channel.ts'
import type { DefinitionBook } from './definition-book.ts'
import * as frames from './frame.ts'
import { encodeHello } from './greeting.ts'
import type { LinkConfig } from './link-config.ts'
import type { SenderCounters } from './sender-counters.ts'
import type { SealedBatch } from './send-window.ts'

const { frameKinds } = frames

/** Writes the frames of a sender and puts them on the channel. */
export class SenderFrames {
  readonly epoch = frames.newEpoch()
  /** Epoch of the receiver that frames are for; 0 before the first WELCOME. */
  receiverEpoch = 0n
  channel: Channel | undefined
  readonly #config: LinkConfig
  readonly #worker: number
  readonly #book: DefinitionBook
  readonly #count: SenderCounters
  readonly #header = frames.newFrameHeader()

  constructor(config: LinkConfig, worker: number, book: DefinitionBook, count: SenderCounters) {
    this.#config = config
    this.#worker = worker
    this.#book = book
    this.#count = count
  }

  /** @param settledThrough - nothing up to this id is held any more. */
  hello(settledThrough: number): void {
    const { LINK_VERSION } = frames
    const { bufferOctets } = this.#config
    const hello = { minVersion: LINK_VERSION, maxVersion: LINK_VERSION, pid: process.pid, worker: this.#worker }
    this.#send({ kind: frameKinds.hello, number: settledThrough }, encodeHello({ ...hello, bufferOctets }), 0n)
  }

  /** Send a batch, behind the definitions that it may name. */
  batch(batch: SealedBatch): void {
    this.definitions()
    if (batch.sends > 0) {
      // zeromq may still read the octets of the earlier sending: they are never written again, nor reused.
      batch.frame = batch.frame.slice()
      batch.pooled = undefined
      this.#countResend(batch)
    }
    batch.sends++
    batch.sentTo = this.receiverEpoch
    const header = this.#header
    header.kind = frameKinds.batch
    header.flags = batch.isRedelivered ? frames.FLAG_REDELIVERED : 0
    header.senderEpoch = this.epoch
    header.receiverEpoch = this.receiverEpoch
    header.number = batch.id
    header.first = batch.records
    header.second = batch.entries
    frames.sealFrame(batch.frame, frames.viewOf(batch.frame), header)
    this.channel?.send(batch.frame)
  }

  #countResend(batch: SealedBatch): void {
    if (batch.sentTo === this.receiverEpoch) {
      this.#count.resentBatches++
      return
    }
    batch.isRedelivered = true
    this.#count.redeliveredBatches++
    this.#count.redeliveredRecords += batch.records
  }

  /** In the place of a batch that was settled out of order: keeps the ids without a gap. */
  skipped(id: number): void {
    this.#send({ kind: frameKinds.batch, flags: frames.FLAG_SKIPPED, number: id })
  }

  /** Send what the receiver has not been told. */
  definitions(): void {
    if (!this.#book.hasUnsent) return
    for (const { flags, body } of this.#book.takeBodies(this.#config.batchOctets)) {
      this.#send({ kind: frameKinds.define, flags }, body)
    }
  }

  /** Send the state entries of a writer; it has no buffer afterwards. */
  state(writer: BatchWriter): void {
    if (writer.entries === 0) return
    this.definitions()
    const body = writer.take().slice(frames.FRAME_HEADER_OCTETS, writer.usedOctets)
    this.#send({ kind: frameKinds.state, second: writer.entries }, body)
  }

  /** Say how far everything was sent: as a heartbeat, or as the end. */
  mark(isEnd: boolean, sentThrough: number): void {
    this.#send({ kind: isEnd ? frameKinds.endOfStream : frameKinds.ping, number: sentThrough })
  }

  #send(
    fields: Partial<frames.FrameHeader> & { kind: frames.FrameKind },
    body?: Uint8Array,
    receiverEpoch = this.receiverEpoch
  ): void {
    this.channel?.send(frames.makeFrame({ senderEpoch: this.epoch, receiverEpoch, ...fields }, body))
  }
}
