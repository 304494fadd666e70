import { ElementRegistry } from '@weir/ipfix'
import { ProgramCache } from '@weir/mediation'
import { silentLog, systemClock } from '@weir/runtime'
import { validateDestination, resolveConfig } from '@weir/config'
import { DestinationSet } from '../../src/destinations/destination-set.ts'
import { Intake } from '../../src/intake.ts'
import { checkLedger } from '../../src/ledger.ts'
import { programsOf } from '../../src/programs.ts'
import assert from 'node:assert/strict'
import type { Destination as DestinationConfig, TargetPolicy, WeirConfig } from '@weir/config'
import type { Clock } from '@weir/runtime'
import type { MediatorLedger } from '../../src/ledger.ts'
import type { ModeBook } from '../../src/destinations/mode-book.ts'
import type { Lookup } from '../../src/outputs/guarded-lookup.ts'
import type { MakeSegmentSender } from '../../src/outputs/udp-output.ts'
import type { DestinationDeps } from '../../src/destinations/destination.ts'
import type { Writable } from 'node:stream'
import type { TestBatch } from './batches.ts'

export const registry = ElementRegistry.standard()

export interface RigOptions {
  readonly clock?: Clock
  readonly makeSegmentSender?: MakeSegmentSender | undefined
  readonly stdout?: Writable
  readonly drainMs?: number
  readonly compileAfterRecords?: number
  readonly targets?: TargetPolicy
  readonly lookup?: Lookup
  readonly modes?: ModeBook
  readonly onChange?: DestinationDeps['onChange']
}

export const defaults: WeirConfig = resolveConfig({}, { source: 'test' }).config

/** A destination with all its defaults. */
export function destinationOf(value: Record<string, unknown>): DestinationConfig {
  const { destination, issues } = validateDestination(value, defaults)
  assert.deepEqual(issues, [])
  return destination!
}

/** Intake and destinations without the link: batches are pushed in. */
export class Rig {
  readonly programs: ProgramCache
  readonly destinations: DestinationSet
  readonly intake: Intake
  readonly batches: TestBatch[] = []

  constructor(options: RigOptions = {}) {
    this.programs = new ProgramCache({ registry, compileAfterRecords: options.compileAfterRecords ?? 0 })
    this.destinations = new DestinationSet({
      clock: options.clock ?? systemClock,
      log: silentLog(),
      plan: defaults.mediator.plan,
      registry,
      stdout: options.stdout ?? process.stdout,
      targets: options.targets,
      lookup: options.lookup,
      ...(options.modes === undefined ? {} : { modes: options.modes }),
      ...(options.onChange === undefined ? {} : { onChange: options.onChange }),
      maxTemplates: defaults.mediator.limits.templatesPerDestination,
      drainMs: () => options.drainMs ?? 2_000,
      maxQueueOctets: defaults.link.bufferOctets / 2,
      programsFor: plan => programsOf(this.programs, plan),
      optionsSnapshot: () => this.intake.optionsSnapshot(),
      segmentSender: () => options.makeSegmentSender
    })
    this.intake = new Intake(
      held => this.destinations.deliver(held),
      () => this.destinations.repeatOptions()
    )
  }

  add(value: Record<string, unknown>, isLive = false): void {
    this.destinations.add(destinationOf(value), isLive)
  }

  push(...batches: TestBatch[]): void {
    for (const batch of batches) {
      this.batches.push(batch)
      this.intake.onBatch(batch)
    }
  }

  /** All batches pushed so far are settled. */
  async settled(): Promise<void> {
    await Promise.all(this.batches.map(({ settled }) => settled))
  }

  get ledger(): MediatorLedger {
    const { receivedBatches, settledBatches, unsettledBatches, receivedRecords, redeliveredRecords } = this.intake
    return {
      records: { received: receivedRecords, redelivered: redeliveredRecords },
      batches: { received: receivedBatches, settled: settledBatches, unsettled: unsettledBatches },
      destinations: this.destinations.ledgers
    }
  }

  /** The ledger closes. */
  check(): void {
    assert.deepEqual(checkLedger(this.ledger), [])
  }

  async stop(deadlineMs = 2_000): Promise<void> {
    await this.destinations.stop(deadlineMs)
    this.check()
  }
}
