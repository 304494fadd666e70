import type { Layout } from '@weir/ipfix'

/** One template of ours in one Observation Domain of one destination. */
export interface ExportedTemplate {
  readonly id: number
  readonly layout: Layout
  /** True once a Message of this session announces it: data may follow. */
  isAnnounced: boolean
  /** True while it waits in the list of what is to be announced. */
  isPending: boolean
  /** Copies still to be sent after the first (UDP). */
  copiesLeft: number
  announcedAtMs: number
  lastUsedMs: number
  /** Input Layouts that become it: without one it is of no use any more (RFC 7119 §4.1). */
  readonly inputs: Set<Layout>
}

export const FIRST_TEMPLATE_ID = 256
export const LAST_TEMPLATE_ID = 65_535

/**
 * The template ids of one (destination, Observation Domain). Equal Layouts share an id, whatever exporter they come from
 * (RFC 7119 §4.2); templates and options templates share one id space (RFC 7011 §3.4.1).
 */
export class ExportedTemplates {
  readonly #byKey = new Map<string, ExportedTemplate>()
  readonly #byLayout = new Map<Layout, ExportedTemplate>()
  readonly #idsInUse = new Set<number>()
  /** Ids that must not mean something else yet, with the time from which they may (UDP). */
  readonly #quarantine = new Map<number, number>()
  #nextId = FIRST_TEMPLATE_ID

  get size(): number {
    return this.#byKey.size
  }

  /** The template unused for longest of those not used since `sinceMs`; undefined if there is none. */
  leastUsed(sinceMs: number): ExportedTemplate | undefined {
    let least: ExportedTemplate | undefined
    for (const template of this.#byKey.values()) {
      if (template.isPending || template.lastUsedMs >= sinceMs) continue
      if (least === undefined || template.lastUsedMs < least.lastUsedMs) least = template
    }
    return least
  }

  values(): IterableIterator<ExportedTemplate> {
    return this.#byKey.values()
  }

  /**
   * The template of a Layout, made at first call.
   *
   * @param nowMs - monotonic.
   * @returns undefined if no id is free.
   */
  templateFor(layout: Layout, nowMs: number): ExportedTemplate | undefined {
    const known = this.#byLayout.get(layout) ?? this.#byKey.get(layout.key)
    if (known !== undefined) {
      this.#byLayout.set(layout, known)
      return known
    }
    const id = this.#takeId(nowMs)
    if (id === 0) return undefined
    const template: ExportedTemplate = {
      id,
      layout,
      isAnnounced: false,
      isPending: false,
      copiesLeft: 0,
      announcedAtMs: 0,
      lastUsedMs: nowMs,
      inputs: new Set()
    }
    this.#byKey.set(layout.key, template)
    this.#byLayout.set(layout, template)
    return template
  }

  /** @param reuseAtMs - monotonic time from which its id may be given to another Layout. */
  remove(template: ExportedTemplate, reuseAtMs: number): void {
    this.#byKey.delete(template.layout.key)
    for (const [layout, known] of this.#byLayout) if (known === template) this.#byLayout.delete(layout)
    this.#idsInUse.delete(template.id)
    this.#quarantine.set(template.id, reuseAtMs)
  }

  /** A new session: no id means anything to the peer. */
  endSession(): void {
    this.#quarantine.clear()
    for (const template of this.#byKey.values()) {
      template.isAnnounced = false
      template.isPending = false
      template.copiesLeft = 0
    }
  }

  #takeId(nowMs: number): number {
    for (let tries = FIRST_TEMPLATE_ID; tries <= LAST_TEMPLATE_ID; tries++) {
      const id = this.#nextId
      this.#nextId = id === LAST_TEMPLATE_ID ? FIRST_TEMPLATE_ID : id + 1
      if (this.#idsInUse.has(id)) continue
      const reuseAtMs = this.#quarantine.get(id)
      if (reuseAtMs !== undefined && nowMs < reuseAtMs) continue
      this.#quarantine.delete(id)
      this.#idsInUse.add(id)
      return id
    }
    return 0
  }
}
