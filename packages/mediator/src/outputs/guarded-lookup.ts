import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import type { AddressCheck } from '@weir/config'
import type { LookupAddress } from 'node:dns'

/** All addresses of a name, as node:dns finds them. */
export type Lookup = (
  host: string,
  options: { readonly all: true },
  onFound: (error: Error | null, addresses: LookupAddress[]) => void
) => void

/** None of the addresses may be connected to. */
export class AddressDenied extends Error {
  readonly code = 'ADDRESS_DENIED'

  constructor() {
    super('mediator.destinationPolicy does not allow the address')
  }
}

/** The addresses of a name or of an address itself that may be connected to; an error if there is none. */
export function guardedLookup(allows: AddressCheck, find: Lookup = lookup): Lookup {
  return (host, options, onFound) => {
    const check = (error: Error | null, addresses: LookupAddress[]): void => {
      if (error !== null) return onFound(error, [])
      const allowed = allows === undefined ? addresses : addresses.filter(({ address }) => allows(address))
      onFound(allowed.length === 0 ? new AddressDenied() : null, allowed)
    }
    const family = isIP(host)
    if (family === 0) find(host, options, check)
    else check(null, [{ address: host, family }])
  }
}
