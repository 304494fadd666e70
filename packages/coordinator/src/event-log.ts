import { podEvents } from '@weir/link'
import type { JsonValue, PodEvent } from '@weir/link'
import type { Clock } from '@weir/runtime'

/** One event as the API shows it. */
export interface LoggedEvent {
  /** Unique over restarts of the coordinator; a later one of the same run is greater by its number. */
  readonly id: string
  readonly type: PodEvent
  /** When the coordinator was told. */
  readonly atMs: number
  /** Who told it, e.g. `collector-0`. */
  readonly process: string
  readonly data: { readonly [key: string]: JsonValue | undefined }
}

/** Which events somebody wants; what is left out does not matter. */
export interface EventFilter {
  readonly types?: ReadonlySet<PodEvent>
  readonly exporter?: string
}

export interface EventLogLimits {
  readonly events: number
  readonly octets: number
}

export const isWanted = ({ type, data }: LoggedEvent, { types, exporter }: EventFilter): boolean =>
  (types === undefined || types.has(type)) && (exporter === undefined || data.exporter === exporter)

/** True if a text is the name of an event. */
export const isPodEvent = (name: string): name is PodEvent => Object.hasOwn(podEvents, name)

/** The last events of the pod, bounded in number and octets, for those who come later or were away for a moment. */
export class EventLog {
  /** Events told since the start, by type; `unknown` are of another version's list and kept nowhere. */
  readonly counts: Record<PodEvent | 'unknown', number>
  readonly #clock: Clock
  readonly #limits: EventLogLimits
  readonly #epoch: string
  readonly #listeners = new Set<(event: LoggedEvent) => void>()
  #kept: { readonly event: LoggedEvent; readonly octets: number }[] = []
  #octets = 0
  #number = 0

  constructor(clock: Clock, limits: EventLogLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#epoch = Math.trunc(clock.nowMs()).toString(36)
    const names = [...(Object.keys(podEvents) as PodEvent[]), 'unknown' as const]
    this.counts = Object.fromEntries(names.map(name => [name, 0])) as Record<PodEvent | 'unknown', number>
  }

  /** Take what a process told. */
  add(process: string, type: string, data: JsonValue): void {
    if (!isPodEvent(type)) {
      this.counts.unknown++
      return
    }
    this.counts[type]++
    const isObject = typeof data === 'object' && data !== null && !Array.isArray(data)
    const event: LoggedEvent = {
      id: `${this.#epoch}-${++this.#number}`,
      type,
      atMs: this.#clock.nowMs(),
      process,
      data: isObject ? data : {}
    }
    const octets = JSON.stringify(event).length
    this.#kept.push({ event, octets })
    this.#octets += octets
    while (this.#kept.length > this.#limits.events || (this.#octets > this.#limits.octets && this.#kept.length > 1)) {
      this.#octets -= this.#kept.shift()!.octets
    }
    for (const listener of this.#listeners) listener(event)
  }

  /** Those that are kept, the oldest first. */
  get events(): LoggedEvent[] {
    return this.#kept.map(({ event }) => event)
  }

  /**
   * What came after an event.
   *
   * @returns `isWhole` false: some may be missing, because the event is not known any more, or of another run.
   */
  since(id: string): { readonly events: LoggedEvent[]; readonly isWhole: boolean } {
    const match = /^([0-9a-z]+)-(\d{1,15})$/.exec(id)
    const { events } = this
    if (match === null || match[1] !== this.#epoch) return { events, isWhole: false }
    const number = Number(match[2])
    const first = this.#number - events.length + 1
    return {
      events: events.slice(Math.max(0, number + 1 - first)),
      isWhole: number >= first - 1 && number <= this.#number
    }
  }

  /** Told of each event from now on. @returns ends it. */
  subscribe(listener: (event: LoggedEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
