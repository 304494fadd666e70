import { dropReasons, type DropReason } from '@weir/ipfix'
import { noCounts } from './domain-sequence.ts'

/** One number for each reason for which something can be dropped. */
export type Drops = Record<DropReason, number>

const noDrops = (): Drops => Object.fromEntries(dropReasons.map(reason => [reason, 0])) as Drops

/** Sum over all reasons. */
export function droppedIn(drops: Drops): number {
  let sum = 0
  for (const reason of dropReasons) sum += drops[reason]
  return sum
}

/**
 * What the collector counts, in plain numbers that only grow (`pending` and `held` are levels). {@link checkLedger} says
 * what must hold between them after every Message.
 */
export class Ledger {
  readonly messages = { received: 0, decodedOk: 0, decodedPartial: 0, dropped: noDrops() }
  /**
   * Data Sets. `pending` wait for their template, in memory or in the spool of this process. `takenOver` were received by
   * another process (or by an earlier one of ours), `handedOver` are waiting elsewhere now: on the shelf of a shared store,
   * or in the spool of a process that has ended.
   */
  readonly dataSets = { received: 0, takenOver: 0, decoded: 0, pending: 0, handedOver: 0, dropped: noDrops() }
  /** Data Records, options records too. `held` were read from TCP and wait for room on the link. */
  readonly records = { decoded: 0, filtered: 0, admitted: 0, held: 0, dropped: noDrops() }
  /** Admitted records that the link could not settle before the end of the process: dropped, shutdown. */
  unsettledAtEnd = 0
  /** Sequence numbers of domains that have ended; the living ones keep their own. */
  readonly endedSequence = noCounts()
}

/** Where admitted records are: `LinkSender.stats.records`. */
export interface Window {
  readonly admitted: number
  readonly settled: number
  readonly inWindow: number
}

/**
 * The equations that must close to the unit.
 *
 * @returns one sentence for each that does not; empty when all is accounted for.
 */
export function checkLedger(ledger: Ledger, window?: Window): string[] {
  const { messages, dataSets, records } = ledger
  const faults: string[] = []
  const check = (what: string, left: number, right: number): void => {
    if (left !== right) faults.push(`${what}: ${left} is not ${right}`)
  }
  check(
    'messages received = decoded ok + decoded partial + dropped',
    messages.received,
    messages.decodedOk + messages.decodedPartial + droppedIn(messages.dropped)
  )
  check(
    'data sets received + taken over = decoded + pending + handed over + dropped',
    dataSets.received + dataSets.takenOver,
    dataSets.decoded + dataSets.pending + dataSets.handedOver + droppedIn(dataSets.dropped)
  )
  check(
    'records decoded = filtered + admitted + held + dropped',
    records.decoded,
    records.filtered + records.admitted + records.held + droppedIn(records.dropped)
  )
  if (window !== undefined) {
    check('records admitted = admitted by the link', records.admitted, window.admitted)
    check('records admitted = settled + in window', window.admitted, window.settled + window.inWindow)
  }
  return faults
}

/** The drops that are not zero, for JSON. */
export function dropsToJson(drops: Drops): Record<string, number> {
  const shown: Record<string, number> = {}
  for (const reason of dropReasons) if (drops[reason] > 0) shown[reason] = drops[reason]
  return shown
}
