import { realpathSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { AddressPolicy } from './address-policy.ts'
import { pathOf } from './check-value.ts'
import { ownAddresses } from './cross-check.ts'
import { parseEndpoint } from './endpoint.ts'
import { FolderPolicy } from './folder-policy.ts'
import type { ConfigIssue } from '@weir/runtime'
import type { Destination } from './schema/destination.ts'
import type { WeirConfig } from './schema/document.ts'

/** Says of one target which addresses may be connected to; undefined = all, because the owner of the file has named it. */
export type AddressCheck = ((address: string) => boolean) | undefined

/** Says of a real path, without symbolic links, whether a file may be written there; undefined = yes, as above. */
export type PathCheck = ((path: string) => boolean) | undefined

/** As much of the document as says where to one may send. */
export interface PolicyDocument {
  readonly mediator: Pick<WeirConfig['mediator'], 'destinationPolicy'>
  readonly destinations: WeirConfig['destinations']
  readonly stateDir: WeirConfig['stateDir']
}

/**
 * Where destinations may send to (TH-34) and write files (TH-35): anywhere that the file and the environment name, else as `mediator.destinationPolicy`
 * of these says. What revisions say of the policy does not count.
 */
export class TargetPolicy {
  readonly #addresses: AddressPolicy
  readonly #folders: FolderPolicy
  readonly #trusted: ReadonlySet<string>

  /** @param base - the document of file and environment. */
  constructor(base: PolicyDocument, localAddresses: () => readonly string[] = ownAddresses) {
    this.#addresses = new AddressPolicy(base.mediator.destinationPolicy, localAddresses)
    this.#folders = new FolderPolicy(base.mediator.destinationPolicy.folders, base.stateDir)
    this.#trusted = new Set(base.destinations.flatMap(each => targetOf(each)?.text ?? []))
  }

  /** The check of one host and port, for whoever connects. */
  checkOf(host: string, port: number): AddressCheck {
    if (this.#trusted.has(targetText(host, port))) return undefined
    return address => this.#addresses.allowsPort(port) && this.#addresses.allows(address)
  }

  /** The check of the file or folder of a destination, for whoever opens it. */
  fileCheckOf(path: string): PathCheck {
    if (this.#trusted.has(fileText(path))) return undefined
    return realPath => this.#folders.allows(realPath, realOf)
  }

  /** What is wrong with the target of a destination, as far as it shows without looking names up. */
  issuesOf(destination: Destination, path: string): ConfigIssue[] {
    const target = targetOf(destination)
    return target === undefined || 'host' in target
      ? this.#issuesOfEndpoint(target, path)
      : this.#issuesOfFile(target, path)
  }

  /** The same of a url, `udp://…` or `tcp://…`. */
  issuesOfUrl(url: string, path: string): ConfigIssue[] {
    return this.#issuesOfEndpoint(targetOfUrl('url', url), path)
  }

  #issuesOfFile({ text, key, file }: FileTarget, path: string): ConfigIssue[] {
    if (this.#trusted.has(text) || this.#folders.allows(file)) return []
    const allowed = `a path below ${this.#folders.folders.join(' or ')}; or name it in weir.yaml, or its folder in mediator.destinationPolicy.folders there`
    return [{ path: pathOf(path, key), message: `${file} may not be written to`, allowed }]
  }

  #issuesOfEndpoint(target: EndpointTarget | undefined, path: string): ConfigIssue[] {
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
  /** Of the destination. */
  readonly key: string
  /** The same for all ways in which it can be written. */
  readonly text: string
}

interface EndpointTarget extends Target {
  readonly host: string
  readonly port: number
}

/** A file, or a folder for files. */
interface FileTarget extends Target {
  readonly file: string
}

const targetText = (host: string, port: number): string => `${host.toLowerCase().replace(/\.$/, '')}:${port}`

const fileText = (path: string): string => `file:${resolve(path)}`
const fileTarget = (key: string, file: string): FileTarget => ({ key, text: fileText(file), file })

/** Undefined for standard output. */
function targetOf(destination: Destination): EndpointTarget | FileTarget | undefined {
  if (destination.type === 'ipfix-file') return fileTarget('path', destination.path)
  if (destination.type === 'ipfix') return targetOfUrl('url', destination.url)
  const { target } = destination
  return target.startsWith('file:') ? fileTarget('target', target.slice('file:'.length)) : targetOfUrl('target', target)
}

function targetOfUrl(key: string, url: string): EndpointTarget | undefined {
  const endpoint = parseEndpoint(url, ['udp', 'tcp'], 4739)
  if (typeof endpoint === 'string') return undefined
  const { host, port } = endpoint
  return { host, port, key, text: targetText(host, port) }
}

/** Names whose last part is a number are addresses in one of the forms of inet_aton (`0x7f000001`, `2130706433`, `127.1`). */
const isNumber = (host: string): boolean => /^(\d+|0x[0-9a-f]*)$/i.test(host.replace(/\.$/, '').split('.').at(-1)!)

/** One that is not there yet is what it is called. */
function realOf(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}
