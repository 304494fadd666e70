import { existsSync, readFileSync } from 'node:fs'
import { createCoordinatorClient, createFrontClient, send } from '@weir/client'
import type { ApiOptions, CoordinatorClient, FrontClient } from '@weir/client'
import { CodedError, errorMessage, exitCodes } from '@weir/runtime'

/** Where the command line says the API is. */
export interface TargetOptions {
  readonly url: string
  readonly keyFile?: string
}

/** An API that answers: that of a fleet, or that of one pod. */
export type Target = { readonly options: ApiOptions } & (
  | { readonly kind: 'front'; readonly client: FrontClient }
  | { readonly kind: 'coordinator'; readonly client: CoordinatorClient }
)

/** Where `weir up` leaves the key of its first start. */
const ownKeyFile = 'var/admin.key'
const loopback = new Set(['127.0.0.1', '[::1]', 'localhost'])

/**
 * Find out which API is there.
 *
 * @throws CodedError if the address is none, or no key can be read; ApiError if nobody answers or the key is refused.
 */
export async function targetOf({ url, keyFile }: TargetOptions): Promise<Target> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new CodedError(
      'URL_INVALID',
      `${JSON.stringify(url)} is no address of an API; give one such as http://127.0.0.1:8080 with --url or WEIR_URL.`,
      exitCodes.usage
    )
  }
  const key = keyOf(url, keyFile)
  const options: ApiOptions = key === undefined ? { url } : { url, key }
  const response = await send(new Request(`${url.replace(/\/+$/, '')}/version`), options)
  const { process } = (await response.json()) as { process?: string }
  return process === 'coordinator'
    ? { kind: 'coordinator', options, client: createCoordinatorClient(options) }
    : { kind: 'front', options, client: createFrontClient(options) }
}

/** That of the file named, of `WEIR_KEY`, or of a Weir that was started in this folder; the last only for this machine. */
function keyOf(url: string, keyFile: string | undefined): string | undefined {
  if (keyFile !== undefined) return readKey(keyFile)
  const given = process.env.WEIR_KEY
  if (given !== undefined && given !== '') return given
  return loopback.has(new URL(url).hostname) && existsSync(ownKeyFile) ? readKey(ownKeyFile) : undefined
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CodedError(
      'KEY_UNREADABLE',
      `The key of ${path} cannot be read: ${errorMessage(error)}.`,
      exitCodes.noInput
    )
  }
}

/** @throws CodedError if the API is that of one pod. */
export function frontOf(target: Target, what: string): FrontClient {
  if (target.kind === 'front') return target.client
  throw wrongApi(target, what, fleetApi)
}

const fleetApi = 'the web API of the fleet (port 8080)'
const podApi = "a pod's control API (port 8090)"

const wrongApi = ({ options }: Target, what: string, where: string): CodedError =>
  new CodedError(
    'WRONG_API',
    `${what} is asked of ${where}, and ${options.url} is not one; name it with --url.`,
    exitCodes.usage
  )

/**
 * Where an API has something.
 *
 * @throws CodedError if only the other API has it.
 */
export function pathOf(
  target: Target,
  paths: { readonly front?: string; readonly coordinator?: string },
  what: string
): string {
  const path = paths[target.kind]
  if (path !== undefined) return path
  throw wrongApi(target, what, target.kind === 'front' ? podApi : fleetApi)
}
