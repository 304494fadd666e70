import type { StoredOptions } from '@weir/templates'
import type { Domain } from '../domain.ts'
import { PortNumbers } from './number-space.ts'
import type { ScopeGroup } from './scope-group.ts'

/** What two ports of a group have shown of each other. */
export interface PortPair {
  readonly ports: readonly [ScopeMember, ScopeMember]
  relation: 'none' | 'equal' | 'template_conflict' | 'options_conflict'
  /** The id whose definitions differ. */
  templateId: number
  /** Both went on sending after it showed: none of them is what the other was before a restart. */
  isConfirmed: boolean
  /** The port that has to go on for that, and how many of its Messages came since. */
  awaited: ScopeMember | undefined
  heard: number
  /** Export Time of the Message that showed it. */
  sinceSec: number
  /** Options: when the first of two different statements came, monotonic. */
  sinceMs: number
  /** Exact steps from one port's number to the other's in a row, and steps that show two counts. */
  oneSpaceVotes: number
  twoSpacesVotes: number
}

/** What a store remembers of the other ports of an exporter. */
export interface StoredSiblings {
  readonly evidence: 'number_space' | 'options_port'
  readonly options: readonly StoredOptions[]
}

/** Ids of Data Sets without a template that are remembered. */
const MAX_UNKNOWN_IDS = 64

/** One source port of a group: what its domain has shown, as far as the group asks. */
export class ScopeMember {
  readonly domain: Domain
  readonly group: ScopeGroup
  readonly numbers = new PortNumbers()
  readonly pairs = new Map<ScopeMember, PortPair>()
  /** The ports that count in one number space with it, itself among them. */
  space: Set<ScopeMember> = new Set([this])
  /** The ports whose options state is told as its own. */
  givers: ReadonlySet<ScopeMember> = new Set()
  /** What it was told has to be taken back. */
  mustRenew = false
  /** What another pod, or this one before it was restarted, found to hold for this port too. */
  stored: StoredSiblings | undefined
  isToldStored = false
  bootTimeMs = Number.NaN
  /** A Message of it was valid. */
  hasSpoken = false
  #generation = -1
  #announcesData = false
  #unknownIds: Set<number> | undefined

  constructor(domain: Domain, group: ScopeGroup) {
    this.domain = domain
    this.group = group
  }

  get port(): number {
    return this.domain.session.identity.port
  }

  /** Whether it sends data of flows: it has announced Templates, or sent Data Sets that may be of some. */
  get isDataPort(): boolean {
    const { table } = this.domain
    if (!this.#announcesData && table.generation !== this.#generation) {
      this.#generation = table.generation
      for (const { layout, source } of table.entries()) {
        if (layout.scopeCount === 0 && source !== 'sibling') this.#announcesData = true
      }
    }
    return this.#announcesData || this.#hasUnknownData
  }

  noteUnknown(templateId: number): void {
    this.#unknownIds ??= new Set()
    if (this.#unknownIds.size < MAX_UNKNOWN_IDS) this.#unknownIds.add(templateId)
  }

  get #hasUnknownData(): boolean {
    if (this.#unknownIds === undefined) return false
    for (const templateId of this.#unknownIds) {
      // What was unknown and turned out to be options says nothing of data.
      if ((this.domain.table.get(templateId)?.scopeCount ?? 0) === 0) return true
    }
    return false
  }

  /** The relation to another port, made when first needed. */
  pairWith(other: ScopeMember): PortPair {
    let pair = this.pairs.get(other)
    if (pair !== undefined) return pair
    pair = {
      ports: [this, other],
      relation: 'none',
      templateId: 0,
      isConfirmed: false,
      awaited: undefined,
      heard: 0,
      sinceSec: 0,
      sinceMs: 0,
      oneSpaceVotes: 0,
      twoSpacesVotes: 0
    }
    this.pairs.set(other, pair)
    other.pairs.set(this, pair)
    return pair
  }

  isInConflictWith(other: ScopeMember): boolean {
    const relation = this.pairs.get(other)?.relation
    return relation === 'template_conflict' || relation === 'options_conflict'
  }
}
