import type { Layout } from './layout.ts'
import type { TemplateEntry, TemplateSource } from './template-table.ts'

/** A {@link TemplateEntry} that knows its neighbours in one {@link TemplateUseOrder}; they are not part of its shape. */
export class TemplateSlot implements TemplateEntry {
  readonly templateId: number
  layout: Layout
  firstSeenMs: number
  lastSeenMs: number
  lastUsedMs: number
  source: TemplateSource
  announcements = 1
  records = 0
  longestIntervalMs = 0
  expiresAtMs = Infinity
  isHint = false
  epoch = 0
  isBelieved = false
  isRedefined = false
  sinceSequence = 0
  sinceExportTimeSec = 0
  /** Whether a Data Set has come for it. */
  isUsed = false
  /** Whether its table still has it. */
  isLive = true
  #older: TemplateSlot | undefined
  #newer: TemplateSlot | undefined

  constructor(templateId: number, layout: Layout, seenMs: number, source: TemplateSource) {
    this.templateId = templateId
    this.layout = layout
    this.firstSeenMs = seenMs
    this.lastSeenMs = seenMs
    this.lastUsedMs = seenMs
    this.source = source
  }

  static unlink(slot: TemplateSlot): void {
    const older = slot.#older
    const newer = slot.#newer
    if (older !== undefined) older.#newer = newer
    if (newer !== undefined) newer.#older = older
    slot.#older = undefined
    slot.#newer = undefined
  }

  static link(older: TemplateSlot, newer: TemplateSlot): void {
    older.#newer = newer
    newer.#older = older
  }

  static olderThan(slot: TemplateSlot): TemplateSlot | undefined {
    return slot.#older
  }

  static newerThan(slot: TemplateSlot): TemplateSlot | undefined {
    return slot.#newer
  }
}

/** Slots in the order of their last use. Every operation takes constant time and allocates nothing. */
export class TemplateUseOrder {
  #oldest: TemplateSlot | undefined
  #newest: TemplateSlot | undefined

  get oldest(): TemplateSlot | undefined {
    return this.#oldest
  }

  /** Put a slot that is in no order, or in this one, at the newest end. */
  touch(slot: TemplateSlot): void {
    if (this.#newest === slot) return
    this.remove(slot)
    if (this.#newest === undefined) this.#oldest = slot
    else TemplateSlot.link(this.#newest, slot)
    this.#newest = slot
  }

  /** Take a slot out, if it is in this order. */
  remove(slot: TemplateSlot): void {
    if (this.#oldest === slot) this.#oldest = TemplateSlot.newerThan(slot)
    if (this.#newest === slot) this.#newest = TemplateSlot.olderThan(slot)
    TemplateSlot.unlink(slot)
  }
}
