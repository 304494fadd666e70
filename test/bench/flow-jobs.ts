import type { Child } from '../support/child.ts'
import { until } from '../support/until.ts'
import { MESSAGE_OCTETS, RECORDS_PER_MESSAGE, makeCorpus } from './corpus.ts'
import { cpuSecondsOf } from './measured-process.ts'

const MESSAGES = 110_000
const RECORDS = MESSAGES * RECORDS_PER_MESSAGE
const AT_ONCE = 8
/** Of these, so many wait at the beginning of a run: more than are done meanwhile. */
const WAITING = 64

interface JobItem {
  readonly id: string
  readonly state: string
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly error: object | null
  readonly progress: { readonly records: number } | null
}

/** Jobs of a job worker that stands still but when it is measured. */
export class FlowJobs {
  readonly #url: string
  readonly #authorization: string
  readonly #worker: Child
  #upload = ''

  constructor(url: string, authorization: string, worker: Child) {
    this.#url = url
    this.#authorization = authorization
    this.#worker = worker
  }

  /** What the section `front.jobs` has to allow. */
  static readonly config = {
    limits: { threads: AT_ONCE, runningPerKey: AT_ONCE, queuedPerKey: 1_000, kept: 10_000, lockMs: 600_000 }
  }

  /** Bring the flows, and have the worker wait. */
  async prepare(): Promise<void> {
    const body = ipfixFile()
    const type = 'application/octet-stream'
    const { id } = await this.#ask<{ id: string }>('POST', '/api/v1/uploads?name=flows.ipfix', body, type)
    this.#upload = id
    this.#worker.kill('SIGSTOP')
  }

  /** Run while eight `analyse` jobs do, in each thread one after the other. @returns what it returned, and the records that the jobs have read a second. */
  async during<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly recordsPerSec: number }> {
    for (let waiting = (await this.#counts()).queued; waiting < WAITING; waiting++) {
      await this.#add('analyse', {})
    }
    this.#worker.kill('SIGCONT')
    try {
      await until(`${AT_ONCE} jobs run`, async () => (await this.#counts()).running === AT_ONCE, 60_000)
      const before = await this.#counts()
      const startMs = performance.now()
      const value = await run()
      const ms = performance.now() - startMs
      const after = await this.#counts()
      if (after.queued === 0 || after.failed > 0) throw new Error(`the jobs did not last: ${JSON.stringify(after)}`)
      return { value, recordsPerSec: ((after.records - before.records) * 1_000) / ms }
    } finally {
      this.#worker.kill('SIGSTOP')
    }
  }

  /** One job and nothing else. @returns records a second, and a second of CPU time of the whole worker. */
  async alone(type: string, params: object): Promise<{ readonly perSec: number; readonly perCpuSec: number }> {
    const { items } = await this.#list()
    for (const { id, state } of items) {
      if (state === 'queued' || state === 'running') await this.#ask('POST', `/api/v1/jobs/${id}/cancel`)
    }
    this.#worker.kill('SIGCONT')
    await until('no job runs', async () => (await this.#counts()).running === 0, 60_000)
    const before = cpuSecondsOf(this.#worker.pid)
    const id = await this.#add(type, params)
    const job = await until(
      'the job has ended',
      async () => {
        const now = await this.#ask<JobItem>('GET', `/api/v1/jobs/${id}`)
        return now.finishedAtMs === null ? undefined : now
      },
      120_000
    )
    const cpuSec = cpuSecondsOf(this.#worker.pid) - before
    this.#worker.kill('SIGSTOP')
    if (job.state !== 'succeeded') throw new Error(JSON.stringify(job.error))
    return { perSec: (RECORDS * 1_000) / (job.finishedAtMs! - job.startedAtMs!), perCpuSec: RECORDS / cpuSec }
  }

  async #add(type: string, params: object): Promise<string> {
    const job = { type, params, input: { uploads: [this.#upload] } }
    return (await this.#ask<{ id: string }>('POST', '/api/v1/jobs', JSON.stringify(job), 'application/json')).id
  }

  #list(): Promise<{ items: readonly JobItem[] }> {
    return this.#ask('GET', '/api/v1/jobs?limit=1000')
  }

  async #counts() {
    const { items } = await this.#list()
    const of = (state: string): number => items.filter(each => each.state === state).length
    return {
      queued: of('queued'),
      running: of('running'),
      failed: of('failed'),
      records: items.reduce((sum, { state, progress }) => {
        return sum + (state === 'succeeded' ? RECORDS : (progress?.records ?? 0))
      }, 0)
    }
  }

  async #ask<T>(method: string, path: string, body?: string | Uint8Array, type?: string): Promise<T> {
    const headers = { authorization: this.#authorization, ...(type === undefined ? {} : { 'content-type': type }) }
    const response = await fetch(this.#url + path, { method, headers, body } as RequestInit)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
}

/** An IPFIX File (RFC 5655) of the corpus, again and again. */
function ipfixFile(): Uint8Array {
  const { templates, messages, count } = makeCorpus(1)
  const octets = Buffer.alloc(templates.length + MESSAGES * MESSAGE_OCTETS)
  octets.set(templates)
  const atSec = Math.floor(Date.now() / 1_000)
  octets.writeUInt32BE(atSec, 4)
  for (let message = 0, at = templates.length; message < MESSAGES; message++, at += MESSAGE_OCTETS) {
    const from = (message % count) * MESSAGE_OCTETS
    octets.set(messages.subarray(from, from + MESSAGE_OCTETS), at)
    octets.writeUInt32BE(atSec, at + 4)
    octets.writeUInt32BE(message * RECORDS_PER_MESSAGE, at + 8)
  }
  return octets
}
