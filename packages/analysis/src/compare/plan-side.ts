import { ColumnBatch } from '../columns/column-batch.ts'
import { ColumnReaders } from '../columns/compile-columns.ts'
import { flowColumnsOf } from '../flows/flow-columns.ts'
import { RunNormaliser } from '../input/run-normaliser.ts'
import { elementsNamed } from '../record-table/element-names.ts'
import { filterOf } from '../record-table/filter-text.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { IpfixPlan } from '@weir/mediation'
import type { FlowRun } from '../input/flow-run.ts'
import type { NormalRecords } from '../input/run-normaliser.ts'
import type { CompareReport } from './compare-schema.ts'
import type { PlanParams } from './compare-params.ts'

const counters = flowColumnsOf('octets', 'packets', 'flows', 'rate')

/** One Plan at work: what it makes of one record after the other, and what that adds up to. */
export class PlanSide {
  readonly #normaliser: RunNormaliser
  readonly #readers = new ColumnReaders(counters)
  readonly #batch = new ColumnBatch(counters, 1)
  readonly #totals = { records: 0, octets: 0, packets: 0, flows: 0, estimatedOctets: 0, estimatedPackets: 0 }
  #written: NormalRecords | undefined

  /** @throws CodedError TASK_PARAMS if the filter or a field cannot be read. */
  constructor(params: PlanParams, registry: ElementRegistry) {
    this.#normaliser = new RunNormaliser(planOf(params, registry), registry)
  }

  get totals(): CompareReport['totals']['a'] {
    return { ...this.#totals, unreadable: this.#normaliser.failedRecords }
  }

  /** @param run - of one record. @returns what is written of it, until the next call; undefined if nothing is. */
  write(run: FlowRun): NormalRecords | undefined {
    this.#written = undefined
    this.#normaliser.run(run, this.#take)
    return this.#written
  }

  readonly #take = (normal: NormalRecords): void => {
    this.#written = normal
    const batch = this.#batch
    const totals = this.#totals
    batch.clear()
    this.#readers.of(normal.layout!).read(normal.view, 0, normal.endOffset, batch)
    const [octets, packets, flows, rate] = batch.columns
    const factor = rate.float64[0] > 0 ? rate.float64[0] : 1
    totals.records++
    totals.octets += octets.float64[0]
    totals.packets += packets.float64[0]
    totals.flows += flows.float64[0] > 0 ? flows.float64[0] : 1
    totals.estimatedOctets += octets.float64[0] * factor
    totals.estimatedPackets += packets.float64[0] * factor
  }
}

function planOf(
  { filter, fields, timestamps = 'milliseconds', lineage = true, sampling = true }: PlanParams,
  registry: ElementRegistry
): IpfixPlan {
  return {
    kind: 'ipfix',
    timestamps,
    lineage,
    sampling,
    filter: typeof filter === 'string' ? filterOf(filter, registry) : undefined,
    fields: fields === null || fields === undefined ? undefined : elementsNamed(fields, registry)
  }
}
