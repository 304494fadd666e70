import type { CollectorLedger, Ledger, MediatorLedger } from '@weir/http'

const sumOf = (drops: Readonly<Record<string, number>>): number =>
  Object.values(drops).reduce((sum, drop) => sum + drop, 0)

/**
 * Put the parts of the ledger together and say which equations hold.
 *
 * @param collector - null if it is not there to be asked.
 */
export function ledgerView(
  takenAtMs: number,
  collector: CollectorLedger | null,
  mediator: MediatorLedger | null
): Ledger {
  const equations: Ledger['equations'] = []
  const equation = (name: string, left: number, right: number): void => {
    equations.push({ name, left, right, holds: left === right })
  }
  if (collector !== null) {
    const { messages, dataSets, records, window } = collector
    equation(
      'messages.received = decodedOk + decodedPartial + dropped',
      messages.received,
      messages.decodedOk + messages.decodedPartial + sumOf(messages.dropped)
    )
    equation(
      'dataSets.received + takenOver = decoded + pending + handedOver + dropped',
      dataSets.received + dataSets.takenOver,
      dataSets.decoded + dataSets.pending + dataSets.handedOver + sumOf(dataSets.dropped)
    )
    equation(
      'records.decoded = filtered + admitted + held + dropped',
      records.decoded,
      records.filtered + records.admitted + records.held + sumOf(records.dropped)
    )
    equation('records.admitted = window.settled + window.inWindow', records.admitted, window.settled + window.inWindow)
  }
  if (mediator !== null) {
    const { batches, destinations } = mediator
    equation('batches.received = settled + unsettled', batches.received, batches.settled + batches.unsettled)
    for (const [id, { matched, filtered, sent, queued, dropped }] of Object.entries(destinations)) {
      const accounted = filtered + sent + queued + sumOf(dropped)
      equation(`destinations.${id}: matched = filtered + sent + queued + dropped`, matched, accounted)
    }
  }
  return { takenAtMs, collector, mediator, equations }
}
