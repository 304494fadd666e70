import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Timer } from '@weir/runtime'
import type { Place, StoredPlace, TemplateStore } from '@weir/templates'
import type { Domain } from '../domain.ts'

/** What is asked for one domain. */
interface Question {
  readonly domain: Domain
  readonly places: readonly Place[]
}

/**
 * Told what the ring has of a domain's places, in the order asked.
 *
 * @param isSure - false if the ring may have more than it said: it was away, too slow, or something there was not believed.
 * @param isDoubted - something that was read, there or at a place read with it, was not believed.
 */
export type OnAnswer = (domain: Domain, stored: readonly StoredPlace[], isSure: boolean, isDoubted: boolean) => void

/** Domains told between two looks at the sockets: each may take up dozens of templates. */
const TURN_DOMAINS = 16
/** How long a question waits for others to go with it. */
const GATHER_MS = 5
/** Places of one read. */
const BATCH_PLACES = 100
const MAX_IN_FLIGHT = 4
const MAX_WAITING = 16_384

/** Asks a shared ring, many domains in one read, a few reads at a time, off the path of Messages. */
export class StoreReader {
  /** Questions that did not fit; they are asked again when there is a reason. */
  overflowed = 0
  readonly #ring: TemplateStore
  readonly #clock: Clock
  readonly #onAnswer: OnAnswer
  readonly #waiting = new Map<Domain, Question>()
  #inFlight = 0
  #timer: Timer | undefined
  #isClosed = false

  constructor(ring: TemplateStore, clock: Clock, onAnswer: OnAnswer) {
    this.#ring = ring
    this.#clock = clock
    this.#onAnswer = onAnswer
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** @returns false if too many wait. */
  ask(domain: Domain, places: readonly Place[]): boolean {
    if (this.#isClosed) return false
    if (this.#waiting.size >= MAX_WAITING) {
      this.overflowed++
      return false
    }
    this.#waiting.set(domain, { domain, places })
    this.#timer ??= this.#clock.setTimer(GATHER_MS, () => {
      this.#timer = undefined
      this.#send()
    })
    return true
  }

  /** Nobody is asked any more; answers on their way are not told. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#waiting.clear()
  }

  #send(): void {
    while (this.#waiting.size > 0 && this.#inFlight < MAX_IN_FLIGHT) {
      const questions: Question[] = []
      const places: Place[] = []
      for (const question of this.#waiting.values()) {
        this.#waiting.delete(question.domain)
        if (question.domain.isEnded) continue
        questions.push(question)
        places.push(...question.places)
        if (places.length >= BATCH_PLACES) break
      }
      if (questions.length > 0) void this.#read(questions, places)
    }
  }

  async #read(questions: readonly Question[], places: readonly Place[]): Promise<void> {
    const { stats } = this.#ring
    const { backendErrors: errorsBefore, rejected: rejectedBefore } = stats
    this.#inFlight++
    let stored: readonly StoredPlace[] = []
    let isSure = true
    try {
      stored = await this.#ring.read(places)
    } catch {
      // No ring does; one that did would be as good as away.
      isSure = false
    }
    this.#inFlight--
    if (this.#isClosed) return
    isSure &&= stored.length === places.length && this.#ring.health === 'up' && stats.backendErrors === errorsBefore
    const isDoubted = stats.rejected !== rejectedBefore
    let at = 0
    let told = 0
    for (const { domain, places: asked } of questions) {
      if (++told % TURN_DOMAINS === 0) await nextTurn()
      if (this.#isClosed) return
      const answer = asked.map((place, index) => believed(place, stored[at + index]))
      at += asked.length
      if (!domain.isEnded) this.#onAnswer(domain, answer, isSure && !isDoubted, isDoubted)
    }
    this.#send()
  }
}

/** Entries of another place are not taken, whatever the ring says. */
function believed(place: Place, stored: StoredPlace | undefined): StoredPlace {
  const entries = stored?.entries.filter(({ scope, odid }) => scope === place.scope && odid === place.odid) ?? []
  return { place, entries }
}
