import { ProgramCache } from '@weir/mediation'
import { FakeClock } from '@weir/runtime'
import { Chunk } from '../../src/destinations/chunk.ts'
import { IpfixEncoder } from '../../src/destinations/ipfix/ipfix-encoder.ts'
import { Intake } from '../../src/intake.ts'
import { programsOf } from '../../src/programs.ts'
import { registry } from './rig.ts'
import { StrictReader } from './strict-reader.ts'
import type { Plan } from '@weir/mediation'
import type { IpfixEncoderConfig } from '../../src/destinations/ipfix/ipfix-encoder-config.ts'
import type { Programs } from '../../src/programs.ts'
import type { HeldBatch } from '../../src/held-batch.ts'
import type { TestBatch } from './batches.ts'

export const plainPlan: Plan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: false, sampling: false }
export const fullPlan: Plan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: true, sampling: true }

/** An encoder with a reader behind it and no socket between. */
export class Bench {
  readonly clock = new FakeClock()
  readonly encoder: IpfixEncoder
  /** Tests may put another `get` here. */
  readonly programs: Programs & { get: Programs['get'] }
  readonly reader: StrictReader
  readonly defects: unknown[] = []
  tooBig = 0
  failed = 0
  filtered = 0
  records = 0
  readonly #intake: Intake
  readonly #chunkOctets: number

  constructor(config: Partial<IpfixEncoderConfig> = {}, plan = plainPlan, chunkOctets = 200_000) {
    this.#chunkOctets = chunkOctets
    this.programs = { ...programsOf(new ProgramCache({ registry, compileAfterRecords: 0 }), plan) }
    const transport = config.transport ?? 'tcp'
    this.encoder = new IpfixEncoder(
      {
        transport,
        observationDomainId: 0,
        maxMessageOctets: transport === 'udp' ? 484 : 16_384,
        longestMessageOctets: transport === 'udp' ? 65_507 : 65_535,
        templateCopies: 3,
        templateRefreshMs: 600_000,
        optionsRefreshMs: 600_000,
        templateIdleMs: 3_600_000,
        maxTemplates: 4_096,
        ...config
      },
      this.programs,
      this.clock,
      error => this.defects.push(error)
    )
    this.reader = new StrictReader(transport)
    this.#intake = new Intake(held => this.#encode(held))
    this.encoder.beginSession()
  }

  /** Encode all of a batch; the reader has read it when this returns. */
  write(batch: TestBatch): void {
    this.#intake.onBatch(batch)
  }

  /** What is due without records. */
  tick(): void {
    this.encoder.tick()
    let isDone = !this.encoder.hasAnnouncements
    while (!isDone) {
      const chunk = new Chunk(this.#chunkOctets)
      isDone = this.encoder.announce(chunk)
      this.#take(chunk)
    }
  }

  #encode(held: HeldBatch): void {
    const { encoder } = this
    let chunk = new Chunk(this.#chunkOctets)
    for (let entry = 0; entry < held.entries; entry++) {
      const end = held.offsets[entry]! + held.lengths[entry]!
      for (let at = held.offsets[entry]!; at < end; at = encoder.progress.offset) {
        encoder.encode(held, entry, at, chunk)
        if (!encoder.progress.isChunkFull) continue
        this.#take(chunk)
        chunk = new Chunk(this.#chunkOctets)
      }
    }
    this.#take(chunk)
  }

  #take(chunk: Chunk): void {
    this.encoder.finish(chunk)
    this.reader.readAll(chunk.octets.subarray(0, chunk.end))
    this.tooBig += chunk.tooBigRecords
    this.failed += chunk.failedRecords
    this.filtered += chunk.filteredRecords
    this.records += chunk.records
  }
}
