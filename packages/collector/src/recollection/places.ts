import { lastTcpScope, udpScope, type Place } from '@weir/templates'
import type { Domain } from '../domain.ts'

/** Versions with templates: nothing else is worth remembering. */
export const isMemorable = ({ session }: Domain): boolean =>
  session.identity.version === 9 || session.identity.version === 10

/** Where a domain's own announcements are kept. */
export const placeOf = (domain: Domain): Place => ({ scope: domain.session.identity.scope, odid: domain.odid })

/** Where is kept what holds for several source ports of an exporter, if they were found to be one or several exporters. */
export function addressPlaceOf(domain: Domain): Place {
  const { version, listener, exporter } = domain.session.identity
  return { scope: udpScope(version, listener, exporter.id, 0), odid: domain.odid }
}

/** Where those of the exporter's last TCP session are. */
export function lastPlaceOf(domain: Domain): Place {
  const { listener, exporter } = domain.session.identity
  return { scope: lastTcpScope(listener, exporter.id), odid: domain.odid }
}

/** Who announces, for a person. */
export function sessionText({ session }: Domain): string {
  const { identity, exporter, transport } = session
  return `${transport} ${exporter.address.text}:${identity.port} ${identity.listener}`
}
