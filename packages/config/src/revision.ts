import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, writeFileAtomic } from '@weir/runtime'
import { exporterAddress, exporterOverrideIssues, MAX_EXPORTER_OVERRIDES } from './exporter-override.ts'
import type { ExporterOverride, ExporterOverrides } from './exporter-override.ts'
import { validateDestination } from './resolve-config.ts'
import type { Destination } from './schema/destination.ts'
import type { WeirConfig } from './schema/document.ts'

/** The destinations and what is said of single exporters as the control API left them, and the document they were a change of. */
export interface Revision {
  /** `ResolvedConfig.baseHash` of the document this is a change of. */
  readonly baseHash: string
  readonly destinations: readonly Destination[]
  readonly exporters?: ExporterOverrides
}

/** Where it stands. */
export const revisionPath = (stateDir: string): string => join(stateDir, 'revision.json')

/** Keep a revision over a restart; whole or not at all. The folder is made if it is not there. */
export async function writeRevision(stateDir: string, revision: Revision): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  await writeFileAtomic(revisionPath(stateDir), `${JSON.stringify(revision, undefined, 2)}\n`)
}

/** The document with the kept destinations, and where they come from. */
export interface RevisedConfig {
  readonly config: WeirConfig
  readonly exporters: ExporterOverrides
  /** `file`: there is no revision; `revision`: it was taken; `set-aside`: it does not belong to this document, or is damaged. */
  readonly origin: 'file' | 'revision' | 'set-aside'
  /** Why it was not taken. */
  readonly reason?: string
}

/**
 * Take the kept destinations if they are a change of this very document. A change of file or environment is newer than what the
 * API did before, so the revision is then not taken. Changes no file: see {@link setRevisionAside}.
 */
export async function applyRevision(config: WeirConfig, baseHash: string): Promise<RevisedConfig> {
  let text: string
  try {
    text = await readFile(revisionPath(config.stateDir), 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR')
      return { config, exporters: {}, origin: 'file' }
    return setAside(config, `it cannot be read: ${String(error)}`)
  }
  const revision = parseRevision(text)
  if (revision === undefined) return setAside(config, 'it is damaged')
  if (revision.baseHash !== baseHash) return setAside(config, 'the configuration has changed since')
  const destinations: Destination[] = []
  for (const value of revision.destinations) {
    const { destination, issues } = validateDestination(value, { ...config, destinations })
    if (destination === undefined) {
      return setAside(config, `a destination in it is wrong: ${issues[0]!.path} ${issues[0]!.message}`)
    }
    destinations.push(destination)
  }
  const exporters = overridesIn(revision.exporters)
  if (exporters === undefined) return setAside(config, 'what it says of exporters is wrong')
  return { config: { ...config, destinations }, exporters, origin: 'revision' }
}

const setAside = (config: WeirConfig, reason: string): RevisedConfig => ({
  config,
  exporters: {},
  origin: 'set-aside',
  reason
})

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

function parseRevision(text: string): { baseHash: string; destinations: unknown[]; exporters: unknown } | undefined {
  try {
    const value = JSON.parse(text) as Partial<Revision> | null
    if (typeof value?.baseHash !== 'string' || !Array.isArray(value.destinations)) return undefined
    return { baseHash: value.baseHash, destinations: [...value.destinations], exporters: value.exporters }
  } catch {
    return undefined
  }
}

/**
 * Put the revision file out of the way, keeping it.
 *
 * @returns its new path, or undefined if there was none.
 */
export async function setRevisionAside(stateDir: string, nowMs: number): Promise<string | undefined> {
  const path = revisionPath(stateDir)
  const aside = `${path}.${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')}.old`
  try {
    await rename(path, aside)
    return aside
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
