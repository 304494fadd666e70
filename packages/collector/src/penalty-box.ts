/** Bounds of a {@link PenaltyBox} (L-09). */
export interface PenaltyLimits {
  /** Malformed datagrams of one source within `windowMs` that are still borne. */
  readonly malformed: number
  readonly windowMs: number
  /** How long nothing is read from a source that sent more. */
  readonly penaltyMs: number
  /** Sources watched at once; above it the one watched longest is let go. */
  readonly sources: number
}

interface Watched {
  malformed: number
  windowEndMs: number
  untilMs: number
}

/**
 * Sources of malformed datagrams: after too many of them nothing more is read from a source for a while (RFC 7011 §9.1,
 * L-09). What a source is, its address or its address and port, is the caller's to say.
 */
export class PenaltyBox {
  readonly #limits: PenaltyLimits
  readonly #watched = new Map<string, Watched>()
  #punished = 0

  constructor(limits: PenaltyLimits) {
    this.#limits = limits
  }

  /** False as long as nobody is in: then nothing need be asked for each datagram. */
  get isAnyPunished(): boolean {
    return this.#punished > 0
  }

  get punished(): number {
    return this.#punished
  }

  /** @param nowMs - monotonic. */
  isPunished(source: string, nowMs: number): boolean {
    const watched = this.#watched.get(source)
    if (watched === undefined || watched.untilMs === 0) return false
    if (nowMs < watched.untilMs) return true
    this.#release(source, watched)
    return false
  }

  /** One malformed datagram came. @returns true if the penalty begins with it. */
  note(source: string, nowMs: number): boolean {
    const watched = this.#watched.get(source) ?? this.#watch(source)
    if (nowMs >= watched.windowEndMs) {
      watched.malformed = 0
      watched.windowEndMs = nowMs + this.#limits.windowMs
    }
    if (++watched.malformed < this.#limits.malformed || watched.untilMs !== 0) return false
    watched.untilMs = nowMs + this.#limits.penaltyMs
    this.#punished++
    return true
  }

  /** Let go whose time is over. */
  sweep(nowMs: number): void {
    for (const [source, watched] of this.#watched) {
      if (nowMs >= watched.untilMs && nowMs >= watched.windowEndMs) this.#release(source, watched)
    }
  }

  #watch(source: string): Watched {
    if (this.#watched.size >= this.#limits.sources) {
      const [oldest, watched] = this.#watched.entries().next().value!
      this.#release(oldest, watched)
    }
    const watched: Watched = { malformed: 0, windowEndMs: 0, untilMs: 0 }
    this.#watched.set(source, watched)
    return watched
  }

  #release(source: string, watched: Watched): void {
    if (watched.untilMs !== 0) this.#punished--
    this.#watched.delete(source)
  }
}
