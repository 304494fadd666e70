import { isDeepStrictEqual } from 'node:util'
import { isIPv6 } from 'node:net'
import type { Listener } from '@weir/config'

/** What becomes of listeners when others are wanted. */
export interface ListenerPlan {
  /** Wanted, and not served by a socket that is there; in the order in which they are wanted. */
  readonly open: readonly Listener[]
  /** Of these those whose endpoint is taken by one that is not wanted any more: it has to go first. */
  readonly after: ReadonlySet<Listener>
  /** Wanted otherwise in what a socket that is there can take over. */
  readonly retune: readonly Listener[]
  /** Names of those that are not wanted any more, or not at the place where they are. */
  readonly close: ReadonlySet<string>
}

/** A listener that is there. */
export interface PresentListener {
  readonly config: Listener
  /** The one in use; another than that of `config` if that is 0. */
  readonly port: number
}

/**
 * What has to be done to serve `wanted` instead of `present`. A listener is known by its name, and keeps its socket as long as
 * transport, address and port are the same.
 *
 * @param wanted - names and endpoints are different, as the configuration checks.
 */
export function planListeners(present: readonly PresentListener[], wanted: readonly Listener[]): ListenerPlan {
  const known = new Map(present.map(listener => [listener.config.name, listener]))
  const open = wanted.filter(listener => !hasSamePlace(known.get(listener.name), listener))
  const kept = new Set(wanted.filter(listener => !open.includes(listener)).map(({ name }) => name))
  const gone = present.filter(({ config }) => !kept.has(config.name))
  return {
    open,
    after: new Set(open.filter(listener => gone.some(former => overlaps(former, listener)))),
    retune: wanted.filter(
      listener => kept.has(listener.name) && !isDeepStrictEqual(known.get(listener.name)!.config, listener)
    ),
    close: new Set(gone.map(({ config }) => config.name))
  }
}

function hasSamePlace(former: PresentListener | undefined, { transport, address, port }: Listener): boolean {
  if (former === undefined) return false
  const { config } = former
  return config.transport === transport && config.address === address && (config.port === port || former.port === port)
}

/** Whether both cannot be bound at once. */
export function overlaps({ config, port }: PresentListener, other: Listener): boolean {
  if (config.transport !== other.transport || port !== other.port) return false
  const { address } = config
  return address === other.address || takesAll(address, other.address) || takesAll(other.address, address)
}

/** `::` takes IPv4 too. */
const takesAll = (wide: string, address: string): boolean => wide === '::' || (wide === '0.0.0.0' && !isIPv6(address))
