import { ColumnBatch } from '../columns/column-batch.ts'
import { ColumnReaders } from '../columns/compile-columns.ts'
import { RunNormaliser } from '../input/run-normaliser.ts'
import { FlowColumns, flowColumnsWanted, ipv6AddressesWanted } from './flow-columns.ts'
import type { ElementRegistry, Layout } from '@weir/ipfix'
import type { Filter } from '@weir/mediation'
import type { FlowRun } from '../input/flow-run.ts'
import type { NormalRecords } from '../input/run-normaliser.ts'

/**
 * Makes columns of runs: normalises them, reads what is counted, and tells whenever a batch is full.
 *
 * A batch mixes records of several runs; {@link flush} gives what is left.
 */
export class FlowReader {
  readonly columns = new FlowColumns()
  /** Of the runs that are read from now on; see {@link FlowColumns.domains}. */
  domainNumber = 0
  readonly #normaliser: RunNormaliser
  readonly #readers = new ColumnReaders(flowColumnsWanted)
  readonly #ipv6Readers = new ColumnReaders(ipv6AddressesWanted)
  readonly #ipv6 = new ColumnBatch(ipv6AddressesWanted, this.columns.batch.capacity)
  readonly #onColumns: (columns: FlowColumns) => void
  readonly #onNormal = (normal: NormalRecords): void => this.#read(normal)

  /** @param filter - which Data Records are read; all if left out. */
  constructor(registry: ElementRegistry, onColumns: (columns: FlowColumns) => void, filter?: Filter) {
    const columns = [...flowColumnsWanted, ...ipv6AddressesWanted]
    const fields = [...columns.flatMap(({ elements }) => elements), ...samplingElements]
    const plan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: false, sampling: true, fields, filter } as const
    this.#normaliser = new RunNormaliser(plan, registry)
    this.#onColumns = onColumns
  }

  /** Records that the filter left out. */
  get filteredRecords(): number {
    return this.#normaliser.filteredRecords
  }

  /** Records that no Program could write. */
  get failedRecords(): number {
    return this.#normaliser.failedRecords
  }

  read(run: FlowRun): void {
    this.#normaliser.run(run, this.#onNormal)
  }

  flush(): void {
    const { batch } = this.columns
    if (batch.rows === 0) return
    this.columns.complete()
    this.#onColumns(this.columns)
    batch.clear()
  }

  #read({ layout, view, endOffset, context }: NormalRecords): void {
    if (layout === undefined) return
    const { batch, exportMs, domains } = this.columns
    const reader = this.#readers.of(layout)
    for (let offset = 0; offset < endOffset;) {
      const from = batch.rows
      const next = reader.read(view, offset, endOffset, batch)
      exportMs.fill(context.exportTimeSec * 1000, from, batch.rows)
      domains.fill(this.domainNumber, from, batch.rows)
      if (hasBothFamilies(layout)) this.#chooseFamily(layout, view, offset, next, from)
      if (next === offset && batch.rows === from && !batch.isFull) return
      offset = next
      if (batch.isFull) this.flush()
    }
  }

  /** A record of both families means the one that is not 0. */
  #chooseFamily(layout: Layout, view: DataView, offset: number, endOffset: number, from: number): void {
    const ipv6 = this.#ipv6
    ipv6.clear()
    this.#ipv6Readers.of(layout).read(view, offset, endOffset, ipv6)
    const { source, destination } = this.columns
    for (const [index, column] of [source, destination].entries()) {
      const { octets } = ipv6.columns[index]
      for (let row = 0; row < ipv6.rows; row++) {
        const at = 16 * (from + row)
        if (column.octetsView.getUint32(at + 12) !== 0 || isZero(octets, 16 * row)) continue
        column.octets.set(octets.subarray(16 * row, 16 * (row + 1)), at)
      }
    }
  }
}

/** samplingPacketInterval and -Space, where the record has its own. */
const samplingElements = [305, 306].map(id => ({ pen: 0, id }))

const bothFamilies = new WeakMap<Layout, boolean>()

function hasBothFamilies(layout: Layout): boolean {
  const known = bothFamilies.get(layout)
  if (known !== undefined) return known
  const has = (wanted: number): boolean => layout.fields.some(({ pen, id }) => pen === 0 && id === wanted)
  const answer = (has(8) && has(27)) || (has(12) && has(28))
  bothFamilies.set(layout, answer)
  return answer
}

function isZero(octets: Uint8Array, at: number): boolean {
  for (let n = 0; n < 16; n++) if (octets[at + n] !== 0) return false
  return true
}
