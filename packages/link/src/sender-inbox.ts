import * as frames from './frame.ts'
import { decodeProgress, type Progress } from './greeting.ts'
import type { SenderCounters } from './sender-counters.ts'

const { frameKinds } = frames

/** What a receiver can tell its sender. */
export interface SenderInboxEvents {
  /** Epoch of the receiver that settles, or undefined while none is welcomed. */
  knownReceiver(): bigint | undefined
  /** Highest batch id that was sealed: more cannot have been received. */
  lastId(): number
  /** Some frame of our peer came. */
  onHeard(): void
  onWelcome(receiverEpoch: bigint, progress: Progress): void
  onProgress(progress: Progress): void
  /** Send again from this id on. */
  onNack(firstId: number): void
  onReset(): void
  onRefuse(): void
}

/** Reads the frames that come to a sender; what is not for it, or wrong, is counted and changes nothing. */
export class SenderInbox {
  readonly #epoch: bigint
  readonly #count: SenderCounters
  readonly #events: SenderInboxEvents
  readonly #header = frames.newFrameHeader()

  constructor(epoch: bigint, count: SenderCounters, events: SenderInboxEvents) {
    this.#epoch = epoch
    this.#count = count
    this.#events = events
  }

  take(frame: Uint8Array): void {
    const view = frames.viewOf(frame)
    const header = this.#header
    const result = frames.readFrame(frame, view, header)
    if (result === 'corrupt') {
      this.#count.corruptFrames++
    } else if (result === 'foreign' || header.senderEpoch !== this.#epoch || !this.#isForUs(header)) {
      this.#count.foreignFrames++
    } else {
      this.#events.onHeard()
      this.#dispatch(header, view)
    }
  }

  /** Only the receiver that we know may settle; another one introduces itself first. */
  #isForUs({ kind, receiverEpoch }: frames.FrameHeader): boolean {
    if (kind === frameKinds.welcome || kind === frameKinds.reset || kind === frameKinds.refuse) return true
    return receiverEpoch === this.#events.knownReceiver()
  }

  #dispatch({ kind, receiverEpoch, number, first }: frames.FrameHeader, view: DataView): void {
    switch (kind) {
      case frameKinds.welcome:
      case frameKinds.ack: {
        const progress = decodeProgress(view, number, first)
        if (progress === undefined || progress.receivedThrough > this.#events.lastId()) this.#count.corruptFrames++
        else if (kind === frameKinds.ack) this.#events.onProgress(progress)
        else this.#events.onWelcome(receiverEpoch, progress)
        return
      }
      case frameKinds.nack:
        this.#count.nacks++
        return this.#events.onNack(number)
      case frameKinds.reset:
        return this.#events.onReset()
      case frameKinds.refuse:
        return this.#events.onRefuse()
      default:
        this.#count.foreignFrames++
    }
  }
}
