import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { resolveConfig } from '@weir/config'
import { CodedError, ConfigError, exitCodes } from '@weir/runtime'
import type { ProcessMessage, SupervisorMessage } from '@weir/runtime'
import type { Ledger } from '@weir/http'
import type { TaskSurroundings } from '../task-surroundings.ts'
import type { SandboxDestination } from './replay-params.ts'
import { sandboxDocument } from './sandbox-document.ts'

const STOP_MS = 25_000
const POLL_MS = 10
/** Nothing has moved for so long: what has not come is lost, as with a session that the collector has ended for its faults. */
const STILL_MS = 2_000
/** And if something is still on its way in the pipeline then, that has stalled. */
const STALL_MS = 10_000
/** The longest folder in which the sockets of the pipeline find room in their names. */
const LONGEST_TMPDIR = 50
const LAST_WORDS = 4_096

type WholeLedger = Ledger & {
  readonly collector: NonNullable<Ledger['collector']>
  readonly mediator: NonNullable<Ledger['mediator']>
}

const isWhole = (ledger: Ledger): ledger is WholeLedger => ledger.collector !== null && ledger.mediator !== null

function isSettled({ collector, mediator }: WholeLedger): boolean {
  const queued = Object.values(mediator.destinations).reduce((sum, each) => sum + each.queued, 0)
  return collector.window.inWindow + collector.records.held + mediator.batches.unsettled + queued === 0
}

interface Ready {
  readonly coordinatorUrl: string
}

/**
 * A pipeline as `weir up` runs it, in processes of its own. It ends when its IPC channel does, so it does not outlive a thread or a
 * job worker that is killed.
 */
export class Sandbox {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #ended: Promise<number>
  #lastWords = ''
  #url = ''
  #received = 0
  #lost = 0
  ports: { readonly udp: number; readonly tcp: number } = { udp: 0, tcp: 0 }

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
    this.#ended = once(child, 'close').then(([code]) => Number(code ?? -1))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS)
    })
  }

  /**
   * Start one, and use it; it is gone when this resolves or rejects, and its folder with it.
   *
   * @param outputFolder - where its destination writes.
   * @param signal - ends all of it at once.
   * @throws CodedError DESTINATION_INVALID; Error if it cannot be started.
   */
  static async with<T>(
    destination: SandboxDestination,
    outputFolder: string,
    surroundings: TaskSurroundings,
    signal: AbortSignal,
    use: (sandbox: Sandbox) => Promise<T>
  ): Promise<T> {
    const { weir } = surroundings
    if (weir === undefined) throw noSandbox()
    const run = await mkdtemp(join(tmpdir().length > LONGEST_TMPDIR ? '/tmp' : tmpdir(), 'weir-'))
    let sandbox: Sandbox | undefined
    const kill = (): void => sandbox?.kill()
    try {
      const document = sandboxDocument(destination, { run, output: outputFolder }, surroundings)
      checkDocument(document)
      const file = join(run, 'sandbox.json')
      await writeFile(file, JSON.stringify(document), { mode: 0o600 })
      signal.throwIfAborted()
      sandbox = new Sandbox(start([...weir, 'sandbox', file]), run)
      signal.addEventListener('abort', kill, { once: true })
      await sandbox.#begin()
      const result = await use(sandbox)
      await sandbox.#stop()
      return result
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', kill)
      if (sandbox !== undefined) await sandbox.#gone()
      await rm(run, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  async #gone(): Promise<void> {
    this.kill()
    await this.#ended
  }

  /** End it and all its processes at once. */
  kill(): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }

  async ledger(): Promise<Ledger> {
    return this.#get<Ledger>('/v1/ledger')
  }

  /** Messages that were sent and have not come. */
  get lost(): number {
    return this.#lost
  }

  /** Wait until it has all of so many Messages that were sent, but for those that are lost. */
  async untilReceived(messages: number): Promise<void> {
    await this.#until(messages, () => true)
  }

  /** Wait until also all that it has is where it belongs. @returns the ledger then. @throws Error if that never is so. */
  async untilSettled(messages: number): Promise<Ledger> {
    return this.#until(messages, isSettled)
  }

  async #begin(): Promise<void> {
    const ready = new Promise<Ready>(resolve => {
      this.#child.on('message', (message: ProcessMessage) => {
        if (message.type === 'ready') resolve(message.details as unknown as Ready)
      })
    })
    const { coordinatorUrl } = await Promise.race([ready, this.#ended.then(code => this.#failed(code))])
    this.#url = coordinatorUrl
    const { items } = await this.#get<{ items: readonly { name: string; port: number }[] }>('/v1/listeners')
    const portOf = (name: string): number => items.find(each => each.name === name)!.port
    this.ports = { udp: portOf('udp'), tcp: portOf('tcp') }
  }

  /** In order: all that was taken is in the files, and those are whole. */
  async #stop(): Promise<void> {
    const stop: SupervisorMessage = { type: 'stop', deadlineMs: STOP_MS }
    this.#child.send(stop)
    const code = await this.#ended
    if (code !== 0) this.#failed(code)
  }

  async #until(messages: number, isDone: (ledger: WholeLedger) => boolean): Promise<Ledger> {
    let seen = ''
    let changedAtMs = performance.now()
    for (;;) {
      const ledger = await this.ledger()
      const now = JSON.stringify([ledger.collector, ledger.mediator])
      if (now !== seen) changedAtMs = performance.now()
      seen = now
      const stillMs = performance.now() - changedAtMs
      if (isWhole(ledger)) {
        const { received } = ledger.collector.messages
        if (received < this.#received) throw new Error(`the collector of the pipeline was started again: ${now}`)
        this.#received = received
        if (stillMs > STILL_MS && isSettled(ledger)) this.#lost = Math.max(this.#lost, messages - received)
        if (received + this.#lost >= messages && isDone(ledger)) return ledger
      }
      if (stillMs > STALL_MS) throw new Error(`the pipeline has stalled: ${now}`)
      await pause(POLL_MS)
    }
  }

  async #get<T>(path: string): Promise<T> {
    const beganAtMs = performance.now()
    for (;;) {
      const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(STALL_MS) })
      if (response.ok) return (await response.json()) as T
      await response.body?.cancel()
      // Its processes are ready a little before they have found each other.
      if (response.status !== 503 || performance.now() - beganAtMs > STALL_MS) {
        throw new Error(`the pipeline answers ${path} with ${response.status}`)
      }
      await pause(POLL_MS)
    }
  }

  #failed(code: number): never {
    throw new Error(`the pipeline in ${this.#folder} ended with ${code}: ${this.#lastWords}`)
  }
}

const noSandbox = (): CodedError =>
  new CodedError(
    'NO_SANDBOX',
    'This job worker cannot start pipelines; run it as weir job-worker.',
    exitCodes.unavailable
  )

function checkDocument(document: object): void {
  try {
    resolveConfig(document)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const issues = error.issues.map(({ path, message, allowed }) => {
      const hint = allowed === undefined ? '' : ` (allowed: ${allowed})`
      return `${path.replace(/^destinations\[0\]\.?/, '')}: ${message}${hint}`
    })
    throw new CodedError('DESTINATION_INVALID', `The destination is wrong: ${issues.join('; ')}.`, exitCodes.badInput)
  }
}

/** Variables of the environment would be laid over the document. */
const start = ([program, ...args]: readonly string[]): ChildProcess =>
  spawn(program!, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')))
  })
