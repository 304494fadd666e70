import type { Layout, LayoutTable } from '@weir/ipfix'
import type { LinkConfig } from './link-config.ts'
import type { LinkDeps } from './link-deps.ts'
import { createDataLinkReceiver } from './data-link-receiver.ts'
import type { ReceivedBatch } from './received-batch.ts'
import type { Source } from './source.ts'

export interface LinkReceiverConfig extends Partial<LinkConfig> {
  /** `ipc://` path to bind; see `dataEndpoint`. Refused if a live process owns it. */
  endpoint: string
  /** Senders that may be connected; default 64. */
  maxSenders?: number
}

export interface LinkReceiverDeps extends LinkDeps {
  /** Where Layouts are interned, so that those of several senders are the same objects; default: an own table. */
  layouts?: LayoutTable
  /** No batch will name this source again: forget what is kept for it. */
  onSourceReleased?: (source: Source) => void
  /** No sender names this Layout any more, and it has left the LayoutTable: forget Programs made from it. */
  onLayoutReleased?: (layout: Layout) => void
  /** A sender said that no more comes from it; every batch of it was delivered before. */
  onEndOfStream?: (senderEpoch: string) => void
  /** Another process has taken the endpoint over: this one delivers nothing more and must end. */
  onFenced?: () => void
}

export interface LinkSenderInfo {
  readonly epoch: string
  readonly pid: number
  readonly worker: number
  readonly isConnected: boolean
  readonly receivedThrough: number
  readonly unsettled: number
  readonly hasEnded: boolean
}

/** Counters since the receiver was made. */
export interface LinkReceiverStats {
  readonly epoch: string
  readonly isFenced: boolean
  readonly senders: readonly LinkSenderInfo[]
  readonly batches: {
    readonly received: number
    readonly settled: number
    readonly unsettled: number
    readonly redelivered: number
    /** Came again within this epoch: not delivered twice. */
    readonly duplicates: number
  }
  readonly records: {
    readonly received: number
    readonly settled: number
    readonly unsettled: number
    readonly redelivered: number
  }
  /** Octets of frames that are delivered and not settled. */
  readonly unsettledOctets: number
  /** Smallest `bufferOctets` of the connected senders, 0 if none: they stop when that much is unsettled. */
  readonly senderBufferOctets: number
  readonly frames: {
    /** Failed the checksum, the length, or a check of the contents. */
    readonly corrupt: number
    /** Not ours: no magic, unknown kind, another epoch, an unknown sender. */
    readonly foreign: number
    readonly nacks: number
    readonly refused: number
  }
}

/** The mediator's end of the data channel. */
export interface LinkReceiver {
  /**
   * Bind and serve. Rejects with a coded error if the endpoint is owned by a live process.
   *
   * @param onBatch - called in order for each sender; must not throw. A batch must be settled in the end.
   */
  start(onBatch: (batch: ReceivedBatch) => void): Promise<void>
  /** Send the acknowledgements that are due and close. Batches settled later are not acknowledged. May be called twice. */
  stop(deadlineMs?: number): Promise<void>
  readonly stats: LinkReceiverStats
}

/** Inert until `start`. Needs the main thread of a process (zeromq). */
export function createLinkReceiver(config: LinkReceiverConfig, deps: LinkReceiverDeps = {}): LinkReceiver {
  return createDataLinkReceiver(config, deps)
}
