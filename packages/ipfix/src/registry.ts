import { REVERSE_PEN, isReversible, reverseOf } from './element-reverse.ts'
import { elementKey } from './element.ts'
import type { InformationElement } from './element.ts'
import { ianaTable, ianaUpdated } from './registry-iana.gen.ts'
import { ianaOverrides } from './registry-overrides.ts'
import { elementsOfTable } from './registry-table.ts'
import { netflowTable, vendorTable } from './registry-vendors.gen.ts'

/**
 * What is known of Information Elements: the IANA registry, the reverse elements derived from it (RFC 5103), the vendors'
 * elements that we ship, and what the operator's files add. Wire names of a session (RFC 5610) live elsewhere.
 */
export class ElementRegistry {
  /** Date of the IANA registry that this one was made from, `YYYY-MM-DD`. */
  readonly version: string = ianaUpdated
  readonly #byKey = new Map<number, InformationElement>()
  readonly #byName = new Map<string, InformationElement>()
  readonly #netflow = new Map<number, InformationElement>()
  #hasVendors = true

  /** A registry of its own with everything that ships. Vendors' tables are read at the first question about them. */
  static standard(): ElementRegistry {
    const registry = new ElementRegistry()
    registry.#hasVendors = false
    for (const element of elementsOfTable(ianaTable)) registry.#put(element)
    for (const element of ianaOverrides) registry.#put(element)
    return registry
  }

  /**
   * The element of (pen, id), or undefined if unknown: then its octets mean nothing to us (octetArray). One object per
   * element, as long as it is not replaced.
   *
   * @param wireVersion - version of the Message that the field came in. Only in NetFlow v9 (9) do the vendor types have
   * names that no IPFIX exporter's element of the same number may get.
   */
  get(pen: number, id: number, wireVersion = 10): InformationElement | undefined {
    if (!this.#hasVendors && (wireVersion === 9 || (pen !== 0 && pen !== REVERSE_PEN))) this.#readVendors()
    const key = elementKey(pen, id)
    const element = this.#byKey.get(key)
    if (element !== undefined) return element
    if (pen === REVERSE_PEN) return this.#reverse(id)
    return wireVersion === 9 ? this.#netflow.get(key) : undefined
  }

  /**
   * The element of this name, exactly as in the registry, `reverse` names included; undefined if unknown. Names are
   * unique in a registry; those of NetFlow v9 alone are not found.
   */
  byName(name: string): InformationElement | undefined {
    const element = this.#byName.get(name) ?? this.#reverseByName(name)
    if (element !== undefined || this.#hasVendors) return element
    this.#readVendors()
    return this.#byName.get(name)
  }

  /**
   * Add or replace elements of enterprises; they have been checked (see `readElementFile`).
   *
   * @returns those that were left out: PEN 0 and 29305 are IANA's (RFC 7012 §4), and a name has one meaning.
   */
  add(elements: Iterable<InformationElement>): InformationElement[] {
    const refused: InformationElement[] = []
    for (const element of elements) {
      const holder = this.byName(element.name)
      const isNameTaken = holder !== undefined && (holder.pen !== element.pen || holder.id !== element.id)
      if (element.pen === 0 || element.pen === REVERSE_PEN || isNameTaken) refused.push(element)
      else this.#put(element)
    }
    return refused
  }

  /** All elements known to IPFIX, IANA's first; reverse elements are derived when asked for and not among them. */
  *values(): Generator<InformationElement> {
    if (!this.#hasVendors) this.#readVendors()
    for (const element of this.#byKey.values()) if (element.pen !== REVERSE_PEN) yield element
  }

  #readVendors(): void {
    this.#hasVendors = true
    for (const element of elementsOfTable(vendorTable)) this.#put(element)
    for (const element of elementsOfTable(netflowTable)) {
      this.#netflow.set(elementKey(element.pen, element.id), element)
    }
  }

  #reverse(id: number): InformationElement | undefined {
    const forward = this.#byKey.get(id)
    if (forward === undefined || !isReversible(id)) return undefined
    const reverse = reverseOf(forward)
    this.#put(reverse)
    return reverse
  }

  #reverseByName(name: string): InformationElement | undefined {
    if (!name.startsWith('reverse') || name.length === 7) return undefined
    const bare = name.slice(7)
    const forward = this.#byName.get(bare[0].toLowerCase() + bare.slice(1)) ?? this.#byName.get(bare)
    if (forward === undefined || forward.pen !== 0) return undefined
    const reverse = this.get(REVERSE_PEN, forward.id)
    return reverse?.name === name ? reverse : undefined
  }

  #put(element: InformationElement): void {
    const key = elementKey(element.pen, element.id)
    const previous = this.#byKey.get(key)
    if (previous !== undefined) this.#byName.delete(previous.name)
    this.#byKey.set(key, element)
    this.#byName.set(element.name, element)
  }
}
