import type { Layout } from '@weir/ipfix'
import type { LinkConfig } from './link-config.ts'
import type { LinkDeps } from './link-deps.ts'
import { createDataLinkSender } from './data-link-sender.ts'
import type { Source } from './source.ts'

/** Everything of a {@link Source} but its id, which the sender makes. */
export type SourceFields = Omit<Source, 'id'>

export interface LinkSenderConfig extends Partial<LinkConfig> {
  /** `ipc://` path of the receiver; see `dataEndpoint`. */
  endpoint: string
  /** Number of this worker; shown to the receiver. Default 0. */
  worker?: number
}

/** `stopped` → `connecting` → `ready`; `refused` while the receiver speaks no version that we speak. */
export type LinkState = 'stopped' | 'connecting' | 'ready' | 'refused'

/** Counters since the sender was made. `admitted = settled + inWindow` holds at every moment (records; state entries count nowhere). */
export interface LinkSenderStats {
  /** 16 hexadecimal digits; new in every process. */
  readonly epoch: string
  /** The receiver's, '' before the first WELCOME. */
  readonly receiverEpoch: string
  readonly state: LinkState
  /** Times the link became ready again after the first time. */
  readonly reconnects: number
  /** Receiver epochs seen after the first. */
  readonly peerRestarts: number
  readonly records: {
    readonly admitted: number
    readonly settled: number
    readonly inWindow: number
    readonly redelivered: number
  }
  readonly batches: {
    readonly sealed: number
    readonly settled: number
    readonly inWindow: number
    /** Sealed and not handed to the channel (no credit, or no peer). */
    readonly unsent: number
    /** Sent to a receiver after an earlier receiver had been sent the same batch: may be a duplicate downstream. */
    readonly redelivered: number
    /** Sent again to the same receiver, which had not received it. */
    readonly resent: number
  }
  /** Octets of the unsettled batches, the open one included. */
  readonly inWindowOctets: number
  /** `append` calls that returned false. */
  readonly refusedAppends: number
  readonly frames: { readonly corrupt: number; readonly foreign: number; readonly nacks: number }
  readonly definitions: { readonly layouts: number; readonly sources: number; readonly contexts: number }
}

/** The collector's end of the data channel. */
export interface LinkSender {
  /** Begin to connect; resolves at once. Nothing waits for the peer: entries are buffered until it is there. */
  start(): Promise<void>
  /**
   * Seal what is open, tell the receiver that no more comes, wait until everything is settled or `deadlineMs`
   * milliseconds have passed, close. What is then left stands in `stats.records.inWindow`. May be called twice.
   */
  stop(deadlineMs: number): Promise<void>
  /** Announce where entries come from. `address` is copied. */
  defineSource(fields: SourceFields): Source
  /** No more entries of it will come. Takes effect when every batch so far is settled. */
  releaseSource(source: Source): void
  /** Announce a template table as it stands: template id → Layout. Copied. The id is not used again. */
  defineContext(entries: ReadonlyMap<number, Layout>): number
  releaseContext(id: number): void
  /** Layouts are announced at first use. Call when the LayoutTable forgets one, so that both ends do. */
  releaseLayout(layout: Layout): void
  /**
   * Put one Data Set entry into the open batch. Copies the records.
   *
   * @param contextId - from defineContext, or 0 if no record of this Layout names a template.
   * @param bootTimeMs - NaN if unknown.
   * @param records - whole records in `octets[offset..offset+lengthOctets)`, 1 or more.
   * @param lengthOctets - 65,535 at most.
   * @returns false if `bufferOctets` are unsettled: nothing was taken. TCP stops being read, UDP is dropped and counted.
   */
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
  ): boolean
  /**
   * The same for options records that are repeated so that the receiver knows them: not new data, in no ledger.
   * Called inside an `onPeerRestart` callback, they reach the receiver before any batch that is sent again.
   *
   * @param isSibling - they are another source's and hold for this one too: learned from, but not repeated as its own.
   */
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
    isSibling?: boolean
  ): boolean
  /** Send what is open now. Only tests and shutdown need it. */
  flush(): void
  /**
   * False when a window's worth of batches waits for credit, or the buffer is nearly full: stop reading TCP. `append` still
   * takes what was read already (and UDP) until the buffer is full.
   */
  readonly isWritable: boolean
  /** Called each time `isWritable` becomes true again. */
  onWritable(callback: () => void): void
  /** Called with the number of records each time some were settled. */
  onSettled(callback: (records: number) => void): void
  /** Called when a receiver with another epoch than the one before is there: repeat the options state with `appendState`. */
  onPeerRestart(callback: () => void): void
  readonly stats: LinkSenderStats
}

/** Inert until `start`. Needs the main thread of a process (zeromq). */
export function createLinkSender(config: LinkSenderConfig, deps: LinkDeps = {}): LinkSender {
  return createDataLinkSender(config, deps)
}
