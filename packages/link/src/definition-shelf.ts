import type { Layout, LayoutTable } from '@weir/ipfix'
import type { DefinedKind, Definition } from './definition.ts'
import type { Source } from './source.ts'

/** Layouts that several senders name, as one object each; forgets one when the last sender does. */
export class LayoutShare {
  readonly #table: LayoutTable
  readonly #uses = new Map<Layout, number>()
  readonly #onReleased: (layout: Layout) => void

  constructor(table: LayoutTable, onReleased: (layout: Layout) => void) {
    this.#table = table
    this.#onReleased = onReleased
  }

  take(fields: Layout['fields'], scopeCount: number): Layout {
    const layout = this.#table.intern(fields, scopeCount)
    this.#uses.set(layout, (this.#uses.get(layout) ?? 0) + 1)
    return layout
  }

  give(layout: Layout): void {
    const uses = (this.#uses.get(layout) ?? 1) - 1
    if (uses > 0) {
      this.#uses.set(layout, uses)
      return
    }
    this.#uses.delete(layout)
    this.#table.release(layout)
    this.#onReleased(layout)
  }
}

interface Shelved<T> {
  readonly value: T
  /** Number of the whole announcement that named it last. */
  announcement: number
}

/** What one sender has defined, at the receiver. */
export class DefinitionShelf {
  readonly #layouts = new Map<number, Shelved<Layout>>()
  readonly #sources = new Map<number, Shelved<Source>>()
  readonly #contexts = new Map<number, Shelved<ReadonlyMap<number, Layout>>>()
  readonly #share: LayoutShare
  readonly #newSourceId: () => number
  readonly #onSourceReleased: (source: Source) => void
  #announcement = 0

  /** @param newSourceId - sources get ids of the receiver, unique over all senders. */
  constructor(share: LayoutShare, newSourceId: () => number, onSourceReleased: (source: Source) => void) {
    this.#share = share
    this.#newSourceId = newSourceId
    this.#onSourceReleased = onSourceReleased
  }

  layout(id: number): Layout | undefined {
    return this.#layouts.get(id)?.value
  }

  source(id: number): Source | undefined {
    return this.#sources.get(id)?.value
  }

  context(id: number): ReadonlyMap<number, Layout> | undefined {
    return this.#contexts.get(id)?.value
  }

  /** Take definitions in. What is known already stays the same object. @returns false, and nothing done, if a layout is not known. */
  apply(definitions: readonly Definition[], isFirst: boolean, isLast: boolean): boolean {
    if (!this.#areLayoutsKnown(definitions)) return false
    if (isFirst) this.#announcement++
    for (const definition of definitions) this.#applyOne(definition)
    if (isLast) this.#sweep()
    return true
  }

  /** The sender is gone for good. */
  clear(): void {
    this.#announcement++
    this.#sweep()
  }

  #areLayoutsKnown(definitions: readonly Definition[]): boolean {
    const coming = new Set<number>()
    for (const definition of definitions) {
      if (definition.kind === 1) coming.add(definition.id)
      if (definition.kind !== 3) continue
      for (const [, layoutId] of definition.entries) {
        if (!coming.has(layoutId) && !this.#layouts.has(layoutId)) return false
      }
    }
    return true
  }

  #applyOne(definition: Definition): void {
    const { id } = definition
    const announcement = this.#announcement
    switch (definition.kind) {
      case 1: {
        const known = this.#layouts.get(id)
        if (known !== undefined) known.announcement = announcement
        else this.#layouts.set(id, { value: this.#share.take(definition.fields, definition.scopeCount), announcement })
        return
      }
      case 2: {
        const known = this.#sources.get(id)
        if (known !== undefined) known.announcement = announcement
        else {
          const value = Object.freeze({ ...definition.source, id: this.#newSourceId() })
          this.#sources.set(id, { value, announcement })
        }
        return
      }
      case 3: {
        const known = this.#contexts.get(id)
        if (known !== undefined) known.announcement = announcement
        else this.#contexts.set(id, { value: this.#contextOf(definition.entries), announcement })
        return
      }
      default:
        this.#forget(definition.what, id)
    }
  }

  #contextOf(entries: readonly [number, number][]): ReadonlyMap<number, Layout> {
    const context = new Map<number, Layout>()
    for (const [templateId, layoutId] of entries) {
      const layout = this.layout(layoutId)
      if (layout !== undefined) context.set(templateId, layout)
    }
    return context
  }

  #forget(what: DefinedKind, id: number): void {
    if (what === 3) {
      this.#contexts.delete(id)
    } else if (what === 2) {
      const source = this.#sources.get(id)
      if (this.#sources.delete(id) && source !== undefined) this.#onSourceReleased(source.value)
    } else {
      const layout = this.#layouts.get(id)
      if (this.#layouts.delete(id) && layout !== undefined) this.#share.give(layout.value)
    }
  }

  /** Forget what the last whole announcement left out: its FORGET was lost with a connection. */
  #sweep(): void {
    for (const [id, { announcement }] of this.#contexts) if (announcement !== this.#announcement) this.#forget(3, id)
    for (const [id, { announcement }] of this.#sources) if (announcement !== this.#announcement) this.#forget(2, id)
    for (const [id, { announcement }] of this.#layouts) if (announcement !== this.#announcement) this.#forget(1, id)
  }
}
