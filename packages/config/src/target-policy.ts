import { AddressPolicy } from './address-policy.ts'
import { pathOf } from './check-value.ts'
import { ownAddresses } from './cross-check.ts'
import { parseEndpoint } from './endpoint.ts'
import { isIP } from 'node:net'
import type { ConfigIssue } from '@weir/runtime'
import type { Destination } from './schema/destination.ts'
import type { WeirConfig } from './schema/document.ts'

/** Says of one target which addresses may be connected to; undefined = all, because the owner of the file has named it. */
export type AddressCheck = ((address: string) => boolean) | undefined

/** As much of the document as says where to one may send. */
export interface PolicyDocument {
  readonly mediator: Pick<WeirConfig['mediator'], 'destinationPolicy'>
  readonly destinations: WeirConfig['destinations']
}

/**
 * Where destinations may send to (TH-34): anywhere that the file and the environment name, else as `mediator.destinationPolicy`
 * of these says. What revisions say of the policy does not count.
 */
export class TargetPolicy {
  readonly #addresses: AddressPolicy
  readonly #trusted: ReadonlySet<string>

  /** @param base - the document of file and environment. */
  constructor(base: PolicyDocument, localAddresses: () => readonly string[] = ownAddresses) {
    this.#addresses = new AddressPolicy(base.mediator.destinationPolicy, localAddresses)
    this.#trusted = new Set(base.destinations.flatMap(each => targetOf(each)?.text ?? []))
  }

  /** The check of one host and port, for whoever connects. */
  checkOf(host: string, port: number): AddressCheck {
    if (this.#trusted.has(targetText(host, port))) return undefined
    return address => this.#addresses.allowsPort(port) && this.#addresses.allows(address)
  }

  /** What is wrong with the target of a destination, as far as it shows without looking names up. */
  issuesOf(destination: Destination, path: string): ConfigIssue[] {
    return this.#issuesOfTarget(targetOf(destination), path)
  }

  /** The same of a url, `udp://…` or `tcp://…`. */
  issuesOfUrl(url: string, path: string): ConfigIssue[] {
    return this.#issuesOfTarget(targetOfUrl('url', url), path)
  }

  #issuesOfTarget(target: Target | undefined, path: string): ConfigIssue[] {
    if (target === undefined || this.#trusted.has(target.text)) return []
    const { host, port, key } = target
    const allowed = 'a target that mediator.destinationPolicy allows; or name it in weir.yaml'
    const issue = (message: string): ConfigIssue[] => [{ path: pathOf(path, key), message, allowed }]
    if (!this.#addresses.allowsPort(port)) return issue(`port ${port} is not one that may be sent to`)
    if (isIP(host) !== 0) return this.#addresses.allows(host) ? [] : issue(`${host} may not be sent to`)
    return isNumber(host) ? issue(`${JSON.stringify(host)} is an address in disguise`) : []
  }
}

interface Target {
  readonly host: string
  readonly port: number
  readonly key: string
  readonly text: string
}

const targetText = (host: string, port: number): string => `${host.toLowerCase().replace(/\.$/, '')}:${port}`

/** Undefined for files and standard output. */
function targetOf(destination: Destination): Target | undefined {
  if (destination.type === 'ipfix-file') return undefined
  const [key, url] =
    destination.type === 'json' ? (['target', destination.target] as const) : (['url', destination.url] as const)
  return targetOfUrl(key, url)
}

function targetOfUrl(key: string, url: string): Target | undefined {
  const endpoint = parseEndpoint(url, ['udp', 'tcp'], 4739)
  if (typeof endpoint === 'string') return undefined
  const { host, port } = endpoint
  return { host, port, key, text: targetText(host, port) }
}

/** Names whose last part is a number are addresses in one of the forms of inet_aton (`0x7f000001`, `2130706433`, `127.1`). */
const isNumber = (host: string): boolean => /^(\d+|0x[0-9a-f]*)$/i.test(host.replace(/\.$/, '').split('.').at(-1)!)
