import { isDeepStrictEqual } from 'node:util'
import { hasSameOutput } from '@weir/config'
import { PeerError } from '@weir/runtime'
import { Destination } from './destination.ts'
import { configureEncoder, partsMaker, planOf, probeTargetOf, targetCheckOf } from './make-destination.ts'
import { probe } from '../outputs/probe.ts'
import { sumOfLedgers } from '../ledger.ts'
import type { Destination as DestinationConfig } from '@weir/config'
import type { Layout } from '@weir/ipfix'
import type { Plan } from '@weir/mediation'
import type { HeldBatch } from '../held-batch.ts'
import type { DestinationLedger } from '../ledger.ts'
import type { QueueConfig } from '../input-queue.ts'
import type { FlushResult, WantedMode } from './destination-mode.ts'
import type { MakeParts, NextParts } from './destination-parts.ts'
import type { DestinationState } from './destination-state.ts'
import type { DestinationChangeNote, DestinationDeps } from './destination.ts'
import type { ModeBook } from './mode-book.ts'
import type { ProbeResult } from '../outputs/probe.ts'
import type { PartsDeps } from './make-destination.ts'

interface Member {
  config: DestinationConfig
  plan: Plan
  readonly destination: Destination
}

export interface DestinationSetDeps extends PartsDeps, DestinationDeps {
  /** How long one that is removed, or whose target changes, may take to deliver what it has. */
  readonly drainMs: () => number
  /** No queue is longer. */
  readonly maxQueueOctets: number
  /** What destinations were told to do, over restarts; without it all of them run at first. */
  readonly modes?: ModeBook
}

/** Accounts of destinations that are gone, kept for the ledger. */
const MAX_REMOVED = 64

/** Partial change of a destination: sections are merged, everything else is replaced. */
export type DestinationChange = Readonly<Record<string, unknown>>

/** A record is ten times as long in JSON: with larger chunks a system call serves as many records as elsewhere. */
const JSON_CHUNK_OCTETS = 1_048_576

/** The destinations of one mediator. Each has its own queue; what happens to one does not touch the others. */
export class DestinationSet {
  readonly #members = new Map<string, Member>()
  /** Those that were removed and still deliver what they have; an id may be there more than once. */
  readonly #stopping = new Map<Destination, Promise<void>>()
  readonly #removed = new Map<string, DestinationLedger>()
  #deps: DestinationSetDeps

  constructor(deps: DestinationSetDeps) {
    this.#deps = deps
  }

  get states(): DestinationState[] {
    return [...this.#members.values()].map(({ destination }) => destination.state)
  }

  /** Those that were removed and still deliver what they have. */
  get stopping(): DestinationState[] {
    return [...this.#stopping.keys()].map(destination => destination.state)
  }

  /**
   * Accounts of all that are or were, by id; of one that was added again under its id, `id#removed` is the sum of the earlier
   * ones, those that still deliver included.
   */
  get ledgers(): Record<string, DestinationLedger> {
    const ledgers: Record<string, DestinationLedger> = {}
    const addEarlier = (id: string, ledger: DestinationLedger): void => {
      const key = this.#members.has(id) ? `${id}#removed` : id
      ledgers[key] = sumOfLedgers(ledgers[key], ledger)
    }
    for (const [id, ledger] of this.#removed) addEarlier(id, ledger)
    for (const { id, ledger } of this.#stopping.keys()) addEarlier(id, ledger)
    for (const [id, { destination }] of this.#members) ledgers[id] = destination.ledger
    return ledgers
  }

  /** What a destination wants; undefined: there is none of this id. */
  planOf(id: string): Plan | undefined {
    return this.#members.get(id)?.plan
  }

  get size(): number {
    return this.#members.size
  }

  /** All that are configured are there: what others were told, which were taken out while no mediator ran, is forgotten. */
  forgetFormerModes(): void {
    this.#deps.modes?.keepOnly(id => this.#members.has(id))
  }

  /** Each destination takes its own reference. */
  deliver(held: HeldBatch): void {
    for (const { destination } of this.#members.values()) destination.offer(held)
  }

  /** What options records said before this process was is known now: every session that began without is told. */
  repeatOptions(): void {
    for (const { destination } of this.#members.values()) destination.repeatOptions()
  }

  /**
   * Add a destination: it gets what arrives from now on.
   *
   * @param repeatsAtStart - true while records flow: it is told first what options records said before.
   * @throws PeerError DESTINATION_EXISTS
   */
  add(config: DestinationConfig, repeatsAtStart: boolean): DestinationState {
    if (this.#members.has(config.id)) {
      throw new PeerError('DESTINATION_EXISTS', `there is a destination ${config.id} already`, { id: config.id })
    }
    const { id, type } = config
    const queue = this.#queueOf(config)
    const mode = this.#deps.modes?.get(id)
    let member: Member | undefined
    // One that was drained is made anew as it is configured then.
    const makeParts: MakeParts = events => partsMaker(member?.config ?? config, this.#deps)(events)
    const destination = new Destination(
      { id, type, queue, repeatsAtStart, mode, chunkOctets: type === 'json' ? JSON_CHUNK_OCTETS : undefined },
      makeParts,
      {
        ...this.#deps,
        // One that was removed and still delivers has no say under its id, which another one may have by then.
        onChange: (changed, note) => {
          if (member !== undefined && this.#members.get(changed) === member) this.#onChange(changed, note)
        }
      }
    )
    member = { config, destination, plan: planOf(config, this.#deps) }
    this.#members.set(id, member)
    destination.open()
    return destination.state
  }

  /**
   * Change what is different, and nothing else: an equal target keeps its session.
   *
   * @throws PeerError DESTINATION_UNKNOWN
   */
  patch(id: string, change: DestinationChange): DestinationState {
    return this.replace({ ...merged(this.#member(id).config, change), id } as DestinationConfig)
  }

  /** As {@link patch}, with the whole new configuration of a destination that is there. */
  replace(after: DestinationConfig): DestinationState {
    const member = this.#member(after.id)
    const { config: before, destination } = member
    if (isDeepStrictEqual(before, after)) return destination.state
    member.config = after
    member.plan = planOf(after, this.#deps)
    destination.configureQueue(this.#queueOf(after))
    if (hasSameOutput(before, after)) configureEncoder(destination.encoder, after, this.#deps)
    else {
      const next: NextParts = () => ({ type: member.config.type, makeParts: partsMaker(member.config, this.#deps) })
      void destination.reopen(next, this.#deps.drainMs())
    }
    return destination.state
  }

  /**
   * What holds for all of them where they do not say otherwise. Sessions and queues stay; where records look different from now
   * on, their templates are announced before them.
   */
  setDefaults({ plan, maxTemplates }: Pick<PartsDeps, 'plan' | 'maxTemplates'>): void {
    if (isDeepStrictEqual(plan, this.#deps.plan) && maxTemplates === this.#deps.maxTemplates) return
    this.#deps = { ...this.#deps, plan, maxTemplates }
    for (const member of this.#members.values()) {
      member.plan = planOf(member.config, this.#deps)
      configureEncoder(member.destination.encoder, member.config, this.#deps)
    }
  }

  /**
   * Take a destination out: nothing new from now on, what it has is delivered within the drain time, the rest dropped and counted.
   *
   * @returns when it is closed.
   * @throws PeerError DESTINATION_UNKNOWN, at once.
   */
  remove(id: string): { readonly state: DestinationState; readonly done: Promise<void> } {
    const { destination } = this.#member(id)
    this.#members.delete(id)
    // What it says from now on is not heard any more, and one that comes under its id begins anew.
    if (destination.isReady) this.#onChange(id, { isReady: false })
    this.#deps.modes?.set(id, 'running')
    const done = destination.stop(this.#deps.drainMs()).then(() => {
      this.#stopping.delete(destination)
      this.#removed.set(id, sumOfLedgers(this.#removed.get(id), destination.ledger))
      if (this.#removed.size > MAX_REMOVED) this.#removed.delete(this.#removed.keys().next().value!)
    })
    this.#stopping.set(destination, done)
    return { state: destination.state, done }
  }

  /** @throws PeerError DESTINATION_UNKNOWN */
  resendTemplates(id: string): DestinationState {
    const { destination } = this.#member(id)
    destination.resendTemplates()
    return destination.state
  }

  /**
   * Hold, go on, or take nothing new. Resolves when it is kept for a restart.
   *
   * @throws PeerError DESTINATION_UNKNOWN
   */
  async setMode(id: string, mode: WantedMode): Promise<DestinationState> {
    const { destination } = this.#member(id)
    destination.setMode(mode)
    await this.#deps.modes?.saved()
    return destination.state
  }

  /**
   * Send what waits now, and finish the file that is open.
   *
   * @throws PeerError DESTINATION_UNKNOWN, DESTINATION_PAUSED
   */
  async flush(id: string, timeoutMs: number): Promise<FlushResult> {
    const { destination } = this.#member(id)
    if (destination.mode === 'paused') {
      throw new PeerError('DESTINATION_PAUSED', `destination ${id} is paused; resume it first`, { id })
    }
    return destination.flush(timeoutMs)
  }

  /** Try whether it can be reached; its own session is not touched. @throws PeerError DESTINATION_UNKNOWN */
  test(id: string, timeoutMs: number): Promise<ProbeResult> {
    const { config } = this.#member(id)
    const target = probeTargetOf(config)
    const allows = targetCheckOf(config, target, this.#deps.targets)
    return probe(target, { lookup: this.#deps.lookup, allows, timeoutMs })
  }

  forgetLayout(layout: Layout): void {
    for (const { destination } of this.#members.values()) destination.forgetLayout(layout)
  }

  tick(): void {
    for (const { destination } of this.#members.values()) destination.tick()
    for (const destination of this.#stopping.keys()) destination.tick()
  }

  /**
   * Stop all at once, each within the deadline. Those that were removed before have their own; what they hold has to be settled
   * too, or the collector sends it to the next mediator, for all destinations.
   */
  async stop(deadlineMs: number): Promise<void> {
    const members = [...this.#members.values()].map(({ destination }) => destination.stop(deadlineMs))
    await Promise.all([...members, ...this.#stopping.values()])
  }

  #onChange(id: string, note: DestinationChangeNote): void {
    if ('mode' in note) this.#deps.modes?.set(id, note.mode)
    this.#deps.onChange?.(id, note)
  }

  /** What waits here is unsettled at the collector, which must not be full before this queue is: then nothing would drop. */
  #queueOf({ id, queue }: DestinationConfig): QueueConfig {
    const { maxQueueOctets, log } = this.#deps
    if (queue.octets <= maxQueueOctets) return queue
    log.warn('queue_bounded', `the queue of ${id} is bounded by half of link.bufferOctets`, { id, maxQueueOctets })
    return { ...queue, octets: maxQueueOctets }
  }

  #member(id: string): Member {
    const member = this.#members.get(id)
    if (member === undefined) throw new PeerError('DESTINATION_UNKNOWN', `there is no destination ${id}`, { id })
    return member
  }
}

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396, except that null is a value here: many keys allow it. */
function merged(before: object, change: DestinationChange): Record<string, unknown> {
  const result: Record<string, unknown> = { ...before }
  for (const [key, value] of Object.entries(change)) {
    const known = result[key]
    result[key] = isSection(known) && isSection(value) ? merged(known, value) : value
  }
  return result
}
