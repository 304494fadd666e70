import assert from 'node:assert/strict'
import type { CoordinatorClient } from './coordinator-client.ts'
import { until } from './until.ts'

type Numbers = Readonly<Record<string, number>>

/** What `GET /v1/ledger` says of a pod (each process counts for itself; the coordinator puts them together). */
export interface PodLedger {
  readonly collector: CollectorLedger
  readonly mediator: MediatorLedger
  /** What the coordinator itself has checked. */
  readonly equations: readonly { readonly name: string; readonly holds: boolean }[]
}

export interface CollectorLedger {
  readonly messages: {
    readonly received: number
    readonly decodedOk: number
    readonly decodedPartial: number
    readonly dropped: Numbers
  }
  readonly dataSets: {
    readonly received: number
    readonly takenOver: number
    readonly decoded: number
    readonly pending: number
    readonly handedOver: number
    readonly dropped: Numbers
  }
  readonly records: {
    readonly decoded: number
    readonly filtered: number
    readonly admitted: number
    readonly held?: number
    readonly dropped: Numbers
  }
  readonly window: {
    readonly admitted: number
    readonly settled: number
    readonly inWindow: number
    readonly redelivered?: number
  }
  readonly sequence: {
    readonly lost: number
    readonly duplicated: number
    readonly reordered: number
    readonly restarts: number
    /** Missing at most since another collector, or an earlier run, saw the exporter last. */
    readonly gap: number
  }
  readonly kernel: Numbers
}

export interface MediatorLedger {
  readonly records: { readonly received: number; readonly redelivered: number }
  readonly batches: { readonly received: number; readonly settled: number; readonly unsettled: number }
  readonly destinations: Readonly<Record<string, DestinationLedger>>
}

export interface DestinationLedger {
  readonly matched: number
  readonly filtered: number
  readonly sent: number
  readonly queued: number
  readonly uncertain: number
  readonly redelivered?: number
  readonly dropped: Numbers
}

const STILL_MS = 400

export const sumOf = (numbers: Numbers): number => Object.values(numbers).reduce((sum, number) => sum + number, 0)

/** The ledger as it is now. @throws while the collector or the mediator is away. */
export async function readLedger(api: CoordinatorClient): Promise<PodLedger> {
  const ledger = await api.get<{ [Part in keyof PodLedger]: PodLedger[Part] | null }>('/v1/ledger')
  if (ledger.collector === null || ledger.mediator === null)
    throw new Error(`a process is away: ${JSON.stringify(ledger)}`)
  return ledger as PodLedger
}

/**
 * The equations between the ledger's numbers; each of one process, so that it holds at every moment.
 *
 * @returns one sentence for each that does not hold.
 */
export function brokenEquations({ collector, mediator, equations }: PodLedger): string[] {
  const { messages, dataSets, records, window } = collector
  const broken: string[] = []
  const equal = (what: string, left: number, right: number): void => {
    if (left !== right) broken.push(`${what}: ${left} is not ${right}`)
  }
  const decoded = messages.decodedOk + messages.decodedPartial
  equal('messages received = decoded + dropped', messages.received, decoded + sumOf(messages.dropped))
  const setsElsewhere = dataSets.pending + dataSets.handedOver + sumOf(dataSets.dropped)
  equal(
    'data sets received + taken over = decoded + pending + handed over + dropped',
    dataSets.received + dataSets.takenOver,
    dataSets.decoded + setsElsewhere
  )
  const recordsElsewhere = records.filtered + (records.held ?? 0) + sumOf(records.dropped)
  equal('records decoded = filtered + admitted + held + dropped', records.decoded, records.admitted + recordsElsewhere)
  equal('records admitted = settled + in window', records.admitted, window.settled + window.inWindow)
  equal(
    'batches received = settled + unsettled',
    mediator.batches.received,
    mediator.batches.settled + mediator.batches.unsettled
  )
  for (const [id, destination] of Object.entries(mediator.destinations)) {
    const { matched, filtered, sent, queued, dropped } = destination
    const accounted = filtered + sent + queued + sumOf(dropped)
    equal(`destination ${id}: matched = filtered + sent + queued + dropped`, matched, accounted)
  }
  const ofCoordinator = equations.filter(({ holds }) => !holds).map(({ name }) => `by the coordinator: ${name}`)
  return [...broken, ...ofCoordinator]
}

/**
 * Wait until nothing is under way any more: nothing held, in the window or in a queue.
 *
 * @param isDrained - false: a destination that is away may keep what it has; then the ledger only has to stand still.
 */
async function settledLedger(api: CoordinatorClient, deadlineMs: number, isDrained: boolean): Promise<PodLedger> {
  let last = ''
  let changedMs = performance.now()
  return until(
    'the ledger is settled',
    async () => {
      const ledger = await readLedger(api)
      const { window, records, messages } = ledger.collector
      if (isDrained) {
        const queued = Object.values(ledger.mediator.destinations).reduce((sum, { queued }) => sum + queued, 0)
        const isBusy =
          window.inWindow > 0 || (records.held ?? 0) > 0 || ledger.mediator.batches.unsettled > 0 || queued > 0
        return isBusy ? undefined : ledger
      }
      const seen = JSON.stringify([messages, window, ledger.mediator])
      if (seen !== last) changedMs = performance.now()
      last = seen
      return performance.now() - changedMs >= STILL_MS ? ledger : undefined
    },
    deadlineMs
  )
}

/**
 * The end of every test: all that came in is accounted for, to the unit.
 *
 * @param isFresh - neither process has been restarted since the start: then what the collector admitted is what the mediator has.
 */
export async function assertLedgerCloses(
  api: CoordinatorClient,
  options: { deadlineMs?: number; isDrained?: boolean; isFresh?: boolean } = {}
): Promise<PodLedger> {
  const ledger = await settledLedger(api, options.deadlineMs ?? 15_000, options.isDrained !== false)
  assert.deepEqual(brokenEquations(ledger), [], JSON.stringify(ledger, null, 1))
  if (options.isFresh !== false) {
    const { received, redelivered } = ledger.mediator.records
    const { admitted } = ledger.collector.window
    assert.equal(
      received - redelivered,
      admitted,
      `received by the mediator, admitted by the collector: ${JSON.stringify(ledger)}`
    )
  }
  return ledger
}
