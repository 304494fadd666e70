import { podEvents, type PodEvent } from '@weir/link'
import type { Clock } from '@weir/runtime'
import { RateGate } from './rate-gate.ts'

/** What an event says besides its name. */
export type EventFields = Readonly<Record<string, string | number | boolean>>

/** Tells of something that an operator may want to see at once. */
export type EmitEvent = (event: PodEvent, fields: EventFields) => void

/** Events of one kind told in a second: exporters cause them, and the control channel is not theirs. */
const EVENTS_PER_SECOND = 20

interface Kind {
  readonly gate: RateGate
  /** Not told since the last word of it. */
  suppressed: number
}

/**
 * The way out for events: so many of each kind in a second, and those that were not told are counted and the count is told.
 * A flood of one kind takes no room from the others.
 */
export class EventOutlet {
  /** Told, and not told because too many came at once. Plain numbers that only grow. */
  readonly counts = { told: 0, suppressed: 0 }
  readonly #emit: EmitEvent
  readonly #clock: Clock
  readonly #kinds: Readonly<Record<PodEvent, Kind>>

  constructor(emit: EmitEvent, clock: Clock) {
    this.#emit = emit
    this.#clock = clock
    this.#kinds = Object.fromEntries(
      Object.keys(podEvents).map(name => [name, { gate: new RateGate(EVENTS_PER_SECOND), suppressed: 0 }])
    ) as Record<PodEvent, Kind>
  }

  /** As the parts of the collector are given it. */
  readonly emit: EmitEvent = (event, fields) => {
    this.tell(event, this.#clock.monotonicMs(), () => fields)
  }

  /**
   * Tell of an event, if there is room.
   *
   * @param nowMs - monotonic.
   * @param fieldsOf - asked only if it is told: a flood costs a counter.
   */
  tell(event: PodEvent, nowMs: number, fieldsOf: () => EventFields): void {
    const kind = this.#kinds[event]
    if (!kind.gate.pass(nowMs)) {
      kind.suppressed++
      this.counts.suppressed++
      return
    }
    this.counts.told++
    const { suppressed } = kind
    kind.suppressed = 0
    this.#emit(event, suppressed === 0 ? fieldsOf() : { ...fieldsOf(), suppressed })
  }

  /** Tell how many were not told, where none of that kind has followed. Called now and then. */
  flush(nowMs: number): void {
    for (const name of Object.keys(this.#kinds) as PodEvent[]) {
      const kind = this.#kinds[name]
      if (kind.suppressed === 0 || !kind.gate.pass(nowMs)) continue
      this.#emit('events_suppressed', { of: name, suppressed: kind.suppressed })
      kind.suppressed = 0
    }
  }
}
