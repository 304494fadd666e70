import type { Layout } from '@weir/ipfix'
import type { HeldBatch } from '../held-batch.ts'
import type { Chunk } from './chunk.ts'

/** How far one call of {@link Encoder.encode} came. One object for each encoder, reused. */
export interface Progress {
  /** Next unread octet of the batch. */
  offset: number
  /** The chunk has no room for what comes next: submit it and call again with a new one. */
  isChunkFull: boolean
}

/** Told of what must not happen and did. */
export type OnDefect = (error: unknown) => void

/** Turns entries into Messages or lines in chunks. Knows nothing of queues and sockets. */
export interface Encoder {
  readonly progress: Progress
  /** A new session: sequence numbers begin at 0, everything has to be announced again. No Message is open. */
  beginSession(): void
  /** True if something waits to be announced (templates, withdrawals) without a record that needs it. */
  readonly hasAnnouncements: boolean
  /** Write what waits to be announced. False if the chunk is full before all is written. */
  announce(chunk: Chunk): boolean
  /** Encode the records of one entry from `offset` on, as far as the chunk has room. */
  encode(held: HeldBatch, entry: number, offset: number, chunk: Chunk): void
  /** Close what is open in the chunk. */
  finish(chunk: Chunk): void
  /** Called a few times a second: template resends, templates out of use. */
  tick(): void
  /** True once, when the time for repeating the options records has come. */
  takeOptionsRefresh(): boolean
  /** Announce all templates again at next need. */
  resendTemplates(): void
  /** No input has this Layout any more: what only it needed can go. */
  forgetLayout(layout: Layout): void
  /** For the API. */
  readonly state: EncoderState
}

export interface EncoderState {
  readonly templates: number
  readonly messages: number
  readonly withdrawals: number
  readonly domains: readonly { readonly odid: number; readonly sequence: number; readonly templates: number }[]
}
