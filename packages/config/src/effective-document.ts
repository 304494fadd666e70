import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, writeFileAtomic } from '@weir/runtime'
import { environmentKeys } from './own-keys.ts'
import { resolveConfig } from './resolve-config.ts'
import type { WeirConfig } from './schema/document.ts'

/** What the supervisor hands to the processes: everything resolved, `runDir` filled in. */
export interface EffectiveDocument {
  readonly config: WeirConfig
  /** See `ResolvedConfig.baseHash`: that of the document before `runDir` was filled in. */
  readonly baseHash: string
  /** The document of file and environment, where `config` is a later revision of it: see `applyRevision`. */
  readonly base?: WeirConfig
  /** See `ResolvedConfig.ownKeys`; without it, those that are always the pod's own. */
  readonly ownKeys?: readonly string[]
}

/** Where it stands. */
export const effectiveDocumentPath = (runDir: string): string => join(runDir, 'config.json')

/** Write it, whole or not at all. */
export async function writeEffectiveDocument(runDir: string, document: EffectiveDocument): Promise<string> {
  const path = effectiveDocumentPath(runDir)
  await writeFileAtomic(path, `${JSON.stringify(document, undefined, 2)}\n`)
  return path
}

/**
 * Read it back and check it again: it is a file that somebody could have changed.
 *
 * @throws ConfigError, or the system's error if it cannot be read.
 */
export async function readEffectiveDocument(path: string): Promise<EffectiveDocument> {
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ConfigError([{ path: '', message: 'is not JSON' }], path)
  }
  const { config, baseHash, base, ownKeys } = parsed as Partial<EffectiveDocument>
  if (typeof baseHash !== 'string') throw new ConfigError([{ path: 'baseHash', message: 'is required' }], path)
  const { config: checked, ownKeys: always } = resolveConfig(config, { source: path })
  return {
    config: checked,
    baseHash,
    ownKeys: [...always, ...environmentKeys.filter(key => ownKeys?.includes(key) === true)],
    ...(base === undefined ? {} : { base: resolveConfig(base, { source: path }).config })
  }
}
