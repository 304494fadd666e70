import { isIPv6 } from 'node:net'
import { errorCode } from '@weir/runtime'

const WITHOUT_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])

/**
 * Bind to `::`, which takes IPv4 too, and to 0.0.0.0 on a machine that has no IPv6; to any other address as it stands.
 *
 * @param bind - rejects with an error that has the system's code.
 * @param onFallback - called before the second try.
 */
export async function bindAddress(
  address: string,
  bind: (address: string) => Promise<void>,
  onFallback: () => void
): Promise<void> {
  try {
    await bind(address)
  } catch (error) {
    if (address !== '::' || !WITHOUT_IPV6.has(errorCode(error) ?? '')) throw error
    onFallback()
    await bind('0.0.0.0')
  }
}

/** `192.0.2.1:4739`, `[::]:4739`. */
export const endpointText = (address: string, port: number): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
