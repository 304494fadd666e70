import { layoutKey, type FieldSpecifier } from '@weir/ipfix'
import { placeKey, type Place, type StoredEntry, type StoredPlace } from '@weir/templates'
import { Remembered } from './remembered.ts'

/**
 * What stores said of places that no session has asked for yet, within a bound. Stores list the places last seen first, so
 * that what does not fit is the oldest.
 */
export class WarmMemory {
  /** Places that did not fit. */
  refused = 0
  readonly #maxOctets: () => number
  readonly #places = new Map<string, Remembered>()
  /** Equal definitions share one list of fields: thousands of exporters have the same templates. */
  readonly #fields = new Map<string, readonly FieldSpecifier[]>()
  /** Of the last template. */
  #session = ''
  #octets = 0
  #entries = 0

  /** @param maxOctets - asked each time: it may change. */
  constructor(maxOctets: () => number) {
    this.#maxOctets = maxOctets
  }

  get size(): number {
    return this.#places.size
  }

  /** Templates and options records. */
  get entries(): number {
    return this.#entries
  }

  /** Estimated. */
  get octets(): number {
    return this.#octets
  }

  /** Places that nobody has taken. */
  *places(): Generator<Place & Pick<Remembered, 'templates' | 'options'>> {
    for (const [key, { templates, options }] of this.#places) {
      const separator = key.indexOf('|')
      yield { odid: Number(key.slice(0, separator)), scope: key.slice(separator + 1), templates, options }
    }
  }

  /** One template is not to be known again. */
  forget(key: string, templateId: number): void {
    const remembered = this.#places.get(key)
    if (remembered === undefined) return
    this.#uncount(remembered)
    remembered.templates = remembered.templates.filter(template => template.templateId !== templateId)
    this.#count(remembered)
  }

  /**
   * Take a place in, or more of one that is known.
   *
   * @param epoch - see {@link Remembered.epoch}.
   * @returns false if there is no room for it.
   */
  add({ place, entries }: StoredPlace, epoch: number): boolean {
    if (entries.length === 0) return true
    const key = placeKey(place)
    const known = this.#places.get(key)
    if (known !== undefined) this.#uncount(known)
    const remembered = known ?? new Remembered()
    remembered.add(entries.map(entry => this.#compact(entry, place)))
    remembered.epoch = epoch
    if (known === undefined && this.#octets + remembered.octets > this.#maxOctets()) {
      this.refused++
      return false
    }
    this.#places.set(key, remembered)
    this.#count(remembered)
    return true
  }

  /** A place that several domains ask for: it stays. */
  peek(key: string): Remembered | undefined {
    return this.#places.get(key)
  }

  /** Give a place out, for good. */
  take(key: string): Remembered | undefined {
    const remembered = this.#places.get(key)
    if (remembered === undefined) return undefined
    this.#places.delete(key)
    this.#uncount(remembered)
    return remembered
  }

  /** Whoever took it had no use for it. */
  giveBack(key: string, remembered: Remembered): void {
    if (this.#places.has(key)) return
    remembered.isApplied = false
    this.#places.set(key, remembered)
    this.#count(remembered)
  }

  /** It was changed elsewhere: worth no more than what the local ring said, until it is read again. */
  invalidate(key: string): void {
    const remembered = this.#places.get(key)
    if (remembered !== undefined) remembered.epoch = -1
  }

  /** No more is to come: forget what was needed for that. */
  settle(): void {
    this.#fields.clear()
  }

  /** Equal texts and definitions are one in memory, where each entry came with its own. */
  #compact(entry: StoredEntry, { scope }: Place): StoredEntry {
    if (entry.kind !== 'template') return { ...entry, scope }
    if (entry.session !== this.#session) this.#session = entry.session
    const key = layoutKey(entry.fields, entry.scopeCount)
    let fields = this.#fields.get(key)
    if (fields === undefined) this.#fields.set(key, (fields = entry.fields))
    return { ...entry, scope, session: this.#session, fields }
  }

  #count(remembered: Remembered): void {
    this.#octets += remembered.octets
    this.#entries += remembered.entries
  }

  #uncount(remembered: Remembered): void {
    this.#octets -= remembered.octets
    this.#entries -= remembered.entries
  }
}
