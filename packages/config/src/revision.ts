import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, errorCode, errorMessage } from '@weir/runtime'
import { exporterAddress, exporterOverrideIssues, MAX_EXPORTER_OVERRIDES, withOverrides } from './exporter-override.ts'
import type { ExporterOverride, ExporterOverrides } from './exporter-override.ts'
import { resolveConfig, validateDestination } from './resolve-config.ts'
import { fleetHash, isAhead, isFileNewer, withOwnKeys } from './fleet-document.ts'
import type { FleetNews } from './fleet-document.ts'
import { hasRevisions, openRevisions, revisionsPath } from './revision-store.ts'
import type { FleetRecord } from './revision-store.ts'
import type { Destination } from './schema/destination.ts'
import type { WeirConfig } from './schema/document.ts'

/** Where an earlier version kept destinations and what is said of single exporters. */
export const formerRevisionPath = (stateDir: string): string => join(stateDir, 'revision.json')

/** The document in force, and where it comes from. */
export interface RevisedConfig {
  readonly config: WeirConfig
  /**
   * `file`: nothing was changed through the API; `revision`: the newest revision was taken; `former`: what an earlier version kept was
   * taken; `not-taken`: there is something, and it does not belong to this document; `damaged`: it cannot be read.
   */
  readonly origin: 'file' | 'revision' | 'former' | 'not-taken' | 'damaged'
  /** Why it was not taken. */
  readonly reason?: string
}

/**
 * Take the newest revision if it is a change of this very document. A change of file or environment is newer than what the
 * API did before: then the file holds, and the revisions stay for rollback. Changes no file.
 *
 * @param config - the document of file and environment; its `runDir` and `stateDir` stay.
 * @param fleet - how its fleet is asked, where the configuration says that there is one; without it, it is not.
 */
export async function applyRevision(
  config: WeirConfig,
  baseHash: string,
  fleet?: FleetOptions
): Promise<RevisedConfig> {
  if (config.stores.revisions.type !== 'none' && fleet !== undefined) return applyFleetRevision(config, fleet)
  if (!hasRevisions(config.stateDir)) return applyFormer(config, baseHash)
  let head
  try {
    const store = openRevisions(config.stateDir)
    head = await store.head()
    await store.close()
  } catch (error) {
    return { config, origin: 'damaged', reason: `${revisionsPath(config.stateDir)}: ${errorMessage(error)}` }
  }
  if (head === undefined) return applyFormer(config, baseHash)
  if (head.baseHash !== baseHash) {
    return { config, origin: 'not-taken', reason: 'the configuration has changed since' }
  }
  try {
    const { runDir, stateDir } = config
    return { config: resolveConfig({ ...head.document, runDir, stateDir }).config, origin: 'revision' }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [issue] = error.issues
    return { config, origin: 'not-taken', reason: `revision ${head.number} is wrong: ${issue!.path} ${issue!.message}` }
  }
}

/** How the newest revision of a fleet is found at the start of a process. */
export interface FleetOptions {
  /** `ResolvedConfig.ownKeys` */
  readonly ownKeys: readonly string[]
  /** Asks the store; undefined, or no answer: what is on disk is taken. */
  readonly ask?: (baseHash: string) => Promise<FleetNews | undefined>
  /** Keep what is taken on disk, for processes that start after this one and do not ask. */
  readonly isKept?: boolean
}

async function applyFleetRevision(config: WeirConfig, fleet: FleetOptions): Promise<RevisedConfig> {
  const { ownKeys } = fleet
  const baseHash = fleetHash(config, ownKeys)
  let record: FleetRecord | undefined
  try {
    record = await readFleetRecord(config.stateDir)
  } catch (error) {
    return { config, origin: 'damaged', reason: `${revisionsPath(config.stateDir)}: ${errorMessage(error)}` }
  }
  const told = await fleet.ask?.(baseHash)
  const isOnDisk = told === undefined || isAhead(record, told.head)
  const news = isOnDisk ? { head: record?.revision, isBaseKnown: true } : told
  const { head } = news
  if (head === undefined) return { config, origin: 'file' }
  if (isFileNewer(baseHash, record, news)) {
    return { config, origin: 'not-taken', reason: 'the configuration has changed since' }
  }
  try {
    const taken = resolveConfig(withOwnKeys(head.document, config, ownKeys)).config
    if (fleet.isKept === true && !isOnDisk) await keepFleetRecord(config.stateDir, { revision: head, baseHash })
    return { config: taken, origin: 'revision' }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [issue] = error.issues
    return { config, origin: 'not-taken', reason: `revision ${head.number} is wrong: ${issue!.path} ${issue!.message}` }
  }
}

async function readFleetRecord(stateDir: string): Promise<FleetRecord | undefined> {
  if (!hasRevisions(stateDir)) return undefined
  const store = openRevisions(stateDir)
  try {
    return store.fleetRecord()
  } finally {
    await store.close()
  }
}

async function keepFleetRecord(stateDir: string, record: FleetRecord): Promise<void> {
  const store = openRevisions(stateDir)
  try {
    store.keepFleetRecord(record)
  } finally {
    await store.close()
  }
}

async function applyFormer(config: WeirConfig, baseHash: string): Promise<RevisedConfig> {
  let text: string
  try {
    text = await readFile(formerRevisionPath(config.stateDir), 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return { config, origin: 'file' }
    return notTaken(config, `it cannot be read: ${String(error)}`)
  }
  const former = parseFormer(text)
  if (former === undefined) return notTaken(config, 'it is damaged')
  if (former.baseHash !== baseHash) return notTaken(config, 'the configuration has changed since')
  const destinations: Destination[] = []
  for (const value of former.destinations) {
    const { destination, issues } = validateDestination(value, { ...config, destinations })
    if (destination === undefined) {
      return notTaken(config, `a destination in it is wrong: ${issues[0]!.path} ${issues[0]!.message}`)
    }
    destinations.push(destination)
  }
  const exporters = overridesIn(former.exporters)
  if (exporters === undefined) return notTaken(config, 'what it says of exporters is wrong')
  return { config: withOverrides({ ...config, destinations }, exporters), origin: 'former' }
}

const notTaken = (config: WeirConfig, reason: string): RevisedConfig => ({ config, origin: 'not-taken', reason })

function overridesIn(value: unknown): ExporterOverrides | undefined {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  const areRight = entries.every(
    ([address, override]) => exporterAddress(address) === address && exporterOverrideIssues(override).length === 0
  )
  if (!areRight || entries.length > MAX_EXPORTER_OVERRIDES) return undefined
  return Object.fromEntries(entries as [string, ExporterOverride][])
}

interface Former {
  readonly baseHash: string
  readonly destinations: readonly unknown[]
  readonly exporters: unknown
}

function parseFormer(text: string): Former | undefined {
  try {
    const value = JSON.parse(text) as Partial<Former> | null
    if (typeof value?.baseHash !== 'string' || !Array.isArray(value.destinations)) return undefined
    return { baseHash: value.baseHash, destinations: [...value.destinations], exporters: value.exporters }
  } catch {
    return undefined
  }
}

/**
 * Put a file of revisions out of the way, keeping it.
 *
 * @param path - `revisionsPath` or `formerRevisionPath`.
 * @returns its new path, or undefined if there was none.
 */
export async function setRevisionAside(path: string, nowMs: number): Promise<string | undefined> {
  const aside = `${path}.${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')}.old`
  try {
    await rename(path, aside)
    return aside
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
