import type { EventOutlet } from './event-outlet.ts'
import type { Exporter } from './exporter.ts'

/**
 * Where an exporter is in its life. `discovered`: it has sent less than it takes to believe in it (L-02). `active`. `silent`:
 * nothing came for a while. `rebooted`: it began anew, and not all of its templates have been announced since. `skewed`: its
 * clock is not ours.
 */
export type ExporterState = 'discovered' | 'active' | 'silent' | 'rebooted' | 'skewed'

/** What {@link ExporterLife} keeps of an exporter. */
export interface LifeState {
  state: ExporterState
  /** Wall clock. */
  sinceAtMs: number
  /** A sentence for each thing that is to be said, the state's own first. */
  reasons: readonly string[]
  /** When it began anew last, wall clock; undefined if that has not been seen. */
  rebootedAtMs: number | undefined
}

export interface LifeLimits {
  readonly exporterSilentMs: number
  readonly skewMs: number
}

const noReasons: readonly string[] = Object.freeze([])

export const newLife = (nowAtMs: number): LifeState => ({
  state: 'discovered',
  sinceAtMs: nowAtMs,
  reasons: noReasons,
  rebootedAtMs: undefined
})

/** Follows the exporters through their lives: looked at every few seconds, not with every Message. */
export class ExporterLife {
  readonly #limits: LifeLimits
  readonly #outlet: EventOutlet

  constructor(limits: LifeLimits, outlet: EventOutlet) {
    this.#limits = limits
    this.#outlet = outlet
  }

  /** It had no session and has one now. */
  onDiscovered(exporter: Exporter, nowMs: number): void {
    this.#outlet.tell('exporter_discovered', nowMs, () => ({ exporter: exporter.id }))
  }

  /**
   * One of its domains began anew.
   *
   * @param why - a sentence.
   */
  onRebooted(exporter: Exporter, odid: number, why: string, nowMs: number, nowAtMs: number): void {
    exporter.life.rebootedAtMs = nowAtMs
    exporter.life.state = 'rebooted'
    exporter.life.sinceAtMs = nowAtMs
    exporter.life.reasons = [why]
    this.#outlet.tell('exporter_rebooted', nowMs, () => ({ exporter: exporter.id, odid, reason: why }))
  }

  /**
   * Look at all of them.
   *
   * @param nowMs - monotonic: the ages.
   * @param nowAtMs - wall clock: what is shown.
   */
  sweep(exporters: Iterable<Exporter>, nowMs: number, nowAtMs: number): void {
    for (const exporter of exporters) this.#look(exporter, nowMs, nowAtMs)
  }

  /** How many are in which state. */
  counts(exporters: Iterable<Exporter>): Record<ExporterState, number> {
    const counts: Record<ExporterState, number> = { discovered: 0, active: 0, silent: 0, rebooted: 0, skewed: 0 }
    for (const { life } of exporters) counts[life.state]++
    return counts
  }

  #look(exporter: Exporter, nowMs: number, nowAtMs: number): void {
    const { life } = exporter
    const before = life.state
    const { exporterSilentMs, skewMs } = this.#limits
    let heardMs = -Infinity
    let isVerified = false
    for (const session of exporter.sessions.values()) {
      heardMs = Math.max(heardMs, session.lastSeenMs)
      isVerified ||= session.isVerified
    }
    for (const { lastSeenMs, domain } of exporter.relayed ?? []) {
      heardMs = Math.max(heardMs, lastSeenMs)
      isVerified ||= domain.session.isVerified
    }
    const silentMs = nowMs - heardMs
    const isSkewed = exporter.messages > 0 && Math.abs(exporter.clockSkewMs) > skewMs
    let state: ExporterState = 'active'
    if (silentMs >= exporterSilentMs) state = 'silent'
    else if (isSkewed) state = 'skewed'
    else if (before === 'rebooted' && hasHints(exporter)) state = 'rebooted'
    else if (!isVerified) state = 'discovered'
    if (state === before) return
    life.state = state
    life.sinceAtMs = nowAtMs
    life.reasons = noReasons
    if (state === 'silent') {
      life.reasons = [`nothing came for ${Math.round(silentMs / 1000)} s`]
      this.#outlet.tell('exporter_silent', nowMs, () => ({
        exporter: exporter.id,
        lastSeenAtMs: exporter.lastSeenAtMs,
        silentMs: Math.round(silentMs)
      }))
    }
    if (state === 'skewed') {
      const { clockSkewMs } = exporter
      const [howFar, side] = [Math.round(Math.abs(clockSkewMs) / 1000), clockSkewMs > 0 ? 'ahead of' : 'behind']
      life.reasons = [`its clock is ${howFar} s ${side} ours`]
      this.#outlet.tell('exporter_skewed', nowMs, () => ({
        exporter: exporter.id,
        clockSkewMs: Math.round(clockSkewMs)
      }))
    }
  }
}

/** Whether a template of before its restart has not been announced again. */
function hasHints(exporter: Exporter): boolean {
  for (const { domains } of exporter.sessions.values()) {
    for (const { table } of domains.values()) {
      for (const { isHint } of table.entries()) if (isHint) return true
    }
  }
  return false
}
