import { RunNormaliser } from '../input/run-normaliser.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { JsonPlan } from '@weir/mediation'
import type { FlowRun } from '../input/flow-run.ts'
import type { NormalRecords } from '../input/run-normaliser.ts'
import type { OutputFile } from '../output/output-file.ts'

/** Records as JSON, one object a line, by the compiled Program that JSON destinations use. */
export class NdjsonWriter {
  readonly #file: OutputFile
  readonly #normaliser: RunNormaliser

  constructor(plan: JsonPlan, file: OutputFile, registry: ElementRegistry) {
    this.#file = file
    this.#normaliser = new RunNormaliser(plan, registry)
  }

  /** Records whose line is too long. */
  get failedRecords(): number {
    return this.#normaliser.failedRecords
  }

  get filteredRecords(): number {
    return this.#normaliser.filteredRecords
  }

  /** Data Records, or records of options. */
  run(run: FlowRun): void {
    this.#normaliser.run(run, this.#take)
  }

  readonly #take = ({ octets, endOffset }: NormalRecords): void => this.#file.write(octets, 0, endOffset)
}
