import type { OptionsState } from '@weir/templates'
import type { Domain } from './domain.ts'
import type { EventOutlet } from './event-outlet.ts'
import type { ExporterPolicies } from './exporter-policies.ts'
import type { Exporter } from './exporter.ts'
import { Elements } from './sampling-elements.ts'
import { scopeDecisionOf } from './scope/scope-state.ts'

/**
 * Where an exporter is in its life. `discovered`: it has sent less than it takes to believe in it (L-02). `active`. `silent`:
 * nothing came for a while. `rebooted`: it began anew, and not all of its templates have been announced since. `skewed`: its
 * clock is not ours. `scope-conflict`: policy auto found that its source ports contradict each other, so several exporters seem
 * to share the address. `unsampled-suspect`: its records look sampled, and nothing that it sends tells a rate.
 */
export type ExporterState =
  | 'discovered'
  | 'active'
  | 'silent'
  | 'rebooted'
  | 'skewed'
  | 'scope-conflict'
  | 'unsampled-suspect'

/** What {@link ExporterLife} keeps of an exporter. */
export interface LifeState {
  state: ExporterState
  /** Wall clock. */
  sinceAtMs: number
  /** A sentence for each thing that is to be said, the state's own first. */
  reasons: readonly string[]
  /** When it began anew last, wall clock; undefined if that has not been seen. */
  rebootedAtMs: number | undefined
  /** What holds for it, as of a version of the policies. */
  thresholds: Thresholds | undefined
}

interface Thresholds {
  readonly version: number
  /** Null: as the limits say. */
  readonly silentMs: number | null
  readonly skewMs: number | null
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
  rebootedAtMs: undefined,
  thresholds: undefined
})

/** Follows the exporters through their lives: looked at every few seconds, not with every Message. */
export class ExporterLife {
  readonly #limits: LifeLimits
  readonly #outlet: EventOutlet
  readonly #policies: ExporterPolicies
  readonly #options: OptionsState<Domain>

  constructor(limits: LifeLimits, outlet: EventOutlet, policies: ExporterPolicies, options: OptionsState<Domain>) {
    this.#limits = limits
    this.#outlet = outlet
    this.#policies = policies
    this.#options = options
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
    this.#change(exporter, 'rebooted', [why], nowMs, nowAtMs)
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
    const counts: Record<ExporterState, number> = {
      discovered: 0,
      active: 0,
      silent: 0,
      rebooted: 0,
      skewed: 0,
      'scope-conflict': 0,
      'unsampled-suspect': 0
    }
    for (const { life } of exporters) counts[life.state]++
    return counts
  }

  #look(exporter: Exporter, nowMs: number, nowAtMs: number): void {
    const { life } = exporter
    const before = life.state
    const { exporterSilentMs, skewMs } = this.#thresholdsOf(exporter)
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
    exporter.isLookDue = true
    const silentMs = nowMs - heardMs
    const isSkewed = exporter.messages > 0 && Math.abs(exporter.clockSkewMs) > skewMs
    let state: ExporterState = 'active'
    if (silentMs >= exporterSilentMs) state = 'silent'
    else if (isSkewed) state = 'skewed'
    else if (before === 'rebooted' && hasHints(exporter)) state = 'rebooted'
    else if (scopeDecisionOf(exporter) === 'apart') state = 'scope-conflict'
    else if (exporter.look?.isSampled === true && !this.#tellsSampling(exporter)) state = 'unsampled-suspect'
    else if (!isVerified) state = 'discovered'
    if (state === before) return
    this.#change(exporter, state, reasonsOf(state, exporter, silentMs), nowMs, nowAtMs)
    if (state === 'silent') {
      this.#outlet.tell('exporter_silent', nowMs, () => ({
        exporter: exporter.id,
        lastSeenAtMs: exporter.lastSeenAtMs,
        silentMs: Math.round(silentMs)
      }))
    }
    if (state === 'skewed') {
      const { clockSkewMs } = exporter
      this.#outlet.tell('exporter_skewed', nowMs, () => ({
        exporter: exporter.id,
        clockSkewMs: Math.round(clockSkewMs)
      }))
    }
  }

  #change(exporter: Exporter, state: ExporterState, reasons: readonly string[], nowMs: number, nowAtMs: number): void {
    const { life } = exporter
    const before = life.state
    life.state = state
    life.sinceAtMs = nowAtMs
    life.reasons = reasons
    if (state === before) return
    this.#outlet.tell('exporter_state', nowMs, () => {
      const [reason] = reasons
      return { exporter: exporter.id, state, before, ...(reason === undefined ? {} : { reason }) }
    })
  }

  #thresholdsOf({ id, life }: Exporter): LifeLimits {
    const { version } = this.#policies
    if (life.thresholds?.version !== version) {
      const { silentMs, skewMs } = this.#policies.policyFor(id)
      life.thresholds = { version, silentMs, skewMs }
    }
    const { silentMs, skewMs } = life.thresholds
    return { exporterSilentMs: silentMs ?? this.#limits.exporterSilentMs, skewMs: skewMs ?? this.#limits.skewMs }
  }

  /** Whether a header or an options record of it says a sampling rate, of whatever: asked only of those that look sampled. */
  #tellsSampling(exporter: Exporter): boolean {
    for (const { domains } of exporter.sessions.values()) {
      for (const domain of domains.values()) {
        const field = domain.source?.v5Sampling ?? -1
        if (field > 0 && (field & V5_SAMPLING_INTERVAL) > 0) return true
        for (const { layout } of this.#options.recordsOf(domain)) {
          if (layout.fields.some(({ pen, id }) => pen === 0 && Elements.rates.has(id))) return true
        }
      }
    }
    return false
  }
}

const V5_SAMPLING_INTERVAL = 0x3fff

function reasonsOf(state: ExporterState, { clockSkewMs, look }: Exporter, silentMs: number): readonly string[] {
  switch (state) {
    case 'silent':
      return [`nothing came for ${Math.round(silentMs / 1000)} s`]
    case 'skewed': {
      const side = clockSkewMs > 0 ? 'ahead of' : 'behind'
      return [`its clock is ${Math.round(Math.abs(clockSkewMs) / 1000)} s ${side} ours`]
    }
    case 'scope-conflict':
      return [
        'its source ports announce different things under one name: several exporters behind one address are kept apart; scope: session in its policy says that this is right'
      ]
    case 'unsampled-suspect': {
      const share = Math.floor((100 * look!.singles) / look!.records)
      const octets = Math.round(look!.singleOctets / look!.singles)
      return [
        `${share} % of the records looked at count one packet, of ${octets} octets in the mean, as sampled ones do, and it tells no sampling rate: let it send its sampler options`
      ]
    }
    default:
      return noReasons
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
