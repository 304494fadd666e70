import type { Clock } from '@weir/runtime'
import type { HeldReason } from '@weir/templates'
import type { Domain } from './domain.ts'
import type { EventOutlet } from './event-outlet.ts'

/** A template in doubt, of which data came. */
export interface Quarantined {
  readonly reason: Exclude<HeldReason, ''>
  /** Wall clock. */
  readonly sinceAtMs: number
  /** Data Sets that came meanwhile, and the octets of their bodies. */
  sets: number
  octets: number
}

/** How a quarantine ended. */
export type QuarantineEnd =
  /** The exporter announced the template, the same or another one. */
  | 'announced'
  /** The exporter had not begun anew after all. */
  | 'no_restart'
  /** The template is not there any more: expired, evicted, forgotten. */
  | 'template_ended'

/** Counts the templates in quarantine, and tells of them. What waits is with the other Data Sets that wait. */
export class Quarantine {
  /** Data Sets that went into quarantine, and their octets. Plain numbers that only grow. */
  readonly counts = { sets: 0, octets: 0 }
  readonly began = { restart: 0, misfit: 0 }
  readonly ended: Record<QuarantineEnd, number> = { announced: 0, no_restart: 0, template_ended: 0 }
  readonly #outlet: EventOutlet
  readonly #clock: Clock

  constructor(outlet: EventOutlet, clock: Clock) {
    this.#outlet = outlet
    this.#clock = clock
  }

  /** A Data Set waits because its template is in doubt. */
  note(domain: Domain, templateId: number, reason: Exclude<HeldReason, ''>, octets: number): void {
    this.counts.sets++
    this.counts.octets += octets
    domain.quarantined ??= new Map()
    let quarantined = domain.quarantined.get(templateId)
    if (quarantined === undefined) {
      quarantined = { reason, sinceAtMs: this.#clock.nowMs(), sets: 0, octets: 0 }
      domain.quarantined.set(templateId, quarantined)
      this.began[reason]++
      this.#outlet.tell('quarantine_began', this.#clock.monotonicMs(), () => ({
        exporter: domain.session.exporter.id,
        odid: domain.odid,
        templateId,
        reason
      }))
    }
    quarantined.sets++
    quarantined.octets += octets
  }

  /** Nothing is in doubt of this template any more, or there is no such template. */
  end(domain: Domain, templateId: number, why: QuarantineEnd): void {
    const quarantined = domain.quarantined?.get(templateId)
    if (quarantined === undefined) return
    domain.quarantined!.delete(templateId)
    if (domain.quarantined!.size === 0) domain.quarantined = undefined
    this.ended[why]++
    const { sets, octets, reason } = quarantined
    this.#outlet.tell('quarantine_ended', this.#clock.monotonicMs(), () => ({
      exporter: domain.session.exporter.id,
      odid: domain.odid,
      templateId,
      reason,
      why,
      sets,
      octets
    }))
  }
}
