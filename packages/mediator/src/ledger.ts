/** Why records of a destination were dropped: those of the closed list of drop reasons that can happen here. */
export const destinationDropReasons = [
  'queue_oldest',
  'queue_newest',
  'encode_too_big',
  'encode_error',
  'shutdown',
  'drained'
] as const
export type DestinationDropReason = (typeof destinationDropReasons)[number]

/** The account of one destination, in records. `matched = filtered + sent + queued + dropped`, at every moment. */
export interface DestinationLedger {
  /** Offered to it. */
  readonly matched: number
  /** Kept back by its filter, when it was their turn to be sent. */
  readonly filtered: number
  /** In the kernel's send buffer or in the file. */
  readonly sent: number
  /** Waiting, or encoded and not yet taken by the kernel. */
  readonly queued: number
  readonly dropped: Readonly<Record<DestinationDropReason, number>>
  /** Of a session that ended before it was known whether they left or were read, or refused by the network: maybe lost. */
  readonly uncertain: number
  /** Encoded once more in a new session: maybe twice at the receiver. */
  readonly redelivered: number
}

/** One account for two destinations that followed each other. @param earlier - undefined = there was none. */
export function sumOfLedgers(earlier: DestinationLedger | undefined, later: DestinationLedger): DestinationLedger {
  if (earlier === undefined) return later
  const dropped = { ...later.dropped }
  for (const reason of destinationDropReasons) dropped[reason] += earlier.dropped[reason]
  return {
    matched: earlier.matched + later.matched,
    filtered: earlier.filtered + later.filtered,
    sent: earlier.sent + later.sent,
    queued: earlier.queued + later.queued,
    dropped,
    uncertain: earlier.uncertain + later.uncertain,
    redelivered: earlier.redelivered + later.redelivered
  }
}

/** The mediator's part of the ledger. */
export interface MediatorLedger {
  readonly records: { readonly received: number; readonly redelivered: number }
  readonly batches: { readonly received: number; readonly settled: number; readonly unsettled: number }
  readonly destinations: Readonly<Record<string, DestinationLedger>>
}

/**
 * Check that every record is accounted for.
 *
 * @returns one sentence for each equation that does not hold; empty if all do.
 */
export function checkLedger(ledger: MediatorLedger): string[] {
  const broken: string[] = []
  const { batches, destinations } = ledger
  if (batches.received !== batches.settled + batches.unsettled) {
    broken.push(`batches: received ${batches.received} ≠ settled ${batches.settled} + unsettled ${batches.unsettled}`)
  }
  for (const [id, { matched, filtered, sent, queued, dropped }] of Object.entries(destinations)) {
    let sum = 0
    for (const reason of destinationDropReasons) sum += dropped[reason]
    if (matched === filtered + sent + queued + sum && queued >= 0) continue
    const parts = `filtered ${filtered} + sent ${sent} + queued ${queued} + dropped ${sum}`
    broken.push(`destination ${id}: matched ${matched} ≠ ${parts}`)
  }
  return broken
}
