import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CodedError, ConfigError, errorCode, errorMessage, exitCodes } from '@weir/runtime'
import type { ConfigIssue } from '@weir/runtime'
import { checkValue } from './check-value.ts'
import { crossCheck, destinationIssues, ownAddresses } from './cross-check.ts'
import { applyEnvironment } from './environment.ts'
import { environmentKeys, podKeys } from './own-keys.ts'
import { saidKeys } from './said-keys.ts'
import { Destination } from './schema/destination.ts'
import { WeirConfig } from './schema/document.ts'
import type { SchemaNode } from './schema/node.ts'
import { readYaml } from './yaml-document.ts'

/** The schema as the checker and the generators read it. */
export const configSchema = WeirConfig as SchemaNode

/** The effective document and what is to be said about it. */
export interface ResolvedConfig {
  readonly config: WeirConfig
  /** Things to log at start that are no errors. */
  readonly warnings: readonly string[]
  /** Content hash of defaults, file and environment, without `runDir`; names the base of a revision. */
  readonly baseHash: string
  /** Paths of keys that are this pod's own, whatever its fleet has in common; see `fleetDocument`. */
  readonly ownKeys: readonly string[]
}

export interface ResolveOptions {
  /** Default: none. `process.env` for the real one. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** What the document is called in errors. */
  readonly source?: string
  /** Default: those of this machine. */
  readonly localAddresses?: readonly string[]
  /**
   * Files of elements whose names filters may use. Default: those that the document names, which are then read: only for who may read
   * every file that this process may.
   */
  readonly elementFiles?: readonly string[]
}

/**
 * Defaults, document and environment to the effective document.
 *
 * @param document - plain data as read from YAML or JSON; undefined or null = empty.
 * @throws ConfigError with everything that is wrong.
 */
export function resolveConfig(document: unknown, options: ResolveOptions = {}): ResolvedConfig {
  const { document: merged, issues: found, warnings: said, setBy } = layered(document, options)
  const issues: ConfigIssue[] = [...found]
  const config = checkValue(configSchema, impliedAllowAny(merged), '', issues) as WeirConfig
  if (issues.length === 0) {
    issues.push(...crossCheck(config, options.localAddresses ?? ownAddresses(), options.elementFiles))
  }
  if (issues.length > 0)
    throw new ConfigError(
      issues.map(issue => withVariable(issue, setBy)),
      options.source
    )
  const warnings = [...said]
  if (config.collector.allowAny) {
    warnings.push(
      'collector.allowAny is true: Messages are taken from any address, and UDP sources can be forged; set collector.allow'
    )
  }
  config.collector.listeners.forEach((listener, index) => {
    if (listener.transport !== 'tcp' || !(listener.proxyProtocol?.from.some(block => block.endsWith('/0')) ?? false))
      return
    warnings.push(
      `collector.listeners[${index}].proxyProtocol.from is everybody: whoever connects can say that he is any exporter; name the load balancers`
    )
  })
  const store = config.stores.templates
  if (store.type !== 'none' && store.keyFile === null) {
    warnings.push(
      'stores.templates.keyFile is null: entries of the store are not authenticated, and whoever can write to it can say what a template is'
    )
  }
  const { revisions } = config.stores
  if (revisions.type !== 'none' && revisions.keyFile === null) {
    warnings.push(
      'stores.revisions.keyFile is null: revisions are not authenticated, and whoever can write to the store can change the configuration of the fleet'
    )
  }
  const { keys } = config.stores
  if (keys.type !== 'none' && keys.keyFile === null) {
    warnings.push(
      'stores.keys.keyFile is null: API keys are not authenticated, and whoever can write to the store can make himself an admin'
    )
  }
  const ownKeys = [...podKeys, ...environmentKeys.filter(key => setBy.has(key))]
  return { config, warnings, baseHash: baseHashOf(config), ownKeys }
}

/** A key that came later and says nothing does not make it another document. */
const baseHashOf = (config: WeirConfig): string => hashOf(saidKeys({ ...config, runDir: null }, configSchema))

/** Names the variable, where that and not the file said it. */
function withVariable(issue: ConfigIssue, setBy: ReadonlyMap<string, string>): ConfigIssue {
  for (const [path, name] of setBy) {
    if (issue.path === path || issue.path.startsWith(`${path}.`) || issue.path.startsWith(`${path}[`)) {
      return { ...issue, message: `${issue.message}, set by ${name}` }
    }
  }
  return issue
}

function layered(document: unknown, options: ResolveOptions): ReturnType<typeof applyEnvironment> {
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
  if (document !== undefined && document !== null && !isObject) {
    throw new ConfigError([{ path: '', message: 'is not an object', allowed: 'keys and values' }], options.source)
  }
  return applyEnvironment(configSchema, document ?? {}, options.environment ?? {})
}

/** Whoever writes an `allow` list means it: then `allowAny` is false unless it is written too (and then refused). */
function impliedAllowAny(document: unknown): unknown {
  const collector = (document as { collector?: unknown }).collector
  if (typeof collector !== 'object' || collector === null || 'allowAny' in collector) return document
  const isListed = 'allow' in collector && Array.isArray(collector.allow) && collector.allow.length > 0
  return isListed ? { ...(document as object), collector: { ...collector, allowAny: false } } : document
}

/**
 * Read a configuration file and resolve it.
 *
 * @param file - YAML (JSON is YAML too); undefined = no file, defaults and environment only.
 * @throws ConfigError, or a CodedError of the same exit code (78) if the file cannot be read.
 */
export async function loadConfig(file: string | undefined, options: ResolveOptions = {}): Promise<ResolvedConfig> {
  if (file === undefined) return resolveConfig(undefined, options)
  const source = options.source ?? file
  return resolveConfig(readYaml(await readText(file), source), { ...options, source })
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder'
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = errorCode(error) ?? 'UNREADABLE'
    const why = unreadable[code] ?? errorMessage(error)
    throw new CodedError(code, `configuration ${file}: ${why}`, exitCodes.config, { file }, error)
  }
}

/** What {@link validateDestination} found: a destination with its defaults, or what is wrong. */
export type DestinationResult =
  | { readonly destination: Destination; readonly issues: readonly [] }
  | { readonly destination: undefined; readonly issues: readonly ConfigIssue[] }

/**
 * Check one destination, as the control API takes it.
 *
 * @param value - plain data.
 * @param config - the effective document with the destinations as they are now, for loops and shared files; one of the same id
 * is left out of account, so that a change can be checked. Whether the id is free is the caller's to ask.
 */
export function validateDestination(
  value: unknown,
  config?: WeirConfig,
  localAddresses: readonly string[] = ownAddresses()
): DestinationResult {
  const issues: ConfigIssue[] = []
  const destination = checkValue(Destination as SchemaNode, value, '', issues) as Destination
  if (issues.length === 0 && config !== undefined) {
    issues.push(...destinationIssues(destination, config, localAddresses, ''))
  }
  return issues.length === 0 ? { destination, issues: [] } : { destination: undefined, issues }
}

/** Content hash of plain data: the order of keys does not matter. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortedKeys)).digest('hex')
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
