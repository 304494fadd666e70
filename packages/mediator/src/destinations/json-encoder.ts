import { recordEnd } from '@weir/mediation'
import { DestinationContext } from './entry-context.ts'
import type { Cursor } from '@weir/mediation'
import type { Layout } from '@weir/ipfix'
import type { Clock } from '@weir/runtime'
import type { HeldBatch } from '../held-batch.ts'
import type { Programs } from '../programs.ts'
import type { Chunk } from './chunk.ts'
import type { Encoder, EncoderState, OnDefect, Progress } from './encoder.ts'

const noTemplates: EncoderState = { templates: 0, messages: 0, withdrawals: 0, domains: [] }

/** Entries to JSON lines: one object a record, each line whole within its chunk. */
export class JsonEncoder implements Encoder {
  readonly progress: Progress = { offset: 0, isChunkFull: false }
  readonly hasAnnouncements = false
  readonly state = noTemplates
  #programs: Programs
  readonly #context: DestinationContext
  readonly #cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }

  readonly #clock: Clock
  #entryTemplates: ReadonlyMap<number, Layout> | undefined

  readonly #onDefect: OnDefect

  /** @param onDefect - told of what a Program threw; its records are given up. */
  constructor(programs: Programs, clock: Clock, onDefect: OnDefect) {
    this.#onDefect = onDefect
    this.#programs = programs
    this.#clock = clock
    this.#context = new DestinationContext({
      // Text names a template as the exporter did: nothing announces another id for it.
      exportedId: templateId => templateId,
      layoutOf: templateId => this.#entryTemplates?.get(templateId)
    })
  }

  /** Go on with another Plan. */
  configure(programs: Programs): void {
    this.#programs = programs
  }

  beginSession(): void {}

  announce(): boolean {
    return true
  }

  encode(held: HeldBatch, entry: number, offset: number, chunk: Chunk): void {
    const { progress } = this
    progress.isChunkFull = false
    progress.offset = offset
    const end = held.offsets[entry]! + held.lengths[entry]!
    try {
      this.#encodeEntry(held, entry, end, chunk)
    } catch (error) {
      // As in IPFIX: the entry is lost, and counted, not the process.
      this.#onDefect(error)
      for (let at = progress.offset; at < end; at = recordEnd(held.layouts[entry]!, held.octets, at, end)) {
        if (!held.isRepeat) chunk.failedRecords++
      }
      progress.offset = end
    }
  }

  #encodeEntry(held: HeldBatch, entry: number, end: number, chunk: Chunk): void {
    const { progress } = this
    const cursor = this.#cursor
    const layout = held.layouts[entry]!
    this.#context.fill(held, entry)
    this.#entryTemplates = held.contexts[entry]
    const program = this.#programs.get(layout, this.#context, this.#clock.monotonicMs())
    let at = progress.offset
    while (at < end) {
      progress.offset = at
      const { octets, view } = chunk
      program.run(held.octets, held.view, at, end, octets, view, chunk.end, octets.length, this.#context, cursor)
      if (cursor.in > at) {
        chunk.end = cursor.out
        chunk.filteredRecords += cursor.filtered
        if (held.isRepeat) chunk.repeatedRecords += cursor.records
        else chunk.records += cursor.records
        at = cursor.in
      } else if (chunk.end > 0) {
        progress.isChunkFull = true
        break
      } else {
        at = recordEnd(layout, held.octets, at, end)
        if (!held.isRepeat) chunk.tooBigRecords++
      }
    }
    progress.offset = at
  }

  finish(): void {}

  tick(): void {}

  takeOptionsRefresh(): boolean {
    return false
  }

  resendTemplates(): void {}

  forgetLayout(): void {}
}
