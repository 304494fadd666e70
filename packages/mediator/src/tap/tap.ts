import { compileSelector, recordEnd } from '@weir/mediation'
import { DestinationContext } from '../destinations/entry-context.ts'
import { RecordSampler } from './record-sampler.ts'
import type { Layout } from '@weir/ipfix'
import type { Cursor, Filter, JsonPlan, Plan, ProgramCache, Selector } from '@weir/mediation'
import type { Clock } from '@weir/runtime'
import type { HeldBatch } from '../held-batch.ts'

/** What somebody wants to see. */
export interface TapRequest {
  readonly id: string
  /** undefined: all records, options records too; with one, Data Records that match. */
  readonly filter: Filter | undefined
  /** Only records of this exporter. */
  readonly exporter: string | undefined
  /** Records as they are encoded for this destination; undefined: as they come from the collector. */
  readonly destination: string | undefined
  /** Records a second at most. */
  readonly rate: number
  /** Records in all; then it is done. */
  readonly limit: number
}

/**
 * What became of the records that went by: `passed = unmatched + matched + unasked` and `matched = shown + skipped + dropped`.
 */
export interface TapCounts {
  /** Of its exporter and destination. */
  readonly passed: number
  readonly matched: number
  /** Went by while the taps had used up their share of the time: not looked at. */
  readonly unasked: number
  readonly shown: number
  /** Left out to keep the rate. */
  readonly skipped: number
  /** No room: the reader is slow; or no text could be made. */
  readonly dropped: number
}

/** What is kept for the reader: about a second of what is shown. */
const LEAST_BUFFER_OCTETS = 262_144
const MOST_BUFFER_OCTETS = 4_194_304
const RECORD_OCTETS = 420
/** A Layout that so many records came of is worth a compilation (TH-45). */
const COMPILE_AFTER_RECORDS = 1_000
const MAX_LAYOUTS = 1_024

interface Asked {
  readonly layout: Layout
  own: Selector | undefined
  destination: Selector | undefined
  records: number
  isCompiled: boolean
}

/** One tap: shows a sample of the records that go by, as lines of JSON in a buffer that has an end. */
export class Tap {
  readonly request: TapRequest
  readonly #programs: ProgramCache
  readonly #sampler: RecordSampler
  readonly #context: DestinationContext
  readonly #cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  readonly #buffer: Buffer<ArrayBuffer>
  readonly #view: DataView
  readonly #layouts = new Map<Layout, Asked>()
  #used = 0
  #entryTemplates: ReadonlyMap<number, Layout> | undefined
  #plan: JsonPlan = { kind: 'json', numbers64: 'number', lineage: true, sampling: true }
  #planOf: Plan | undefined
  #passed = 0
  #matched = 0
  #unasked = 0
  #shown = 0
  #skipped = 0
  #dropped = 0
  #onLine: (() => void) | undefined
  lastReadMs: number

  constructor(request: TapRequest, programs: ProgramCache, nowMs: number) {
    this.request = request
    this.#programs = programs
    this.#sampler = new RecordSampler(request.rate, nowMs)
    const octets = Math.min(MOST_BUFFER_OCTETS, Math.max(LEAST_BUFFER_OCTETS, request.rate * RECORD_OCTETS))
    this.#buffer = Buffer.from(new ArrayBuffer(octets))
    this.#view = new DataView(this.#buffer.buffer)
    this.lastReadMs = nowMs
    this.#context = new DestinationContext({
      exportedId: templateId => templateId,
      layoutOf: templateId => this.#entryTemplates?.get(templateId)
    })
  }

  get counts(): TapCounts {
    return {
      passed: this.#passed,
      matched: this.#matched,
      unasked: this.#unasked,
      shown: this.#shown,
      skipped: this.#skipped,
      dropped: this.#dropped
    }
  }

  /** All that was wanted is shown. */
  get isDone(): boolean {
    return this.#shown >= this.request.limit
  }

  wants(held: HeldBatch, entry: number): boolean {
    const { exporter } = this.request
    return !this.isDone && (exporter === undefined || held.sources[entry]!.exporterId === exporter)
  }

  /** Records went by that are not looked at. */
  leave(records: number): void {
    this.#passed += records
    this.#unasked += records
  }

  /** Whether so many records can go by without a look: all are meant, and none of them is to be shown. Then they are counted. */
  passes(records: number, nowMs: number): boolean {
    if (this.request.filter !== undefined || !this.#sampler.passAll(records, nowMs)) return false
    this.#passed += records
    this.#matched += records
    this.#skipped += records
    return true
  }

  /**
   * Look at records of one entry.
   *
   * @param destination - Plan of the destination whose records they are; undefined: they come from the collector.
   */
  look(held: HeldBatch, entry: number, from: number, to: number, destination: Plan | undefined, nowMs: number): void {
    const layout = held.layouts[entry]!
    const { filter } = this.request
    this.#context.fill(held, entry)
    this.#entryTemplates = held.contexts[entry]
    this.#takePlan(destination)
    const asked = this.#askedOf(layout, destination)
    const isOptions = layout.scopeCount > 0
    for (let at = from; at < to && !this.isDone;) {
      const end = recordEnd(layout, held.octets, at, to)
      this.#passed++
      asked.records++
      const isWanted =
        (filter === undefined || !isOptions) &&
        (asked.destination?.(held.octets, at, end, this.#context) ?? true) &&
        (asked.own?.(held.octets, at, end, this.#context) ?? true)
      if (isWanted) {
        this.#matched++
        if (this.#sampler.take(nowMs)) this.#show(held, layout, at, end, nowMs)
        else this.#skipped++
      }
      at = end
    }
  }

  /**
   * Take what is there.
   *
   * @returns lines of JSON, each with its line feed, in UTF-8; a copy.
   */
  take(): Uint8Array {
    const lines = Uint8Array.prototype.slice.call(this.#buffer, 0, this.#used)
    this.#used = 0
    return lines
  }

  /** Resolves when there is something to take, or after a time, or when the tap is closed. One waits at a time. */
  async wait(clock: Clock, waitMs: number): Promise<void> {
    this.#onLine?.()
    if (this.#used > 0 || this.isDone) return
    await new Promise<void>(resolve => {
      const end = (): void => {
        timer.cancel()
        if (this.#onLine === end) this.#onLine = undefined
        resolve()
      }
      const timer = clock.setTimer(waitMs, end)
      this.#onLine = end
    })
  }

  close(): void {
    this.#onLine?.()
    this.#layouts.clear()
  }

  forgetLayout(layout: Layout): void {
    this.#layouts.delete(layout)
  }

  #show(held: HeldBatch, layout: Layout, at: number, end: number, nowMs: number): void {
    const cursor = this.#cursor
    try {
      const program = this.#programs.get(layout, this.#plan, this.#context, nowMs)
      program.run(
        held.octets,
        held.view,
        at,
        end,
        this.#buffer,
        this.#view,
        this.#used,
        this.#buffer.length,
        this.#context,
        cursor
      )
    } catch {
      // A destination would give the record up and say so; here it is only not shown.
      cursor.records = 0
    }
    if (cursor.records === 0) {
      this.#dropped++
      return
    }
    this.#used = cursor.out
    this.#shown++
    this.#onLine?.()
  }

  #takePlan(destination: Plan | undefined): void {
    if (destination === this.#planOf) return
    this.#planOf = destination
    this.#layouts.clear()
    if (destination === undefined) return
    const { timestamps, lineage, sampling } = destination
    const numbers64 = destination.kind === 'json' ? destination.numbers64 : 'number'
    this.#plan = { kind: 'json', numbers64, lineage, sampling, ...(timestamps === undefined ? {} : { timestamps }) }
  }

  #askedOf(layout: Layout, destination: Plan | undefined): Asked {
    const { filter } = this.request
    const known = this.#layouts.get(layout)
    if (known !== undefined && (known.isCompiled || known.records < COMPILE_AFTER_RECORDS)) return known
    if (known === undefined && this.#layouts.size >= MAX_LAYOUTS) this.#layouts.clear()
    const isCompiled = known !== undefined
    const select = (each: Filter | undefined): Selector | undefined =>
      each === undefined ? undefined : compileSelector(each, layout, isCompiled)
    const asked: Asked = {
      layout,
      own: select(filter),
      destination: select(destination?.filter),
      records: known?.records ?? 0,
      isCompiled
    }
    this.#layouts.set(layout, asked)
    return asked
  }
}
