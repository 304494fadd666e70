import { isIP } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'
import { HttpProblem } from '@weir/http'

/**
 * Where nobody is asked who he is, any page that is open in a browser of this machine could ask too: by the browser's own request, which
 * says where the page is from, or under a name of its own that it has made stand for this machine (DNS rebinding).
 *
 * @param address - that the API is bound to.
 * @returns throws HttpProblem for such requests: 403, 421.
 */
export function refuseCrossSite(address: string): (headers: IncomingHttpHeaders) => void {
  const isOwnMachine = isLoopback(address)
  return ({ host, origin }) => {
    if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) {
      const detail = 'This control API asks for no credentials, so it takes nothing that pages of other sites ask for.'
      throw new HttpProblem(403, 'CROSS_SITE', detail)
    }
    if (!isOwnMachine || host === undefined || isLoopback(nameIn(host))) return
    const detail = `This control API is for this machine only and asks for no credentials: ask for localhost or ${address}, or set coordinator.tokenFile.`
    throw new HttpProblem(421, 'HOST_UNKNOWN', detail)
  }
}

const originHost = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined)

/** Of a Host header: without port and brackets. */
const nameIn = (host: string): string => host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')

function isLoopback(name: string): boolean {
  const plain = name.toLowerCase().replace(/\.$/, '')
  if (isIP(plain) === 4) return plain.startsWith('127.')
  return plain === '::1' || plain === 'localhost' || plain.endsWith('.localhost')
}
