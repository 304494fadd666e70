import { hash } from 'node:crypto'
import type { Clock } from '@weir/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface AnswerCacheLimits {
  /** An answer as old as this is given as it is. */
  readonly freshMs: number
  /** One as old as this is given too, while another one is asked for. */
  readonly staleMs: number
  /** Octets of all answers that are kept. */
  readonly cacheOctets: number
}

/** How requests were answered: kept and fresh; kept, with a new one on its way; after asking the pods. */
export type CacheUse = 'fresh' | 'stale' | 'asked'

/** An answer as it goes over the wire. */
interface Answer {
  readonly octets: Buffer
  readonly etag: string
}

type Serialise = (answer: object) => string

interface Entry {
  readonly key: string
  /** What was answered last, or why nothing was. */
  kept?: { readonly result: PromiseSettledResult<Answer>; readonly atMs: number }
  asking?: Promise<Answer>
  octets: number
}

/** What an entry takes besides its answer. */
const ENTRY_OCTETS = 512

/**
 * Answers of the fleet, kept as octets for a short while, by route, parameters and query: the pods are asked for each at most
 * once in `freshMs`, however many want to know. Only for answers that are the same for everybody.
 */
export class AnswerCache {
  readonly uses: Record<CacheUse, number> = { fresh: 0, stale: 0, asked: 0 }
  /** Answered with 304. */
  notModified = 0
  readonly #limits: AnswerCacheLimits
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  #octets = 0

  constructor(limits: AnswerCacheLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Octets of what is kept. */
  get octets(): number {
    return this.#octets
  }

  /**
   * Answer a request with what is kept, or with what `make` gives; with `ETag`, `Age` and, if the client has it already, 304.
   *
   * @param make - asks the pods; what it rejects with is the answer for `freshMs` too.
   */
  async answer(request: FastifyRequest, reply: FastifyReply, make: () => Promise<object>): Promise<never> {
    // Of this route and 200; still good when the reply is long gone and the entry is asked for again.
    const serialise = reply.getSerializationFunction('200') as Serialise
    const entry = this.#entryOf(keyOf(request))
    const { octets, etag } = await this.#current(entry, async () => answerOf(serialise(await make())))
    const ageMs = this.#clock.monotonicMs() - (entry.kept?.atMs ?? this.#clock.monotonicMs())
    void reply
      .header('etag', etag)
      .header('age', Math.floor(ageMs / 1_000))
      .header('cache-control', 'private, no-cache')
    if (isKnown(request.headers['if-none-match'], etag)) {
      this.notModified++
      return reply.code(304).send() as never
    }
    return reply.type('application/json; charset=utf-8').send(octets) as never
  }

  #entryOf(key: string): Entry {
    const known = this.#entries.get(key)
    const entry = known ?? { key, octets: ENTRY_OCTETS + 2 * key.length }
    // The one that nobody has wanted for longest comes first.
    if (known === undefined) this.#octets += entry.octets
    else this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }

  async #current(entry: Entry, make: () => Promise<Answer>): Promise<Answer> {
    const { freshMs, staleMs } = this.#limits
    const { kept } = entry
    const ageMs = kept === undefined ? Infinity : this.#clock.monotonicMs() - kept.atMs
    if (kept !== undefined && ageMs < freshMs) return this.#use('fresh', kept.result)
    const asking = (entry.asking ??= this.#ask(entry, make))
    if (kept?.result.status === 'fulfilled' && ageMs < staleMs) return this.#use('stale', kept.result)
    this.uses.asked++
    return asking
  }

  #use(use: CacheUse, result: PromiseSettledResult<Answer>): Answer {
    this.uses[use]++
    if (result.status === 'rejected') throw result.reason
    return result.value
  }

  #ask(entry: Entry, make: () => Promise<Answer>): Promise<Answer> {
    // As old as the question: what a pod told first is no younger.
    const atMs = this.#clock.monotonicMs()
    const asking = make()
    void Promise.allSettled([asking]).then(([result]) => {
      entry.asking = undefined
      entry.kept = { result, atMs }
      this.#weigh(entry, result.status === 'fulfilled' ? result.value.octets.length : 0)
    })
    return asking
  }

  #weigh(entry: Entry, answerOctets: number): void {
    if (this.#entries.get(entry.key) !== entry) return
    const octets = ENTRY_OCTETS + 2 * entry.key.length + answerOctets
    this.#octets += octets - entry.octets
    entry.octets = octets
    for (const [key, oldest] of this.#entries) {
      if (this.#octets <= this.#limits.cacheOctets) return
      this.#entries.delete(key)
      this.#octets -= oldest.octets
    }
  }
}

function keyOf({ routeOptions: { url }, params, query }: FastifyRequest): string {
  const sorted = Object.entries(query as Readonly<Record<string, unknown>>).toSorted(([one], [other]) =>
    one < other ? -1 : 1
  )
  return JSON.stringify([url, params, sorted])
}

function answerOf(text: string): Answer {
  const octets = Buffer.from(text)
  // When it was asked for and how long it took change nothing of what it says; a quote in a value has a `\` before it.
  const said = text.replaceAll(/"(?:takenAtMs|tookMs)":[0-9.]+,?/g, '')
  return { octets, etag: `W/"${hash('sha256', said, 'base64url').slice(0, 22)}"` }
}

/** RFC 9110 §13.1.2, by weak comparison. */
const isKnown = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header === '*' || header.split(',').some(each => strong(each.trim()) === strong(etag)))

const strong = (etag: string): string => (etag.startsWith('W/') ? etag.slice(2) : etag)
