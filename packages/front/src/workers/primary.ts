import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { FrontConfig, WeirConfig } from '@weir/config'
import { CodedError, createMetrics, delay, mergeMetrics, systemClock } from '@weir/runtime'
import type { Component, Log, Metrics, ProcessMessage } from '@weir/runtime'
import { AuditLog } from '../auth/audit-log.ts'
import type { AuditLine } from '../auth/audit-log.ts'
import { KeyBook } from '../auth/key-book.ts'
import type { KeyStore } from '../auth/key-store.ts'
import { RateLimiter } from '../auth/rate-limiter.ts'
import type { Role } from '../auth/role.ts'
import { silentFrontMetrics } from '../metrics.ts'
import type { Limited } from './front-home.ts'
import { IpcPeer } from './ipc-peer.ts'
import type { Lease } from './leased-limiter.ts'
import type { WorkerTask } from './worker-main.ts'

const workerFile = fileURLToPath(new URL('worker-main.ts', import.meta.url))

/** A worker that does not take a change of keys in this time is ended: it would let in who may not. */
const ANSWER_MS = 2_000
const RESTART_MIN_MS = 100
const RESTART_MAX_MS = 10_000
/** A worker that lived for so long has not failed at its start. */
const SETTLED_MS = 10_000
/** Parts of a limit that are given to a worker at once, for each worker. */
const LEASES = 8

export interface PrimaryOptions {
  readonly config: WeirConfig & { readonly front: FrontConfig }
  readonly workers: number
  readonly version: string
  readonly pods?: readonly string[]
  readonly log: Log
  /** Keys that several fronts have in common. */
  readonly keyStore?: KeyStore | undefined
}

/** One HTTP process. */
interface Member {
  readonly worker: Worker
  readonly peer: IpcPeer
  /** It has its keys, so it is told of changes. */
  hasKeys: boolean
  isServing: boolean
}

/**
 * A front of several HTTP processes that share its port. This one serves nothing itself: it keeps what there is once (keys, audit log,
 * limits), begins a worker anew that has ended, and adds up their metrics.
 */
export class FrontPrimary implements Component {
  readonly name = 'front'
  readonly adminKeyPath: string
  isAdminKeyNew = false
  url = ''
  readonly #options: PrimaryOptions
  readonly #keys: KeyBook
  readonly #audit: AuditLog
  readonly #limiters: Readonly<Record<Limited, { readonly limiter: RateLimiter; readonly atOnce: number }>>
  readonly #metrics: Metrics
  readonly #members = new Set<Member>()
  #restarts = 0
  #restartMs = RESTART_MIN_MS
  #isStopping = false
  #begun: { resolve(): void; reject(error: Error): void } | undefined

  constructor(options: PrimaryOptions) {
    this.#options = options
    const { config, log, workers } = options
    const { limits } = config.front
    this.#keys = new KeyBook({
      stateDir: config.stateDir,
      clock: systemClock,
      limit: limits.keys,
      store: options.keyStore,
      log
    })
    this.#keys.onChange(keys => this.#tellKeys(keys))
    this.adminKeyPath = this.#keys.adminKeyPath
    this.#audit = new AuditLog(config.stateDir, log)
    const limited = (count: number, windowMs: number) => ({
      limiter: new RateLimiter(systemClock, count, windowMs),
      atOnce: Math.max(1, Math.floor(count / (LEASES * workers)))
    })
    this.#limiters = {
      requests: limited(limits.requestsPerSec, 1_000),
      writes: limited(limits.writesPerSec, 1_000),
      failures: limited(limits.failedLoginsPerMin, 60_000)
    }
    this.#metrics = createMetrics(...silentFrontMetrics({ workerRestarts: () => this.#restarts }))
  }

  async start(): Promise<void> {
    ;({ isAdminKeyNew: this.isAdminKeyNew } = await this.#keys.load())
    cluster.setupPrimary({ exec: workerFile, args: [] })
    const begun = new Promise<void>((resolve, reject) => (this.#begun = { resolve, reject }))
    for (let count = 0; count < this.#options.workers; count++) this.#fork()
    await begun
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true
    const endings = [...this.#members].map(({ worker }) => {
      const gone = new Promise<void>(resolve => worker.once('exit', () => resolve()))
      if (worker.isConnected()) worker.send({ type: 'stop', deadlineMs: Math.max(0, deadlineMs - 500) })
      return gone
    })
    const late = new AbortController()
    await Promise.race([Promise.all(endings), delay(systemClock, deadlineMs, late.signal).catch(() => undefined)])
    late.abort()
    for (const { worker } of this.#members) worker.process.kill('SIGKILL')
    await this.#keys.close()
    await this.#audit.flush()
  }

  #fork(): void {
    const worker = cluster.fork()
    const bornAtMs = systemClock.monotonicMs()
    const peer: IpcPeer = new IpcPeer(
      message => {
        if (worker.isConnected()) worker.send(message as never)
      },
      {
        begin: () => {
          member.hasKeys = true
          return this.#task()
        },
        createKey: (name: string, role: Role, createdBy: string) => this.#keys.create(name, role, createdBy),
        revokeKey: (id: string) => this.#keys.revoke(id),
        audit: (line: AuditLine) => this.#audit.add(line),
        flush: () => this.#audit.flush(),
        lease: (what: Limited, name: string) => this.#lease(what, name),
        metricsOfAll: () => this.#metricsOfAll()
      }
    )
    const member: Member = { worker, peer, hasKeys: false, isServing: false }
    this.#members.add(member)
    worker.on('message', (message: ProcessMessage) => this.#onMessage(member, message))
    worker.on('error', () => undefined)
    worker.once('exit', (code, signal) => {
      this.#members.delete(member)
      peer.close()
      if (!this.#isStopping) this.#replace(code, signal, systemClock.monotonicMs() - bornAtMs)
    })
  }

  #onMessage(member: Member, message: ProcessMessage): void {
    member.peer.receive(message)
    if (message.type === 'ready') {
      member.isServing = true
      this.url = String(message.details.url)
      const serving = [...this.#members].filter(({ isServing }) => isServing)
      if (serving.length === this.#options.workers) this.#begun?.resolve()
    } else if (message.type === 'failed') {
      this.#begun?.reject(new CodedError(message.code, message.message, message.exitCode))
    }
  }

  #replace(code: number, signal: string, livedMs: number): void {
    this.#restarts++
    this.#restartMs = livedMs >= SETTLED_MS ? RESTART_MIN_MS : Math.min(RESTART_MAX_MS, 2 * this.#restartMs)
    const how = signal === null ? `with code ${code}` : `by ${signal}`
    this.#options.log.error('worker_ended', `an HTTP process ended ${how}; another one begins`, { code, signal })
    systemClock.setTimer(this.#restartMs, () => {
      if (!this.#isStopping) this.#fork()
    })
  }

  #task(): WorkerTask {
    const { config, version, pods, workers } = this.#options
    const { front } = config
    const share = (count: number): number => Math.ceil(count / workers)
    const limits = {
      ...front.limits,
      connections: share(front.limits.connections),
      eventSubscribers: share(front.limits.eventSubscribers)
    }
    const jobs = front.jobs && {
      ...front.jobs,
      limits: {
        ...front.jobs.limits,
        eventSubscribers: share(front.jobs.limits.eventSubscribers),
        uploadsAtOnce: share(front.jobs.limits.uploadsAtOnce)
      }
    }
    const shared = { ...config, front: { ...front, limits, jobs } }
    return { config: shared, version, pods, adminKeyPath: this.adminKeyPath, keys: this.#keys.stored }
  }

  #lease(what: Limited, name: string): Lease {
    const { limiter, atOnce } = this.#limiters[what]
    return limiter.takeUpTo(name, atOnce)
  }

  /** Resolves when every process has them, or is ended because it has not. */
  async #tellKeys(keys: KeyBook['stored']): Promise<void> {
    const told = [...this.#members].filter(({ hasKeys }) => hasKeys)
    await Promise.all(
      told.map(async ({ worker, peer }) => {
        const late = systemClock.setTimer(ANSWER_MS, () => worker.process.kill('SIGKILL'))
        // One that is gone has none of them.
        await peer.call('keys', keys).catch(() => undefined)
        late.cancel()
      })
    )
  }

  async #metricsOfAll(): Promise<string> {
    const serving = [...this.#members].filter(({ isServing }) => isServing)
    const late = new AbortController()
    const snapshots = await Promise.all(
      serving.map(({ peer }) =>
        Promise.race([
          peer.call<object | undefined>('metrics').catch(() => undefined),
          delay(systemClock, ANSWER_MS, late.signal).then(
            () => undefined,
            () => undefined
          )
        ])
      )
    )
    late.abort()
    return mergeMetrics([await this.#metrics.snapshot(), ...snapshots.filter(each => each !== undefined)])
  }
}
