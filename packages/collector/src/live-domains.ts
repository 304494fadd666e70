import { placeKey, type Place } from '@weir/templates'
import type { Domain } from './domain.ts'

export const placeOf = (domain: Domain): Place => ({ scope: domain.session.identity.scope, odid: domain.odid })

/** The domains of verified UDP sessions by their place, for what is told of places. */
export class LiveDomains {
  readonly #byPlace = new Map<string, Domain>()

  add(domain: Domain): void {
    if (domain.session.transport === 'udp') this.#byPlace.set(placeKey(placeOf(domain)), domain)
  }

  remove(domain: Domain): void {
    if (this.#byPlace.size === 0 || !domain.session.isVerified) return
    const key = placeKey(placeOf(domain))
    if (this.#byPlace.get(key) === domain) this.#byPlace.delete(key)
  }

  get(place: Place): Domain | undefined {
    return this.#byPlace.get(placeKey(place))
  }

  has(domain: Domain): boolean {
    return this.get(placeOf(domain)) === domain
  }
}
