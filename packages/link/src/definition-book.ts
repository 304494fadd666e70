import type { Layout } from '@weir/ipfix'
import { encodeContext, encodeForget, encodeLayout, encodeSource, type DefinedKind } from './definition.ts'
import { FLAG_FIRST, FLAG_LAST } from './frame.ts'
import type { Source } from './source.ts'

interface Release {
  readonly what: DefinedKind
  readonly id: number
  /** No batch after this one names it. */
  readonly afterBatch: number
}

/** What a sender has defined, what of it the receiver has still to be told, and what may be forgotten when. */
export class DefinitionBook {
  readonly #layouts = new Map<number, Layout>()
  readonly #sources = new Map<number, Source>()
  readonly #contexts = new Map<number, ReadonlyMap<number, Layout>>()
  /** Contexts that name the layout of this id. */
  readonly #layoutUses = new Map<number, number>()
  /** Layouts to be forgotten, and after which batch: used again after its release, a layout stays. */
  readonly #releasedLayouts = new Map<number, number>()
  /** In the order of `afterBatch`, because batches are numbered upwards; those before `#nextRelease` are done. */
  #releases: Release[] = []
  #nextRelease = 0
  #unsent: Uint8Array[] = []
  #isWhole = false

  get layouts(): number {
    return this.#layouts.size
  }

  get sources(): number {
    return this.#sources.size
  }

  get contexts(): number {
    return this.#contexts.size
  }

  get hasUnsent(): boolean {
    return this.#isWhole || this.#unsent.length > 0
  }

  useLayout(layout: Layout): void {
    this.#releasedLayouts.delete(layout.id)
    if (this.#layouts.has(layout.id)) return
    this.#layouts.set(layout.id, layout)
    this.#unsent.push(encodeLayout(layout))
  }

  addSource(source: Source): void {
    this.#sources.set(source.id, source)
    this.#unsent.push(encodeSource(source))
  }

  addContext(id: number, entries: ReadonlyMap<number, Layout>): void {
    for (const layout of entries.values()) {
      this.useLayout(layout)
      this.#layoutUses.set(layout.id, (this.#layoutUses.get(layout.id) ?? 0) + 1)
    }
    this.#contexts.set(id, entries)
    this.#unsent.push(encodeContext(id, entries))
  }

  /** @param afterBatch - id of the last batch that may name it: forgotten when everything up to there is settled. */
  release(what: DefinedKind, id: number, afterBatch: number): void {
    if (what === 1) {
      if (!this.#layouts.has(id) || this.#releasedLayouts.has(id)) return
      this.#releasedLayouts.set(id, afterBatch)
    }
    this.#releases.push({ what, id, afterBatch })
  }

  /** Forget what was released and is named by no batch above `settledThrough`. Looks at nothing else: tens of thousands may wait. */
  settle(settledThrough: number): void {
    const releases = this.#releases
    while (this.#nextRelease < releases.length && releases[this.#nextRelease].afterBatch <= settledThrough) {
      this.#forget(releases[this.#nextRelease++])
    }
    if (this.#nextRelease === 0 || this.#nextRelease * 2 < releases.length) return
    this.#releases = releases.slice(this.#nextRelease)
    this.#nextRelease = 0
  }

  #forget({ what, id, afterBatch }: Release): void {
    if (what === 2) {
      if (this.#sources.delete(id)) this.#unsent.push(encodeForget(what, id))
    } else if (what === 3) {
      this.#forgetContext(id)
    } else if (this.#releasedLayouts.get(id) === afterBatch) {
      this.#forgetLayout(id)
    }
  }

  #forgetContext(id: number): void {
    const entries = this.#contexts.get(id)
    if (entries === undefined) return
    this.#contexts.delete(id)
    this.#unsent.push(encodeForget(3, id))
    for (const layout of entries.values()) {
      const uses = (this.#layoutUses.get(layout.id) ?? 1) - 1
      if (uses > 0) this.#layoutUses.set(layout.id, uses)
      else this.#layoutUses.delete(layout.id)
      if (uses === 0 && this.#releasedLayouts.has(layout.id)) this.#forgetLayout(layout.id)
    }
  }

  /** A layout that a context still names stays; it goes with the last of them. */
  #forgetLayout(id: number): void {
    if (this.#layoutUses.has(id)) return
    this.#releasedLayouts.delete(id)
    this.#layouts.delete(id)
    this.#unsent.push(encodeForget(1, id))
  }

  /** Everything that lives has to be told again; what is not, the receiver forgets. */
  restart(): void {
    this.#isWhole = true
    this.#unsent = []
    for (const layout of this.#layouts.values()) this.#unsent.push(encodeLayout(layout))
    for (const source of this.#sources.values()) this.#unsent.push(encodeSource(source))
    for (const [id, entries] of this.#contexts) this.#unsent.push(encodeContext(id, entries))
  }

  /** DEFINE frames for what has not been told: bodies of at most `mostOctets` unless one definition is larger, and flags. */
  takeBodies(mostOctets: number): { flags: number; body: Uint8Array }[] {
    const bodies: Uint8Array[] = []
    let parts: Uint8Array[] = []
    let octets = 0
    for (const part of this.#unsent) {
      if (octets > 0 && octets + part.length > mostOctets) {
        bodies.push(Buffer.concat(parts))
        parts = []
        octets = 0
      }
      parts.push(part)
      octets += part.length
    }
    if (octets > 0 || this.#isWhole) bodies.push(Buffer.concat(parts))
    const isWhole = this.#isWhole
    this.#isWhole = false
    this.#unsent = []
    return bodies.map((body, index) => ({
      body,
      flags: isWhole ? (index === 0 ? FLAG_FIRST : 0) | (index === bodies.length - 1 ? FLAG_LAST : 0) : 0
    }))
  }
}
