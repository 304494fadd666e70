import { resolve } from 'node:path'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { EffectiveDocument, FrontConfig, ResolvedConfig } from '@weir/config'
import { createLog } from '@weir/runtime'
import type { Log } from '@weir/runtime'

/** Where a process takes its document from: a file of the operator's, or what the supervisor resolved already. */
export interface DocumentOptions {
  readonly config?: string
  readonly effective?: string
}

/** The options of every command that runs one process. */
export const addDocumentOptions = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'weir.yaml; without it the defaults and the environment (WEIR_…)')
    .addOption(new Option('--effective <file>', 'the document that weir up has resolved').hideHelp())

/**
 * The effective document of one process, with the destinations and exporters as the control API left them.
 *
 * @param process - its name in the log.
 */
export async function loadDocument(process: string, options: DocumentOptions): Promise<EffectiveDocument> {
  const { readEffectiveDocument } = await import('@weir/config')
  if (options.effective !== undefined) return revised(await readEffectiveDocument(options.effective), undefined)
  const { config, warnings, baseHash, ownKeys } = await loadOperatorConfig(options.config)
  const log = createLog({ name: process, level: config.log.level })
  for (const warning of warnings) log.warn('config_warning', warning)
  return revised({ config: { ...config, runDir: config.runDir ?? '/run/weir' }, baseHash, ownKeys }, log)
}

/** The operator's document, with the environment over it; paths in it are made absolute, so that every process means the same. */
export async function loadOperatorConfig(file: string | undefined): Promise<ResolvedConfig> {
  const { loadConfig } = await import('@weir/config')
  const resolved = await loadConfig(file, { environment: process.env })
  const { config } = resolved
  return {
    ...resolved,
    config: {
      ...config,
      stateDir: resolve(config.stateDir),
      runDir: config.runDir === null ? null : resolve(config.runDir),
      front: config.front === null ? null : absoluteFront(config.front),
      collector: { ...config.collector, elementFiles: config.collector.elementFiles.map(path => resolve(path)) }
    }
  }
}

const absoluteFront = (front: FrontConfig): FrontConfig => {
  const folder = front.jobs?.folder ?? null
  return folder === null ? front : { ...front, jobs: { ...front.jobs!, folder: resolve(folder) } }
}

/** @param log - undefined: the supervisor has asked the fleet, and has spoken of a revision that is not taken. */
async function revised(document: EffectiveDocument, log: Log | undefined): Promise<EffectiveDocument> {
  const { config: written, ownKeys = [] } = document
  const { runDir } = written
  const { applyRevision } = await import('@weir/config')
  const ask = log === undefined ? {} : { ask: (await import('./fleet-news.ts')).fleetOf(written) }
  const revised = await applyRevision(written, document.baseHash, { ownKeys, ...ask })
  if (log !== undefined) await (await import('./revision-report.ts')).tellOfRevision(revised, log)
  const base = document.base ?? { ...document.config, runDir }
  return { ...document, base, config: revised.config }
}
