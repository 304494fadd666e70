import { ColumnBatch } from '../columns/column-batch.ts'
import { ColumnReaders } from '../columns/compile-columns.ts'
import { RunNormaliser } from '../input/run-normaliser.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { IpfixPlan } from '@weir/mediation'
import type { FlowRun } from '../input/flow-run.ts'
import type { NormalRecords } from '../input/run-normaliser.ts'
import type { TableColumn, ValueType } from './table-column.ts'

/** Values of a batch take this much at most, however many columns there are. */
const BATCH_OCTETS = 64 * 1024 * 1024
const OCTETS_PER_VALUE = 17
const MAX_ROWS = 65_536
const MIN_ROWS = 1_024

/** Who takes the rows of a table. */
export interface RowSink {
  /** Rows of a batch at most; undefined: as many as are good for large columns. */
  readonly mostRows?: number
  /** Rows 0..batch.rows; the batch is cleared afterwards. */
  rows(batch: ColumnBatch): void
}

/** Runs into rows of a table, a batch at a time. */
export class TableReader {
  readonly #normaliser: RunNormaliser
  readonly #readers: ColumnReaders
  readonly #batch: ColumnBatch
  readonly #sink: RowSink
  readonly #types: readonly ValueType[]

  constructor(columns: readonly TableColumn[], plan: IpfixPlan, registry: ElementRegistry, sink: RowSink) {
    const wanted = columns.map(column => column.wanted)
    const room = Math.floor(BATCH_OCTETS / (OCTETS_PER_VALUE * Math.max(1, wanted.length)))
    this.#normaliser = new RunNormaliser(plan, registry)
    this.#readers = new ColumnReaders(wanted)
    this.#batch = new ColumnBatch(wanted, Math.min(sink.mostRows ?? MAX_ROWS, Math.max(MIN_ROWS, room)))
    this.#sink = sink
    this.#types = columns.map(({ type }) => type)
  }

  /** Records that could not be normalised. */
  get failedRecords(): number {
    return this.#normaliser.failedRecords
  }

  get filteredRecords(): number {
    return this.#normaliser.filteredRecords
  }

  run(run: FlowRun): void {
    this.#normaliser.run(run, this.#take)
  }

  /** Give what is left. */
  end(): void {
    if (this.#batch.rows > 0) this.#give()
  }

  #give(): void {
    const batch = this.#batch
    for (const [index, type] of this.#types.entries()) {
      const { kind, present, float64, uint32 } = batch.columns[index]
      // A rate that is not known is no value, nor is a boolean that is neither 1 (true) nor 2 (false).
      if (kind === 'samplingRate') for (let row = 0; row < batch.rows; row++) present[row] = float64[row] > 0 ? 1 : 0
      else if (type === 'boolean') {
        for (let row = 0; row < batch.rows; row++) if (uint32[row] !== 1 && uint32[row] !== 2) present[row] = 0
      }
    }
    this.#sink.rows(batch)
    batch.clear()
  }

  readonly #take = ({ layout, view, endOffset }: NormalRecords): void => {
    const reader = this.#readers.of(layout!)
    const batch = this.#batch
    for (let at = 0; at < endOffset;) {
      at = reader.read(view, at, endOffset, batch)
      if (!batch.isFull) return
      this.#give()
    }
  }
}
