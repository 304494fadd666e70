import { PeerError } from '@weir/runtime'
import { Tap } from './tap.ts'
import type { Layout } from '@weir/ipfix'
import type { Plan, ProgramCache } from '@weir/mediation'
import type { Clock } from '@weir/runtime'
import type { HeldBatch } from '../held-batch.ts'
import type { TapCounts, TapRequest } from './tap.ts'

/** L-78: taps at once. */
const MAX_TAPS = 32
/** A tap that nobody has read for so long is closed: its reader is gone. */
const LEASE_MS = 10_000
/** The part of the time that all taps together may take from the data path, and how much of it can be saved up. */
const TIME_SHARE = 0.02
const MOST_SAVED_MS = 50
const ENTRIES_A_LOOK = 8

/** What a reader gets at once. */
export interface TapAnswer {
  /** Lines of JSON, each with its line feed, in UTF-8. */
  readonly lines: Uint8Array
  readonly counts: TapCounts
  /** All that was wanted has been shown, and is read. */
  readonly isDone: boolean
}

const nothing = new Uint8Array(0)

export interface TapSetDeps {
  readonly clock: Clock
  readonly programs: ProgramCache
  /** Plan of a destination; undefined: there is none of this id. */
  readonly planOf: (destination: string) => Plan | undefined
}

/**
 * The taps of one mediator. While none is open they cost the data path one look at a flag; what they take of its time otherwise has an
 * end: then records go by unseen, and are counted.
 */
export class TapSet {
  /** Some tap wants records as they come from the collector. */
  hasIntakeTaps = false
  /** Some tap wants records as they are encoded. */
  hasDestinationTaps = false
  /** Lines shown, and records lost to slow readers, by all taps that were. */
  shown = 0
  dropped = 0
  readonly #deps: TapSetDeps
  readonly #taps = new Map<string, Tap>()
  #leftMs = MOST_SAVED_MS
  #filledAtMs: number
  #turn = 0

  constructor(deps: TapSetDeps) {
    this.#deps = deps
    this.#filledAtMs = deps.clock.monotonicMs()
  }

  get size(): number {
    return this.#taps.size
  }

  /** @throws PeerError DESTINATION_UNKNOWN; TAP_LIMIT if as many are open as may be. */
  open(request: TapRequest): void {
    const { destination, id } = request
    const { clock, programs, planOf } = this.#deps
    if (destination !== undefined && planOf(destination) === undefined) {
      throw new PeerError('DESTINATION_UNKNOWN', `there is no destination ${destination}`, { id: destination })
    }
    if (this.#taps.size >= MAX_TAPS) {
      throw new PeerError('TAP_LIMIT', `${MAX_TAPS} taps are open already; end one of them`, { id })
    }
    this.#taps.set(id, new Tap(request, programs, clock.monotonicMs()))
    this.#look()
  }

  /**
   * What a tap has shown since it was read last.
   *
   * @param isTaken - false: only that the reader is alive, and how it stands.
   * @param waitMs - how long to wait for something to come.
   * @throws PeerError TAP_UNKNOWN
   */
  async read(id: string, isTaken: boolean, waitMs: number): Promise<TapAnswer> {
    const tap = this.#tap(id)
    const { clock } = this.#deps
    tap.lastReadMs = clock.monotonicMs()
    if (isTaken && waitMs > 0) {
      await tap.wait(clock, waitMs)
      tap.lastReadMs = clock.monotonicMs()
    }
    const lines = isTaken ? tap.take() : nothing
    return { lines, counts: tap.counts, isDone: tap.isDone && isTaken }
  }

  /** Closes one; one that is not there is closed already. */
  close(id: string): void {
    const tap = this.#taps.get(id)
    if (tap === undefined) return
    this.#taps.delete(id)
    this.shown += tap.counts.shown
    this.dropped += tap.counts.dropped
    tap.close()
    this.#look()
  }

  /** A few times a second. */
  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    for (const [id, { lastReadMs }] of this.#taps) if (nowMs - lastReadMs > LEASE_MS) this.close(id)
  }

  forgetLayout(layout: Layout): void {
    for (const tap of this.#taps.values()) tap.forgetLayout(layout)
  }

  /** A batch comes from the collector. Only if {@link hasIntakeTaps}. */
  onBatch(held: HeldBatch): void {
    const startMs = this.#begin()
    for (const tap of this.#inTurn()) {
      const { destination, exporter } = tap.request
      if (destination !== undefined) continue
      let isSpent = this.#isSpent(startMs)
      if (exporter === undefined && (isSpent || tap.passes(held.records, startMs))) {
        if (isSpent) tap.leave(held.records)
        continue
      }
      for (let entry = 0; entry < held.entries; entry++) {
        if (!tap.wants(held, entry) || tap.passes(held.entryRecords[entry]!, startMs)) continue
        // A look at the clock costs as much as one at several records.
        if (!isSpent && entry % ENTRIES_A_LOOK === 0) isSpent = this.#isSpent(startMs)
        const from = held.offsets[entry]!
        if (isSpent) tap.leave(held.entryRecords[entry]!)
        else tap.look(held, entry, from, from + held.lengths[entry]!, undefined, startMs)
      }
    }
    this.#end(startMs)
  }

  /** Records of an entry were encoded for a destination. Only if {@link hasDestinationTaps}. */
  onEncoded(destination: string, held: HeldBatch, entry: number, from: number, to: number): void {
    if (held.isRepeat || to <= from) return
    const startMs = this.#begin()
    for (const tap of this.#inTurn()) {
      if (tap.request.destination !== destination || !tap.wants(held, entry)) continue
      const plan = this.#deps.planOf(destination)
      if (plan === undefined) continue
      // How many there are in a part of an entry would have to be counted.
      if (this.#isSpent(startMs))
        tap.leave(Math.round((held.entryRecords[entry]! * (to - from)) / held.lengths[entry]!))
      else tap.look(held, entry, from, to, plan, startMs)
    }
    this.#end(startMs)
  }

  #begin(): number {
    const nowMs = this.#deps.clock.monotonicMs()
    this.#leftMs = Math.min(MOST_SAVED_MS, this.#leftMs + (nowMs - this.#filledAtMs) * TIME_SHARE)
    this.#filledAtMs = nowMs
    return nowMs
  }

  #isSpent(startMs: number): boolean {
    return this.#deps.clock.monotonicMs() - startMs >= this.#leftMs
  }

  #end(startMs: number): void {
    this.#leftMs -= this.#deps.clock.monotonicMs() - startMs
  }

  /** Each time another one is first, so that none is always left out. */
  *#inTurn(): Generator<Tap> {
    const taps = [...this.#taps.values()]
    const first = this.#turn++ % taps.length
    for (let index = 0; index < taps.length; index++) yield taps[(first + index) % taps.length]!
  }

  #look(): void {
    const taps = [...this.#taps.values()]
    this.hasIntakeTaps = taps.some(({ request }) => request.destination === undefined)
    this.hasDestinationTaps = taps.some(({ request }) => request.destination !== undefined)
  }

  #tap(id: string): Tap {
    const tap = this.#taps.get(id)
    if (tap === undefined) throw new PeerError('TAP_UNKNOWN', `there is no tap ${id}`, { id })
    return tap
  }
}
