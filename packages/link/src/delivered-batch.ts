import { EntryCursor } from './entry-cursor.ts'
import { epochText } from './frame.ts'
import type { BatchEntries, ReceivedBatch } from './received-batch.ts'
import type { SenderSession } from './sender-session.ts'

/** Who is told what becomes of a batch. */
export interface BatchOwner {
  onSettle(batch: DeliveredBatch): void
  onCredit(batch: DeliveredBatch): void
}

/** A {@link ReceivedBatch} on its way through the mediator. */
export class DeliveredBatch implements ReceivedBatch {
  readonly id: number
  readonly octets: Uint8Array
  readonly view: DataView
  readonly records: number
  readonly isRedelivered: boolean
  readonly entries: BatchEntries
  readonly session: SenderSession
  readonly #owner: BatchOwner
  #isSettled = false
  #hasCredit = true

  constructor(
    owner: BatchOwner,
    session: SenderSession,
    id: number,
    octets: Uint8Array,
    view: DataView,
    records: number,
    isRedelivered: boolean
  ) {
    this.#owner = owner
    this.session = session
    this.id = id
    this.octets = octets
    this.view = view
    this.records = records
    this.isRedelivered = isRedelivered
    this.entries = new EntryCursor(view, session.shelf)
  }

  get senderEpoch(): string {
    return epochText(this.session.epoch)
  }

  settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.releaseCredit()
    this.#owner.onSettle(this)
  }

  releaseCredit(): void {
    if (!this.#hasCredit) return
    this.#hasCredit = false
    this.#owner.onCredit(this)
  }
}
