import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import type { TaskInput, TaskLimits, TaskProgress } from '@weir/analysis'
import { errorMessage } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import { taskDefect } from './job.ts'
import type { ThreadAnswer, ThreadData, ThreadMessage, ThreadOrder } from './task-thread.ts'

/** Bounds of one thread, kept from outside: a task that does not look at its own is ended. */
export interface TaskPoolLimits {
  readonly threads: number
  readonly taskCpuMs: number
  readonly taskTimeMs: number
  readonly taskMemoryOctets: number
}

export interface TaskPoolDeps {
  readonly clock: Clock
  readonly log: Log
  /** Called when a thread has begun with a task; it may be a new one. */
  readonly onThread?: (() => void) | undefined
}

export interface PoolOrder {
  readonly task: string
  readonly params: unknown
  readonly inputs: readonly TaskInput[]
  readonly outputFolder: string
  readonly limits: TaskLimits
  readonly signal: AbortSignal
  onProgress(progress: TaskProgress): void
  /** Looked at twice a second; a sentence ends the task. */
  excess(): string | undefined
}

/** A task that is told to end and does not is ended with its thread so much later. */
const GRACE_MS = 250
const LOOK_MS = 250
const MIB = 1_048_576

// Its type takes the wrong overload of postMessage.
type Transferred = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>

/** The task was ended by the signal. */
const aborted = { isDone: false, isAborted: true } as const

type Pool = Piscina<ThreadOrder, ThreadAnswer>

/** Threads that run tasks, one each, as many as run at once; idle ones go. Ending a task by force ends its thread only. */
export class TaskPool {
  readonly #limits: TaskPoolLimits
  readonly #clock: Clock
  readonly #onThread: () => void
  readonly #make: () => Promise<Pool>
  #pool: Promise<Pool> | undefined

  constructor(data: ThreadData, limits: TaskPoolLimits, { clock, log, onThread = () => {} }: TaskPoolDeps) {
    this.#limits = limits
    this.#onThread = onThread
    this.#clock = clock
    // Loaded and made with the first task: a worker may wait for days.
    this.#make = async () => {
      const { Piscina } = await import('piscina')
      const pool: Pool = new Piscina({
        filename: new URL('./task-thread.ts', import.meta.url).href,
        minThreads: 0,
        maxThreads: limits.threads,
        concurrentTasksPerWorker: 1,
        idleTimeout: 30_000,
        atomics: 'disabled',
        workerData: data,
        // A task makes more that dies young than the processes of the pod, whose flags it would have.
        resourceLimits: {
          maxOldGenerationSizeMb: Math.ceil(limits.taskMemoryOctets / MIB),
          maxYoungGenerationSizeMb: 48
        }
      })
      // A thread that dies after its task was ended: nobody waits for it any more.
      pool.on('error', error => log.warn('thread_died', `a thread of the pool died: ${errorMessage(error)}`))
      return pool
    }
  }

  /** @returns how the task ended, or {@link aborted}; never rejects. */
  async run(order: PoolOrder): Promise<ThreadAnswer | typeof aborted> {
    const { signal, onProgress, excess, ...rest } = order
    const pool = await (this.#pool ??= this.#make())
    if (signal.aborted) return aborted
    const { port1: port, port2 } = new MessageChannel()
    const kill = new AbortController()
    let limit: string | undefined
    let watch: ThreadWatch | undefined
    const end = (): void => {
      port.postMessage('end')
      this.#clock.setTimer(GRACE_MS, () => kill.abort()).unref()
    }
    const exceed = (why: string): void => {
      if (limit !== undefined || signal.aborted) return
      limit = why
      end()
    }
    signal.addEventListener('abort', end, { once: true })
    const hear = (message: ThreadMessage): void => {
      if (message.kind === 'progress') return onProgress(message.progress)
      this.#onThread()
      const thread = pool.threads.find(each => each.threadId === message.threadId)
      if (thread !== undefined) watch ??= new ThreadWatch(thread, this.#limits, this.#clock, excess, exceed)
    }
    port.on('message', hear)
    try {
      const answer = await pool.run(
        { ...rest, port: port2 },
        { transferList: [port2] as unknown as Transferred, signal: kill.signal }
      )
      // It said how far it came before it answered.
      let last: { readonly message: unknown } | undefined
      while ((last = receiveMessageOnPort(port)) !== undefined) hear(last.message as ThreadMessage)
      if (signal.aborted && !answer.isDone) return aborted
      return limit === undefined || answer.isDone ? answer : limited(limit)
    } catch (error) {
      if (limit !== undefined) return limited(limit)
      return signal.aborted ? aborted : this.#died(error)
    } finally {
      watch?.stop()
      signal.removeEventListener('abort', end)
      port.close()
    }
  }

  async close(): Promise<void> {
    await (await this.#pool)?.destroy()
  }

  #died(error: unknown): ThreadAnswer {
    const code = (error as { code?: unknown } | null)?.code
    if (code === 'ERR_WORKER_OUT_OF_MEMORY') return limited(memoryExcess(this.#limits.taskMemoryOctets))
    return { isDone: false, error: taskDefect, isFinal: false, defect: errorMessage(error) }
  }
}

const limited = (detail: string): ThreadAnswer => ({
  isDone: false,
  error: { code: 'TASK_LIMIT', detail },
  isFinal: true
})

const memoryExcess = (octets: number): string =>
  `The task needed more memory than ${octets} octets (front.jobs.limits.taskMemoryOctets); give it less to read, or a narrower filter.`

/** Looks at a thread from outside, which it cannot prevent, whatever it does. */
class ThreadWatch {
  readonly #stop: () => void

  constructor(
    thread: Worker,
    limits: TaskPoolLimits,
    clock: Clock,
    excess: () => string | undefined,
    exceed: (why: string) => void
  ) {
    const beganAtMs = clock.monotonicMs()
    let usedBefore: NodeJS.CpuUsage | undefined
    const look = async (): Promise<void> => {
      const [used, heap] = await Promise.all([thread.cpuUsage(), thread.getHeapStatistics()])
      usedBefore ??= used
      const cpuMs = (used.user + used.system - usedBefore.user - usedBefore.system) / 1_000
      if (cpuMs > limits.taskCpuMs) {
        exceed(`The task needed more CPU time than ${limits.taskCpuMs} ms (front.jobs.limits.taskCpuMs).`)
      } else if (clock.monotonicMs() - beganAtMs > limits.taskTimeMs) {
        exceed(`The task took longer than ${limits.taskTimeMs} ms (front.jobs.limits.taskTimeMs).`)
      } else if (heap.used_heap_size + heap.external_memory > limits.taskMemoryOctets) {
        exceed(memoryExcess(limits.taskMemoryOctets))
      } else {
        const why = excess()
        if (why !== undefined) exceed(why)
      }
    }
    // A thread that has just ended is not asked any more.
    const ask = (): void => void look().catch(() => undefined)
    ask()
    const timer = clock.setPeriodic(LOOK_MS, ask)
    this.#stop = () => timer.cancel()
  }

  stop(): void {
    this.#stop()
  }
}
