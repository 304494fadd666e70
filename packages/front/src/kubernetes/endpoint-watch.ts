import type { IncomingMessage } from 'node:http'
import { delay, errorMessage } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { KubernetesAwayError } from './kubernetes-api.ts'
import type { KubernetesApi } from './kubernetes-api.ts'

/** What is read of an EndpointSlice (discovery.k8s.io/v1). */
const Slice = Type.Object({
  metadata: Type.Object({ name: Type.String(), resourceVersion: Type.Optional(Type.String()) }),
  endpoints: Type.Optional(
    Type.Union([
      Type.Array(
        Type.Object({
          addresses: Type.Array(Type.String()),
          conditions: Type.Optional(
            Type.Object({ serving: Type.Optional(Type.Boolean()), terminating: Type.Optional(Type.Boolean()) })
          )
        })
      ),
      Type.Null()
    ])
  )
})
type Slice = Type.Static<typeof Slice>
const slice = Compile(Slice)
const sliceList = Compile(
  Type.Object({
    metadata: Type.Object({ resourceVersion: Type.String(), continue: Type.Optional(Type.String()) }),
    items: Type.Array(Slice)
  })
)
const change = Compile(Type.Object({ type: Type.String(), object: Type.Object({}) }))
const mark = Compile(Type.Object({ metadata: Type.Object({ resourceVersion: Type.String() }) }))
const failure = Compile(Type.Object({ code: Type.Integer() }))

const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000
const PAGE = 500
const LINE_CHARACTERS = 4 * 1_048_576
/** The server ends a watch after this time, and another one goes on from there. */
const WATCH_SEC = 240

/** The list is too old to go on from. */
class GoneError extends Error {}

/** The addresses behind a service, by listing and watching its EndpointSlices. */
export class EndpointWatch {
  /** Why there is no news; undefined: what is known is so. */
  problem: string | undefined = 'Its endpoints were not listed yet.'
  readonly #api: KubernetesApi
  readonly #path: string
  readonly #query: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #slices = new Map<string, readonly string[]>()
  readonly #stopped = new AbortController()
  #isRunning = false
  #listed!: () => void
  readonly #isListed = new Promise<void>(resolve => (this.#listed = resolve))
  #version = ''
  /** Lines of the watch that is open. */
  #news = 0

  constructor(
    api: KubernetesApi,
    { namespace, service }: { readonly namespace: string; readonly service: string },
    clock: Clock,
    log: Log
  ) {
    this.#api = api
    this.#path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
    this.#query = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${service}` }).toString()
    this.#clock = clock
    this.#log = log
  }

  /** Addresses now, sorted; what was known last while the server is away. @param waitMs - for the first list. */
  async addresses(waitMs: number): Promise<readonly string[]> {
    if (!this.#isRunning) void this.#run()
    const late = new AbortController()
    await Promise.race([this.#isListed, delay(this.#clock, waitMs, late.signal).catch(() => undefined)])
    late.abort()
    return [...new Set([...this.#slices.values()].flat())].toSorted()
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { signal } = this.#stopped
    let waitMs = RETRY_MIN_MS
    while (!signal.aborted) {
      this.#news = 0
      try {
        if (this.#version === '') await this.#list()
        await this.#watch()
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof GoneError) this.#version = ''
        else this.#lose(error)
      }
      waitMs = this.#news > 0 ? RETRY_MIN_MS : Math.min(RETRY_MAX_MS, 2 * waitMs)
      // So that many fronts do not come back at once.
      await delay(this.#clock, waitMs * (0.5 + Math.random() / 2), signal).catch(() => undefined)
    }
  }

  #lose(error: unknown): void {
    this.problem = error instanceof KubernetesAwayError ? error.message : `${errorMessage(error)}.`
    this.#log.warn('endpoints_unknown', `${this.#path}: ${this.problem}`)
    this.#listed()
  }

  async #list(): Promise<void> {
    const found = new Map<string, readonly string[]>()
    let from = ''
    for (;;) {
      const page = new URLSearchParams({ limit: String(PAGE), ...(from === '' ? {} : { continue: from }) })
      const { status, body, reason } = await this.#api.ask(`${this.#path}?${this.#query}&${page}`)
      // The server has forgotten where the pages began.
      if (status === 410 && from !== '') throw new GoneError()
      if (status !== 200) throw new KubernetesAwayError(refusalOf(status, reason))
      if (!sliceList.Check(body)) throw new KubernetesAwayError('The API server answers no list of EndpointSlices.')
      for (const each of body.items) found.set(each.metadata.name, addressesOf(each))
      from = body.metadata.continue ?? ''
      if (from !== '') continue
      this.#version = body.metadata.resourceVersion
      break
    }
    this.#slices.clear()
    for (const [name, addresses] of found) this.#slices.set(name, addresses)
    this.problem = undefined
    this.#listed()
  }

  /** Until the server ends it. @throws GoneError; KubernetesAwayError */
  async #watch(): Promise<void> {
    const from = { watch: '1', allowWatchBookmarks: 'true', resourceVersion: this.#version }
    const query = new URLSearchParams({ ...from, timeoutSeconds: String(WATCH_SEC) })
    const silence = new AbortController()
    const signal = AbortSignal.any([this.#stopped.signal, silence.signal])
    // A server that is gone without a word would never be seen to go.
    const timer = this.#clock.setTimer((WATCH_SEC + 30) * 1_000, () => silence.abort())
    try {
      const answer = await this.#api.watch(`${this.#path}?${this.#query}&${query}`, signal)
      if (answer.statusCode === 410) throw new GoneError()
      if (answer.statusCode !== 200) {
        answer.destroy()
        throw new KubernetesAwayError(refusalOf(answer.statusCode!, 'it may not be watched'))
      }
      this.problem = undefined
      await this.#read(answer)
    } catch (error) {
      if (error instanceof GoneError || error instanceof KubernetesAwayError) throw error
      throw new KubernetesAwayError(`The watch of endpoints has ended: ${errorMessage(error)}.`)
    } finally {
      timer.cancel()
      silence.abort()
    }
  }

  async #read(answer: IncomingMessage): Promise<void> {
    // It is destroyed where a line of it is none.
    answer.on('error', () => undefined)
    let rest = ''
    for await (const part of answer.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + part).split('\n')
      rest = lines.pop()!
      if (rest.length > LINE_CHARACTERS)
        throw new KubernetesAwayError('The API server tells a longer change than is read.')
      for (const line of lines) this.#take(line)
    }
  }

  #take(line: string): void {
    if (line === '') return
    this.#news++
    const told: unknown = JSON.parse(line)
    if (!change.Check(told)) throw new KubernetesAwayError('The API server tells no changes.')
    const { type, object } = told
    if (type === 'ERROR') {
      if (failure.Check(object) && object.code === 410) throw new GoneError()
      throw new KubernetesAwayError('The API server has ended the watch with an error.')
    }
    if (mark.Check(object)) this.#version = object.metadata.resourceVersion
    if (type === 'BOOKMARK' || !slice.Check(object)) return
    if (type === 'DELETED') this.#slices.delete(object.metadata.name)
    else this.#slices.set(object.metadata.name, addressesOf(object))
  }
}

/** Of pods that are there or come: one that ends and serves no more is left out. */
const addressesOf = ({ endpoints }: Slice): string[] =>
  (endpoints ?? []).flatMap(({ addresses, conditions }) =>
    conditions?.terminating === true && conditions.serving !== true ? [] : addresses
  )

const refusalOf = (status: number, reason: string): string =>
  status === 401 || status === 403
    ? `Kubernetes does not let the service account list and watch endpointslices: ${reason}.`
    : `The API server of Kubernetes answered ${status}: ${reason}.`
