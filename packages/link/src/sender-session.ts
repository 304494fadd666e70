import type { ChannelPeer } from './channel.ts'
import type { DefinitionShelf } from './definition-shelf.ts'
import { epochText } from './frame.ts'
import type { Hello, Progress } from './greeting.ts'
import { MAX_RANGES } from './greeting.ts'
import type { LinkSenderInfo } from './link-receiver.ts'

/** What a receiver knows of one sender epoch: outlives its connections, ends some time after the sender. */
export class SenderSession {
  readonly epoch: bigint
  readonly hello: Hello
  readonly shelf: DefinitionShelf
  peer: ChannelPeer
  lastHeardMs: number
  isConnected = true
  hasEnded = false
  /** Asked for a batch again and not got it yet: what comes meanwhile is known to be out of order. */
  isWaitingForResend = false
  receivedThrough: number
  settledThrough: number
  /** Batches delivered that hold credit. */
  held = 0
  /** Batches delivered and not settled. */
  unsettled = 0
  /** Settlements since the last ACK. */
  unacknowledged = 0
  isAckDue = false
  readonly #settledBeyond = new Set<number>()

  /** @param base - every batch up to this id is settled already. */
  constructor(
    epoch: bigint,
    hello: Hello,
    shelf: DefinitionShelf,
    peer: ChannelPeer,
    base: number,
    lastHeardMs: number
  ) {
    this.epoch = epoch
    this.hello = hello
    this.shelf = shelf
    this.peer = peer
    this.receivedThrough = base
    this.settledThrough = base
    this.lastHeardMs = lastHeardMs
  }

  get info(): LinkSenderInfo {
    const { isConnected, receivedThrough, unsettled, hasEnded } = this
    const { pid, worker } = this.hello
    return { epoch: epochText(this.epoch), pid, worker, isConnected, receivedThrough, unsettled, hasEnded }
  }

  settle(id: number): void {
    this.unacknowledged++
    if (id !== this.settledThrough + 1) {
      this.#settledBeyond.add(id)
      return
    }
    this.settledThrough = id
    while (this.#settledBeyond.delete(this.settledThrough + 1)) this.settledThrough++
  }

  progress(windowBatches: number): Progress {
    const ranges: number[] = []
    if (this.#settledBeyond.size > 0) {
      for (const id of [...this.#settledBeyond].toSorted((a, b) => a - b)) {
        if (ranges.length > 0 && ranges[ranges.length - 1] === id - 1) ranges[ranges.length - 1] = id
        else if (ranges.length < 2 * MAX_RANGES) ranges.push(id, id)
        else break
      }
    }
    return {
      receivedThrough: this.receivedThrough,
      settledThrough: this.settledThrough,
      grant: this.receivedThrough + windowBatches - this.held,
      ranges
    }
  }
}
