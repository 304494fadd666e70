import type { Layout } from '@weir/ipfix'
import { keyFieldCount } from './options-key.ts'
import { recordEnd } from './record-end.ts'

/** One options record as it was last sent. Read only; `octets` is replaced, never shared, when its length changes. */
export interface OptionsRecord {
  readonly layout: Layout
  /** The record as the exporter wrote it; the first `scopeOctets` name it: its scope, and see `keyFieldCount`. */
  readonly octets: Uint8Array
  readonly scopeOctets: number
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  /** Milliseconds since 1970 UTC at which the exporter's sysUpTime was 0, or NaN. */
  readonly bootTimeMs: number
}

export interface OptionsStateLimits {
  /** Records kept of one source; above it the least recently sent goes (L-16). */
  readonly recordsPerSource: number
  /** Octets kept of all sources; above it nothing new is learned; known records still change, and go if they grow beyond it. */
  readonly totalOctets: number
}

/** The part of a LayoutTable that is used here. */
export interface LayoutKeeper {
  retain(layout: Layout): void
  release(layout: Layout): void
}

/** What became of one options record. */
export type OptionsChange = 'learned' | 'changed' | 'refreshed' | 'evicted'

/** Told of each record that is new, differs from the last one, or was evicted; refreshes are silent. */
export type OnOptionsChange = (change: OptionsChange, record: OptionsRecord) => void

export interface OptionsStateStats {
  records: number
  octets: number
  evicted: number
  /** Records not kept, or no longer, because `totalOctets` was reached. */
  refused: number
}

interface Kept {
  layout: Layout
  octets: Uint8Array
  scopeOctets: number
  exportTimeSec: number
  receivedAtMs: number
  bootTimeMs: number
  /** Chain of records with the same hash. */
  next: Kept | undefined
  hash: number
  /** Order of age within the source: a doubly linked list, oldest first. */
  newer: Kept | undefined
  older: Kept | undefined
}

interface SourceRecords {
  byHash: Map<number, Kept>
  oldest: Kept | undefined
  newest: Kept | undefined
  count: number
}

/** Memory of one record beyond its octets, estimated. */
const RECORD_OVERHEAD_OCTETS = 160

/**
 * The last options record of each (source, options Layout, scope value), as octets; identifiers that follow the scope
 * count as part of it.
 *
 * Sampling rates, boot times and names travel in options records, once in a while. Who starts later has to be told what
 * was last said: the collector keeps it for a restarted mediator, the mediator for its Programs, the store for a
 * restarted collector. A record that repeats what is known allocates nothing.
 *
 * @typeParam Source - whatever tells sources apart by identity.
 */
export class OptionsState<Source> {
  readonly stats: OptionsStateStats = { records: 0, octets: 0, evicted: 0, refused: 0 }
  readonly #sources = new Map<Source, SourceRecords>()
  readonly #limits: Partial<OptionsStateLimits>
  readonly #layouts: LayoutKeeper | undefined
  /** Unknown outside, so that nobody can choose scope values of one hash. */
  readonly #seed = Math.trunc(Math.random() * 0x3fffffff)

  /**
   * @param limits - read anew whenever they are asked about, so that getters may change them.
   * @param layouts - told of each record's Layout that is kept and no longer kept, so that it is not forgotten meanwhile.
   */
  constructor(limits: Partial<OptionsStateLimits> = {}, layouts?: LayoutKeeper) {
    this.#layouts = layouts
    this.#limits = limits
  }

  get #recordsPerSource(): number {
    return this.#limits.recordsPerSource ?? 4096
  }

  get #totalOctets(): number {
    return this.#limits.totalOctets ?? 33_554_432
  }

  /**
   * Take the records of one Data Set of an options Layout.
   *
   * @param octets - aliased during the call only.
   * @param offset - where the first record begins.
   * @param lengthOctets - of the whole records, without padding.
   * @param onChange - called for what is new or different; undefined where nobody asks.
   * @returns records read; fewer than sent only if one runs past the end, which a checked Data Set never has.
   */
  update(
    source: Source,
    layout: Layout,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    onChange?: OnOptionsChange
  ): number {
    const end = offset + lengthOctets
    const keyFields = keyFieldCount(layout.fields, layout.scopeCount)
    let records = 0
    for (let at = offset; at < end; records++) {
      const recordLimit = recordEnd(layout.fields, layout.fields.length, octets, at, end)
      if (recordLimit <= at) break
      const scopeEnd = recordEnd(layout.fields, keyFields, octets, at, recordLimit)
      this.#take(source, layout, octets, at, recordLimit, scopeEnd, exportTimeSec, receivedAtMs, bootTimeMs, onChange)
      at = recordLimit
    }
    return records
  }

  /** Records of one source, oldest first. */
  *recordsOf(source: Source): Generator<OptionsRecord> {
    for (let kept = this.#sources.get(source)?.oldest; kept !== undefined; kept = kept.newer) yield kept
  }

  /** The record of one scope value (octets as in a record), or undefined. */
  find(source: Source, layout: Layout, scopeValue: Uint8Array): OptionsRecord | undefined {
    const records = this.#sources.get(source)
    if (records === undefined) return undefined
    let kept = records.byHash.get(hashOf(this.#seed, layout, scopeValue, 0, scopeValue.length))
    while (kept !== undefined && !isSame(kept, layout, scopeValue, 0, scopeValue.length)) kept = kept.next
    return kept
  }

  sources(): IterableIterator<Source> {
    return this.#sources.keys()
  }

  /** Forget a source whose session ended. */
  forget(source: Source): void {
    const records = this.#sources.get(source)
    if (records === undefined) return
    for (let kept = records.oldest; kept !== undefined; kept = kept.newer) this.#uncount(kept)
    this.#sources.delete(source)
  }

  #take(
    source: Source,
    layout: Layout,
    octets: Uint8Array,
    start: number,
    end: number,
    scopeEnd: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    onChange: OnOptionsChange | undefined
  ): void {
    const records = this.#sources.get(source) ?? this.#addSource(source)
    const hash = hashOf(this.#seed, layout, octets, start, scopeEnd)
    let kept = records.byHash.get(hash)
    while (kept !== undefined && !isSame(kept, layout, octets, start, scopeEnd)) kept = kept.next
    if (kept === undefined) {
      if (this.stats.octets + (end - start) + RECORD_OVERHEAD_OCTETS > this.#totalOctets) {
        this.stats.refused++
        return
      }
      // Before the eviction, which may be of the only other record of this Layout.
      this.#layouts?.retain(layout)
      while (records.count >= this.#recordsPerSource) this.#evictOldest(records, onChange)
      const first = records.byHash.get(hash)
      kept = {
        layout,
        octets: copyOf(octets, start, end),
        scopeOctets: scopeEnd - start,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        next: first,
        hash,
        newer: undefined,
        older: undefined
      }
      records.byHash.set(hash, kept)
      records.count++
      this.stats.records++
      this.stats.octets += kept.octets.length + RECORD_OVERHEAD_OCTETS
      append(records, kept)
      onChange?.('learned', kept)
      return
    }
    unlink(records, kept)
    append(records, kept)
    const isChanged = !isEqual(kept.octets, octets, start, end)
    if (isChanged) {
      const grownOctets = end - start - kept.octets.length
      if (grownOctets > 0 && this.stats.octets + grownOctets > this.#totalOctets) {
        // What it said before is not true any more: better nothing than that.
        this.stats.refused++
        this.#remove(records, kept)
        onChange?.('evicted', kept)
        return
      }
      this.stats.octets += grownOctets
      kept.octets = copyOf(octets, start, end)
    }
    kept.exportTimeSec = exportTimeSec
    kept.receivedAtMs = receivedAtMs
    kept.bootTimeMs = bootTimeMs
    if (isChanged) onChange?.('changed', kept)
  }

  #addSource(source: Source): SourceRecords {
    const records: SourceRecords = { byHash: new Map(), oldest: undefined, newest: undefined, count: 0 }
    this.#sources.set(source, records)
    return records
  }

  #evictOldest(records: SourceRecords, onChange: OnOptionsChange | undefined): void {
    const oldest = records.oldest
    if (oldest === undefined) return
    this.#remove(records, oldest)
    this.stats.evicted++
    onChange?.('evicted', oldest)
  }

  #remove(records: SourceRecords, gone: Kept): void {
    unlink(records, gone)
    let kept = records.byHash.get(gone.hash)
    if (kept === gone) {
      if (gone.next === undefined) records.byHash.delete(gone.hash)
      else records.byHash.set(gone.hash, gone.next)
    } else {
      while (kept !== undefined && kept.next !== gone) kept = kept.next
      if (kept !== undefined) kept.next = gone.next
    }
    records.count--
    this.#uncount(gone)
  }

  #uncount(kept: Kept): void {
    this.#layouts?.release(kept.layout)
    this.stats.records--
    this.stats.octets -= kept.octets.length + RECORD_OVERHEAD_OCTETS
  }
}

function append(records: SourceRecords, kept: Kept): void {
  kept.older = records.newest
  kept.newer = undefined
  if (records.newest === undefined) records.oldest = kept
  else records.newest.newer = kept
  records.newest = kept
}

function unlink(records: SourceRecords, kept: Kept): void {
  if (kept.older === undefined) records.oldest = kept.newer
  else kept.older.newer = kept.newer
  if (kept.newer === undefined) records.newest = kept.older
  else kept.newer.older = kept.older
}

/** FNV-1a over the Layout's id and the scope's octets; 31 bits, so that it stays a small integer. */
function hashOf(seed: number, layout: Layout, octets: Uint8Array, start: number, end: number): number {
  let hash = Math.imul(seed ^ layout.id, 0x01000193)
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ octets[at], 0x01000193)
  return (hash ^ (hash >>> 15)) & 0x3fffffff
}

/** A copy also of a Buffer, whose own `slice` would alias. */
function copyOf(octets: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(octets.subarray(start, end))
}

function isSame(kept: Kept, layout: Layout, octets: Uint8Array, start: number, scopeEnd: number): boolean {
  if (kept.layout !== layout || kept.scopeOctets !== scopeEnd - start) return false
  for (let index = 0; index < kept.scopeOctets; index++) {
    if (kept.octets[index] !== octets[start + index]) return false
  }
  return true
}

function isEqual(known: Uint8Array, octets: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let index = 0; index < known.length; index++) if (known[index] !== octets[start + index]) return false
  return true
}
