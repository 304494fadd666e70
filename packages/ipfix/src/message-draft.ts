import type { FaultCode } from './faults.ts'
import type { Layout, LayoutTable } from './layout.ts'
import type { TemplateDoubt, TemplateEntry, TemplateTable } from './template-table.ts'

/** Kinds of steps in a {@link MessageDraft}. */
export const stepKinds = {
  /** A Data Set with a known template. */
  data: 0,
  unknown: 1,
  define: 2,
  withdraw: 3,
  withdrawAll: 4,
  reject: 5,
  /** End an expired or contradicted template. */
  drop: 6,
  /** A noted fault. */
  note: 7,
  /** Data does not fit a template: it is in doubt from here on. */
  hold: 8
} as const

const { data, unknown, define, withdraw, withdrawAll, reject, drop, note, hold } = stepKinds

/**
 * What one Message would do, while it is checked: steps in wire order, and the templates as they would be. Nothing of it
 * shows outside before the whole Message has been found right (RFC 7011 §9.1). One object, reused; parallel arrays, so
 * that a Message of known Data Sets allocates nothing.
 */
export class MessageDraft {
  size = 0
  readonly kinds: number[] = []
  readonly ids: number[] = []
  readonly offsets: number[] = []
  readonly lengths: number[] = []
  readonly counts: number[] = []
  readonly layouts: (Layout | undefined)[] = []
  readonly entries: (TemplateEntry | undefined)[] = []
  readonly faults: (FaultCode | undefined)[] = []
  readonly doubts: (TemplateDoubt | undefined)[] = []
  /** Data Records in known Data Sets, and whether all Data Sets are known. */
  records = 0
  templates = 0
  values = 0
  isComplete = true
  /** Where the fault is for which the Message is discarded. */
  faultOffset = 0
  faultSetId = 0
  #table: TemplateTable | undefined
  #nowMs = 0
  #isChanged = false
  /** Definitions of this Message that are live at this point of it: Templates, and Options Templates. */
  readonly #live: readonly [Map<number, Layout>, Map<number, Layout>] = [new Map(), new Map()]
  /** Ids whose definition in the table counts no more. */
  readonly #ended = new Set<number>()
  readonly #rejected = new Set<number>()
  readonly #held = new Set<TemplateEntry>()
  readonly #allEnded: [boolean, boolean] = [false, false]
  readonly #made: Layout[] = []

  begin(table: TemplateTable | undefined, nowMs: number): void {
    this.#table = table
    this.#nowMs = nowMs
    this.size = 0
    this.records = 0
    this.templates = 0
    this.values = 0
    this.isComplete = true
    if (this.#isChanged) this.#unstage()
  }

  /** The Layout that an id names at this point of the Message; an expired one is none. */
  find(templateId: number): Layout | undefined {
    return this.staged(templateId) ?? this.entryOf(templateId)?.layout
  }

  /** The table's entry of an id if this Message has not changed it; an expired one is noted to be ended. */
  entryOf(templateId: number): TemplateEntry | undefined {
    const entry = this.#table?.entry(templateId)
    if (entry === undefined) return undefined
    if (entry.expiresAtMs <= this.#nowMs) return undefined
    if (!this.#isChanged) return entry
    if (this.#ended.has(templateId) || this.#allEnded[entry.layout.scopeCount > 0 ? 1 : 0]) return undefined
    return entry
  }

  /** The Layout that this Message itself gives an id. */
  staged(templateId: number): Layout | undefined {
    return this.#isChanged ? (this.#live[0].get(templateId) ?? this.#live[1].get(templateId)) : undefined
  }

  isRejected(templateId: number): boolean {
    return this.#rejected.has(templateId) || (this.#table?.isRejected(templateId) ?? false)
  }

  addData(
    templateId: number,
    offset: number,
    lengthOctets: number,
    records: number,
    layout: Layout,
    entry?: TemplateEntry
  ): void {
    const at = this.#add(data, templateId, offset)
    this.lengths[at] = lengthOctets
    this.counts[at] = records
    this.layouts[at] = layout
    this.entries[at] = entry
    this.records += records
  }

  addUnknown(templateId: number, offset: number, lengthOctets: number): void {
    this.isComplete = false
    const expired = this.#table?.entry(templateId)
    if (expired !== undefined && expired.expiresAtMs <= this.#nowMs) this.addDrop(expired, offset)
    this.#addUnknown(templateId, offset, lengthOctets, undefined)
  }

  /** A Data Set whose template is in doubt. */
  addHeld(templateId: number, offset: number, lengthOctets: number, doubt: TemplateDoubt): void {
    this.isComplete = false
    this.#addUnknown(templateId, offset, lengthOctets, doubt)
  }

  /** Whether an earlier Set of this Message has shown that data does not fit this template. */
  isHeld(entry: TemplateEntry): boolean {
    return this.#isChanged && this.#held.has(entry)
  }

  /** The data does not fit a template of a guarded table: it, and what came before it in this Message, waits. */
  misfit(entry: TemplateEntry, octets: Uint8Array, offset: number, lengthOctets: number): void {
    this.#isChanged = true
    this.#held.add(entry)
    const { templateId } = entry
    for (let step = 0; step < this.size; step++) {
      if (this.kinds[step] !== data || this.entries[step] !== entry) continue
      this.kinds[step] = unknown
      this.doubts[step] = 'misfit'
      const body = this.offsets[step]
      this.lengths[step] = octets[body - 2] * 256 + octets[body - 1] - 4
      this.records -= this.counts[step]
    }
    this.addNote('DATA_MISFIT', offset - 4, templateId)
    this.entries[this.#add(hold, templateId, offset)] = entry
    this.addHeld(templateId, offset, lengthOctets, 'misfit')
  }

  addDrop(entry: TemplateEntry, offset: number): void {
    this.entries[this.#add(drop, entry.templateId, offset)] = entry
  }

  /** The data does not fit a template that was only a hint: end it; its Sets are unknown from here on (D15). */
  contradict(entry: TemplateEntry, offset: number): void {
    this.#isChanged = true
    this.#ended.add(entry.templateId)
    this.addNote('STALE_TEMPLATE', offset, entry.templateId)
    this.addDrop(entry, offset)
  }

  addNote(code: FaultCode, offset: number, setId: number): void {
    this.faults[this.#add(note, setId, offset)] = code
  }

  addDefine(templateId: number, offset: number, layout: Layout): void {
    this.#isChanged = true
    this.templates++
    this.layouts[this.#add(define, templateId, offset)] = layout
    const kind = layout.scopeCount > 0 ? 1 : 0
    this.#live[kind].set(templateId, layout)
    this.#live[1 - kind].delete(templateId)
    this.#ended.add(templateId)
    this.#rejected.delete(templateId)
  }

  addReject(code: FaultCode, templateId: number, offset: number): void {
    this.#isChanged = true
    this.templates++
    this.faults[this.#add(reject, templateId, offset)] = code
    if (this.find(templateId) === undefined) this.#rejected.add(templateId)
  }

  addWithdrawal(templateId: number, offset: number): void {
    this.#isChanged = true
    this.#add(withdraw, templateId, offset)
    this.#live[0].delete(templateId)
    this.#live[1].delete(templateId)
    this.#ended.add(templateId)
  }

  /** @param kind - 0 all Templates, 1 all Options Templates. */
  addWithdrawAll(kind: 0 | 1, offset: number): void {
    this.#isChanged = true
    this.#add(withdrawAll, kind, offset)
    this.#live[kind].clear()
    this.#allEnded[kind] = true
  }

  /** Remember a Layout that was made for this Message, for {@link forgetUnused}. */
  made(layout: Layout): void {
    this.#made.push(layout)
  }

  /** Let go of the Layouts that were made for this Message and that no table kept. */
  forgetUnused(layouts: LayoutTable): void {
    if (this.#made.length === 0) return
    for (const layout of this.#made) layouts.releaseUnused(layout)
    this.#made.length = 0
  }

  /** Say where the Message is wrong. @returns the code. */
  fail(code: FaultCode, offset: number, setId: number): FaultCode {
    this.faultOffset = offset
    this.faultSetId = setId
    return code
  }

  #add(kind: number, id: number, offset: number): number {
    const at = this.size++
    this.kinds[at] = kind
    this.ids[at] = id
    this.offsets[at] = offset
    return at
  }

  #addUnknown(templateId: number, offset: number, lengthOctets: number, doubt: TemplateDoubt | undefined): void {
    const at = this.#add(unknown, templateId, offset)
    this.lengths[at] = lengthOctets
    this.doubts[at] = doubt
  }

  #unstage(): void {
    this.#isChanged = false
    this.#held.clear()
    this.#live[0].clear()
    this.#live[1].clear()
    this.#ended.clear()
    this.#rejected.clear()
    this.#allEnded[0] = false
    this.#allEnded[1] = false
  }
}
