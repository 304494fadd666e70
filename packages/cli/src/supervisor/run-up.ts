import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { applyRevision, writeEffectiveDocument } from '@weir/config'
import type { ResolvedConfig, WeirConfig } from '@weir/config'
import { CodedError, createLog, runProcess, systemClock } from '@weir/runtime'
import type { Component, Log } from '@weir/runtime'
import { fleetOf } from '../fleet-news.ts'
import { tellOfRevision } from '../revision-report.ts'
import { weirChildren } from './child-host.ts'
import { greetingOf } from './greeting.ts'
import { prettyLine } from './pretty-line.ts'
import { makeRunFolder } from './run-folder.ts'
import type { RunFolder } from './run-folder.ts'
import { takeStateFolder } from './state-folder.ts'
import type { FolderLock } from './folder-lock.ts'
import { createSupervisor } from './supervisor.ts'
import type { SupervisedChild } from './supervised-child.ts'
import type { Supervisor, SupervisedSpec } from './supervisor.ts'

/** All of the stop, so that 30 s hold. */
const STOP_MS = 28_000

/** The order of starting; each leaves time for those that stop after it. */
const podChildren = [
  { name: 'coordinator', leaveMs: 0 },
  { name: 'mediator', leaveMs: 2_000 },
  { name: 'collector', leaveMs: 7_000 }
]

export interface UpRequest {
  readonly resolved: ResolvedConfig
  /** Children besides the pod, started before it and stopped after it. */
  readonly before?: readonly SupervisedSpec[]
  /** Started after it and stopped before it. */
  readonly after?: readonly SupervisedSpec[]
  /** Removed at the end. */
  readonly temporaryFolders?: readonly string[]
  /** It belongs to a program, which is told over the IPC channel where things are: nobody is greeted. */
  readonly isQuiet?: boolean
}

const writeLine = (line: string): void => void process.stderr.write(`${prettyLine(line.trimEnd())}\n`)

/** Run a whole Weir until it is told to stop; then exits the process. */
export async function runUp(request: UpRequest): Promise<void> {
  const { resolved, before = [], after = [], temporaryFolders = [], isQuiet = false } = request
  const isTerminal = process.stderr.isTTY
  const log = createLog({
    name: 'up',
    level: resolved.config.log.level,
    ...(isTerminal ? { destination: { write: writeLine } } : {})
  })
  for (const warning of resolved.warnings) log.warn('config_warning', warning)
  const state = await takeStateFolder(resolved.config.stateDir)
  const folder = await makeRunFolder(resolved.config.runDir)
  const config = await revisedConfig(resolved, log)
  const effective = await writeEffectiveDocument(folder.path, {
    config: { ...resolved.config, runDir: folder.path },
    baseHash: resolved.baseHash,
    base: resolved.config,
    ownKeys: resolved.ownKeys
  })
  const pod = podChildren.map(child => ({ ...child, args: [child.name, '--effective', effective], isProcess: true }))
  const front: SupervisedSpec = {
    name: 'front',
    // Its port may be any free one, and another one after a restart of ours only.
    args: () => ['front', '--effective', effective, '--pod', urlOf(supervisor, 'coordinator') ?? ''],
    isProcess: true,
    isBeside: true,
    leaveMs: 0
  }
  const jobWorker: SupervisedSpec = {
    name: 'job-worker',
    args: ['job-worker', '--effective', effective],
    isProcess: true,
    isBeside: true,
    leaveMs: 0
  }
  const [coordinator, ...dataPath] = pod
  const besides = config.front === null ? [] : config.front.jobs === null ? [front] : [front, jobWorker]
  const all = [coordinator!, ...besides, ...dataPath]
  const supervisor: Supervisor = createSupervisor([...before, ...all, ...after], {
    log,
    clock: systemClock,
    // What comes and goes with a job is compiled once for all of them.
    startChild: weirChildren(
      (isQuiet ? process.env['NODE_COMPILE_CACHE'] : undefined) ?? join(resolved.config.stateDir, 'compiled')
    ),
    ...(isTerminal ? { onLine: writeLine } : {})
  })
  process.once('exit', () => supervisor.killAll())
  const components = [removal(state, folder, temporaryFolders), spoken(supervisor)]
  await runProcess('up', components, {
    log,
    stopMs: STOP_MS,
    describe: () => (isQuiet ? { coordinatorUrl: urlOf(supervisor, 'coordinator') } : greet(config, supervisor))
  })
}

/** The document as the control API left it, where that belongs to what file and environment say now. */
async function revisedConfig({ config, baseHash, ownKeys }: ResolvedConfig, log: Log): Promise<WeirConfig> {
  // The children take what is on disk then: of one pod all start from the same revision.
  const revised = await applyRevision(config, baseHash, { ownKeys, ask: fleetOf(config), isKept: true })
  await tellOfRevision(revised, log)
  return revised.config
}

/** A child's error as one sentence besides the log, so that nobody has to read JSON to learn that a port is busy. */
function spoken(supervisor: Supervisor): Component {
  return {
    name: supervisor.name,
    stop: deadlineMs => supervisor.stop(deadlineMs),
    async start(signal) {
      try {
        await supervisor.start(signal)
      } catch (error) {
        if (error instanceof CodedError) process.stderr.write(`weir: ${error.message}\n`)
        throw error
      }
    }
  }
}

const removal = (state: FolderLock, folder: RunFolder, others: readonly string[]): Component => ({
  name: 'folders',
  start: async () => undefined,
  async stop() {
    await folder.remove()
    await state.release()
    for (const path of others) await rm(path, { recursive: true, force: true })
  }
})

const childOf = (supervisor: Supervisor, name: string): SupervisedChild | undefined =>
  supervisor.children.find(({ spec }) => spec.name === name)

function urlOf(supervisor: Supervisor, name: string): string | undefined {
  const url = childOf(supervisor, name)?.details.url
  return typeof url === 'string' ? url : undefined
}

function greet(config: WeirConfig, supervisor: Supervisor): Record<string, unknown> {
  const { adminKeyPath, isAdminKeyNew } = childOf(supervisor, 'front')?.details ?? {}
  const lines = greetingOf(config, {
    coordinatorUrl: urlOf(supervisor, 'coordinator'),
    frontUrl: urlOf(supervisor, 'front'),
    // Printed by the start that made it, and never again.
    newAdminKey: isAdminKeyNew === true ? readFileSync(String(adminKeyPath), 'utf8').trim() : undefined
  })
  const isStdoutTaken = config.destinations.some(each => each.type === 'json' && each.target === 'stdout')
  const stream = isStdoutTaken ? process.stderr : process.stdout
  stream.write(`${lines.join('\n')}\n`)
  return { children: Object.fromEntries(supervisor.children.map(({ spec, pid }) => [spec.name, pid])) }
}
