import type { Layout, MessageHeader, TemplateEntry, TemplateEvent } from '@weir/ipfix'
import type { Clock } from '@weir/runtime'
import type {
  OptionsChange,
  OptionsRecord,
  OptionsState,
  StoredDecision,
  StoredOptions,
  StoredTemplate
} from '@weir/templates'
import type { Domain } from '../domain.ts'
import type { Exporter } from '../exporter.ts'
import { measureRecords, type RecordExtent } from '../record-extent.ts'
import { followNumbers, isSameBoot } from './number-space.ts'
import { isStatement, mattersToSiblings } from './options-statement.ts'
import { ScopeGroup, type ScopeDecision, type ScopeEvidence } from './scope-group.ts'
import { ScopeMember, type PortPair } from './scope-member.ts'

/** What a decision makes happen. */
export interface ScopeEffects {
  /** The domain decodes by a sibling's template until it announces its own. @returns whether it was taken. */
  takeHint(domain: Domain, entry: TemplateEntry, nowMs: number): boolean
  /** What waited for the template goes on. */
  release(domain: Domain, templateId: number): void
  /** A sibling's options record holds for the domain too: tell the mediator. */
  tell(domain: Domain, record: OptionsRecord): void
  /** What the mediator was told of siblings does not hold any more. */
  renewSource(domain: Domain): void
  decided(group: ScopeGroup): void
  /** Give the stores the decision, and what holds for other ports. @returns whether there was something to give. */
  publish(group: ScopeGroup, options: (member: ScopeMember) => Iterable<OptionsRecord>): boolean
  /** The same as `tell` and `takeHint` with what only a store has. */
  tellStored(domain: Domain, stored: StoredOptions): void
  takeStoredHint(domain: Domain, stored: StoredTemplate): boolean
}

/** Ports of one group; further ones decode by their own announcements alone. */
const MAX_PORTS = 32
/** Messages of a port after which it goes on, whatever its clock says. */
const MESSAGES_TO_GO_ON = 3
const REVIEW_MS = 10_000
/** What was found is given to the stores again so often: they may have lost it. */
const PUBLISH_MS = 60_000
/** A port is silent after four times its usual pause, and this much at least; one that said little is given more time. */
const SILENT_MS = 30_000
const SILENT_EARLY_MS = 120_000
const EARLY_MESSAGES = 4

/**
 * Finds out what the source ports of one exporter's address are to each other (policy `auto`), and shares what can be shared
 * without ever being wrong. Nothing of it is on the path of a Message whose exporter uses one port: its domain has no member.
 */
export class ExporterScopes {
  /** Decisions taken, by what they are. */
  readonly counters: Record<ScopeDecision, number> = { single: 0, undecided: 0, merged: 0, apart: 0 }
  /** Templates taken from a sibling, and taken back. */
  readonly hints = { taken: 0, retracted: 0 }
  readonly #options: OptionsState<Domain>
  readonly #clock: Clock
  readonly #effects: ScopeEffects
  readonly #extent: RecordExtent = { records: 0, lengthOctets: 0 }
  #nowMs = 0

  constructor(options: OptionsState<Domain>, clock: Clock, effects: ScopeEffects) {
    this.#options = options
    this.#clock = clock
    this.#effects = effects
  }

  /** A domain of a UDP session under the policy `auto` was made. */
  join(domain: Domain): void {
    const { exporter, identity } = domain.session
    const key = `${identity.version} ${domain.odid} ${identity.listener}`
    const known = exporter.scopes?.get(key)
    if (domain.member !== undefined || known === domain) return
    this.#nowMs = this.#clock.monotonicMs()
    exporter.scopes ??= new Map()
    if (known === undefined) {
      exporter.scopes.set(key, domain)
    } else if (known instanceof ScopeGroup) {
      if (known.members.length >= MAX_PORTS) this.#dropSilent(known)
      if (known.members.length < MAX_PORTS) this.#add(known, domain)
    } else {
      const sinceMs = this.#clock.nowMs()
      const group = new ScopeGroup(key, exporter, identity.listener, identity.version, domain.odid, sinceMs)
      exporter.scopes.set(key, group)
      this.#add(group, known)
      this.#add(group, domain)
    }
  }

  #add(group: ScopeGroup, domain: Domain): void {
    const member = new ScopeMember(domain, group)
    member.bootTimeMs = domain.sequence.bootTimeMs
    member.hasSpoken = domain.hasSpoken
    domain.member = member
    group.members.push(member)
    if (!domain.hasSpoken || group.members.length === 1) return
    // It was there before the policy that makes it one of several.
    for (const { templateId, layout, source, isHint } of domain.table.entries()) {
      if (source !== 'wire' || isHint) continue
      for (const other of group.members) {
        if (other !== member) this.#compare(member, other, templateId, layout, domain.lastExportTimeSec)
      }
    }
    this.#review(group)
  }

  /** The domain ends, or another policy holds for it. */
  leave(domain: Domain): void {
    const { exporter, identity } = domain.session
    const { member } = domain
    const key = `${identity.version} ${domain.odid} ${identity.listener}`
    if (member === undefined) {
      if (exporter.scopes?.get(key) === domain) exporter.scopes.delete(key)
      return
    }
    const { group } = member
    this.#nowMs = this.#clock.monotonicMs()
    this.#remove(member)
    if (group.members.length > 1 || group.members[0]?.stored !== undefined) return this.#review(group)
    const last = group.members.pop()
    if (last === undefined) {
      exporter.scopes?.delete(key)
      return
    }
    this.#takeBack(last)
    last.domain.member = undefined
    exporter.scopes?.set(key, last.domain)
    if (last.hasSpoken) this.#conclude(group, 'single', 'superseded')
  }

  /**
   * What was found of the ports of a domain's exporter, by another pod or before a restart. It holds for the ports it names
   * alone: another one that turns up here may be another exporter's.
   */
  onStored(
    domain: Domain,
    { decision, evidence }: StoredDecision,
    templates: readonly StoredTemplate[],
    options: readonly StoredOptions[]
  ): void {
    const [why, ...ports] = evidence.split(' ')
    if (!ports.includes(String(domain.session.identity.port))) return
    const member = this.#memberOf(domain)
    if (member === undefined) return
    const { group } = member
    this.#nowMs = this.#clock.monotonicMs()
    if (decision === 'apart') group.isKnownApart = true
    else if ((why === 'number_space' || why === 'options_port') && member.pairs.size === 0) {
      member.stored = { evidence: why, options }
      member.isToldStored = false
      if (why === 'number_space') this.#takeStored(domain, templates)
    }
    this.#review(group)
  }

  #memberOf(domain: Domain): ScopeMember | undefined {
    if (domain.member !== undefined) return domain.member
    const { exporter, identity } = domain.session
    const key = `${identity.version} ${domain.odid} ${identity.listener}`
    if (exporter.scopes?.get(key) !== domain) return undefined
    const group = new ScopeGroup(key, exporter, identity.listener, identity.version, domain.odid, this.#clock.nowMs())
    exporter.scopes.set(key, group)
    this.#add(group, domain)
    return domain.member
  }

  #takeStored(domain: Domain, templates: readonly StoredTemplate[]): void {
    for (const stored of templates) {
      if (!this.#effects.takeStoredHint(domain, stored)) continue
      this.hints.taken++
      this.#effects.release(domain, stored.templateId)
    }
  }

  /** Groups of one exporter. */
  groupsOf(exporter: Exporter): ScopeGroup[] {
    const groups: ScopeGroup[] = []
    for (const known of exporter.scopes?.values() ?? []) if (known instanceof ScopeGroup) groups.push(known)
    return groups
  }

  /** A restarted mediator has to be told what it was told. */
  announce(exporters: Iterable<Exporter>): void {
    for (const exporter of exporters) {
      for (const { members } of this.groupsOf(exporter)) {
        for (const member of members) {
          if (member.isToldStored) this.#tellStored(member)
          for (const giver of member.givers) this.#tellAll(member, giver)
        }
      }
    }
  }

  /** A Message begins of a port that a store knows something of. */
  onHeader(member: ScopeMember, { bootTimeMs }: MessageHeader): void {
    if (Object.is(member.bootTimeMs, bootTimeMs) || isSameBoot(member.bootTimeMs, bootTimeMs)) return
    member.bootTimeMs = bootTimeMs
    this.#settleOptions(member.group)
  }

  /** The exporter's own announcement, before anything that came after it is decoded. */
  onTemplate(member: ScopeMember, event: TemplateEvent, header: MessageHeader, nowMs: number): void {
    const { change, templateId, layout } = event
    if (change !== 'learned' && change !== 'refreshed' && change !== 'redefined') return
    const { group } = member
    this.#nowMs = nowMs
    member.bootTimeMs = header.bootTimeMs
    for (const other of group.members) {
      if (other !== member) this.#compare(member, other, templateId, layout, header.exportTimeSec)
    }
    if (change === 'refreshed') return
    group.isDirty = true
    // Data may follow in the same Message, and one more data port may mean that options are of one nobody knows.
    if (layout.scopeCount === 0) this.#settleOptions(group)
  }

  /** A Data Set without a template: another port's may say how many records it has, for the numbers alone. */
  onUnknownSet(member: ScopeMember, templateId: number, octets: Uint8Array, offset: number, length: number): void {
    const { numbers } = member
    member.noteUnknown(templateId)
    let layout: Layout | undefined
    for (const other of member.group.members) {
      const entry = other === member ? undefined : other.domain.table.entry(templateId)
      if (entry === undefined || !isOwn(entry)) continue
      if (layout !== undefined && layout !== entry.layout) return this.onUndecoded(member)
      layout = entry.layout
    }
    if (layout === undefined || !measureRecords(layout, octets, offset, length, this.#extent)) {
      return this.onUndecoded(member)
    }
    numbers.measured += this.#extent.records
  }

  /** A Data Set that nobody can measure. */
  onUndecoded(member: ScopeMember): void {
    member.numbers.measured = Number.NaN
  }

  /** An options record of the port is new or another one. */
  onOptions(member: ScopeMember, change: OptionsChange, record: OptionsRecord): void {
    const { group } = member
    if (!mattersToSiblings(record.layout)) return
    group.isDirty = true
    if (change !== 'evicted' && isStatement(record.layout)) this.#compareOptions(member, record)
    for (const other of group.members) {
      if (!other.givers.has(member)) continue
      if (change === 'evicted') other.mustRenew = true
      else this.#effects.tell(other.domain, record)
    }
  }

  /** The exporter restarted: what it and its siblings had in common is no more than a memory. */
  onRestart(member: ScopeMember): void {
    if (member.space.size > 1) this.#onPart(member)
  }

  /** A Message of the port was decoded. */
  onMessage(member: ScopeMember, header: MessageHeader, units: number, isComplete: boolean, nowMs: number): void {
    const { group, numbers } = member
    this.#nowMs = nowMs
    if (!member.hasSpoken) {
      member.hasSpoken = true
      group.isDirty = true
    }
    member.bootTimeMs = header.bootTimeMs
    const counted = header.version === 9 ? 1 : isComplete ? units : units + numbers.measured
    numbers.measured = 0
    followNumbers(member, header, counted, this.#onLink, this.#onPart)
    for (const pair of member.pairs.values()) if (pair.awaited === member) goOn(pair, header.exportTimeSec)
    if (group.isDirty || nowMs >= group.reviewAtMs) this.#review(group)
  }

  readonly #onLink = (one: ScopeMember, other: ScopeMember): void => {
    for (const left of one.space) for (const right of other.space) if (left.isInConflictWith(right)) return
    const space = new Set([...one.space, ...other.space])
    for (const member of space) {
      member.space = space
      for (const pair of member.pairs.values()) pair.twoSpacesVotes = 0
    }
    one.group.isDirty = true
  }

  readonly #onPart = (one: ScopeMember): void => {
    this.#dissolve(one.space)
    this.#settleOptions(one.group)
  }

  /** The ports do not count together after all. */
  #dissolve(space: ReadonlySet<ScopeMember>): void {
    for (const member of space) {
      member.space = new Set([member])
      for (const pair of member.pairs.values()) pair.oneSpaceVotes = 0
      this.#dropHints(member)
      member.group.isDirty = true
    }
  }

  #dropHints(member: ScopeMember): void {
    const { table } = member.domain
    for (const entry of table.entries()) {
      if (entry.source === 'sibling' && table.drop(entry)) this.hints.retracted++
    }
  }

  /** What one port announced, beside what another one said of the same id. */
  #compare(member: ScopeMember, other: ScopeMember, templateId: number, layout: Layout, exportTimeSec: number): void {
    const { table } = other.domain
    const entry = table.entry(templateId)
    if (entry === undefined) return
    if (entry.source === 'sibling') {
      if (entry.layout === layout) {
        const wasHeld = table.isHeld(entry)
        table.renew(entry, this.#nowMs)
        if (wasHeld && !table.isHeld(entry)) this.#effects.release(other.domain, templateId)
      } else if (table.drop(entry)) this.hints.retracted++
      return
    }
    if (!isOwn(entry)) return
    const isEqual = entry.layout === layout
    const known = member.pairs.get(other)
    if (isEqual && (known?.relation === 'equal' || known?.relation === 'options_conflict')) return
    if (!isEqual && known?.relation === 'template_conflict' && known.templateId === templateId) return
    const pair = member.pairWith(other)
    if (isEqual && pair.relation === 'template_conflict') {
      if (pair.templateId !== templateId) return
      const further = conflictOf(member, other)
      if (further !== undefined) {
        pair.templateId = further
        return
      }
    }
    member.group.isDirty = true
    pair.relation = isEqual ? 'equal' : 'template_conflict'
    pair.templateId = templateId
    pair.isConfirmed = false
    pair.awaited = other
    pair.heard = 0
    pair.sinceSec = exportTimeSec
    if (!isEqual) for (const port of pair.ports) this.#forgetStored(port)
    if (isEqual || member.space !== other.space) return
    this.#dissolve(member.space)
    this.#settleOptions(member.group)
  }

  /** A store said that a port is one of several of an exporter, and now it is in conflict with one. */
  #forgetStored(member: ScopeMember): void {
    if (member.stored === undefined) return
    member.stored = undefined
    this.#dropHints(member)
    this.#settleOptions(member.group)
  }

  #compareOptions(member: ScopeMember, record: OptionsRecord): void {
    const { layout, octets, scopeOctets } = record
    for (const other of member.group.members) {
      if (other === member || other.space === member.space) continue
      const stated = this.#options.find(other.domain, layout, octets.subarray(0, scopeOctets))
      if (stated === undefined || isEqual(stated.octets, octets)) continue
      const pair = member.pairWith(other)
      if (pair.relation === 'template_conflict' || pair.relation === 'options_conflict') continue
      pair.relation = 'options_conflict'
      pair.isConfirmed = false
      pair.awaited = undefined
      pair.sinceMs = record.receivedAtMs
    }
  }

  /** Different statements are those of two exporters only if both are made again; else the rate was changed. */
  #reviewOptions(pair: PortPair): void {
    const [one, other] = pair.ports
    for (const record of this.#options.recordsOf(one.domain)) {
      if (!isStatement(record.layout)) continue
      const { layout, octets, scopeOctets } = record
      const stated = this.#options.find(other.domain, layout, octets.subarray(0, scopeOctets))
      if (stated === undefined || isEqual(stated.octets, octets)) continue
      pair.isConfirmed ||= Math.min(record.receivedAtMs, stated.receivedAtMs) > pair.sinceMs
      return
    }
    pair.relation = 'none'
    pair.isConfirmed = false
  }

  #review(group: ScopeGroup): void {
    const isChanged = group.isDirty
    group.isDirty = false
    group.reviewAtMs = this.#nowMs + REVIEW_MS
    for (const member of group.members) {
      for (const pair of member.pairs.values()) {
        if (pair.ports[0] !== member) continue
        if (pair.relation === 'options_conflict') this.#reviewOptions(pair)
        else if (pair.relation === 'template_conflict') reviewTemplates(pair)
      }
    }
    this.#settleOptions(group)
    if (isChanged) for (const member of group.members) if (member.space.size > 1) this.#shareTemplates(member)
    this.#decide(group)
    if (isChanged) group.publishedMs = Math.min(group.publishedMs, this.#nowMs - PUBLISH_MS)
    this.#publish(group)
  }

  #publish(group: ScopeGroup): void {
    const { decision, evidence } = group
    const isShared = decision === 'merged' && evidence !== 'equal_definitions'
    if (!(isShared || decision === 'apart') || this.#nowMs - group.publishedMs < PUBLISH_MS) return
    if (this.#effects.publish(group, member => this.#optionsFor(member))) group.publishedMs = this.#nowMs
  }

  *#optionsFor(member: ScopeMember): Generator<OptionsRecord> {
    for (const record of this.#options.recordsOf(member.domain)) if (mattersToSiblings(record.layout)) yield record
  }

  /** A port of a number space gets what the others announced and it did not. */
  #shareTemplates(member: ScopeMember): void {
    const { domain } = member
    for (const giver of member.space) {
      if (giver === member) continue
      for (const entry of giver.domain.table.entries()) {
        if (!isOwn(entry) || giver.domain.table.isHeld(entry)) continue
        if (domain.table.entry(entry.templateId) !== undefined) continue
        if (!this.#effects.takeHint(domain, entry, this.#nowMs)) continue
        this.hints.taken++
        this.#effects.release(domain, entry.templateId)
      }
    }
  }

  /** Bring what the mediator is told of siblings in line with what is known now. */
  #settleOptions(group: ScopeGroup): void {
    for (const member of group.members) {
      const givers = this.#giversOf(member)
      const takesStored = this.#takesStored(member)
      let isLess = member.mustRenew || (member.isToldStored && !takesStored)
      for (const giver of member.givers) isLess ||= !givers.has(giver)
      const told = isLess ? none : member.givers
      member.givers = givers
      member.mustRenew = false
      if (isLess) this.#effects.renewSource(member.domain)
      if (takesStored && (isLess || !member.isToldStored)) this.#tellStored(member)
      member.isToldStored = takesStored
      for (const giver of givers) if (!told.has(giver)) this.#tellAll(member, giver)
    }
  }

  #tellAll(member: ScopeMember, giver: ScopeMember): void {
    for (const record of this.#optionsFor(giver)) this.#effects.tell(member.domain, record)
  }

  #tellStored(member: ScopeMember): void {
    for (const record of member.stored?.options ?? []) this.#effects.tellStored(member.domain, record)
  }

  #takesStored(member: ScopeMember): boolean {
    const { stored, group, bootTimeMs } = member
    if (stored === undefined || group.isKnownApart || this.#hasOptions(member)) return false
    // If it was booted again since, what was said before may be otherwise now.
    return group.version !== 9 || stored.options.every(record => isSameBoot(record.bootTimeMs, bootTimeMs))
  }

  /** Whether it states anything itself that holds for data. */
  #hasOptions(member: ScopeMember): boolean {
    let last: Layout | undefined
    for (const { layout } of this.#options.recordsOf(member.domain)) {
      if (layout === last) continue
      if (mattersToSiblings(layout)) return true
      last = layout
    }
    return false
  }

  /** Whose options state holds for a port, beside its own. */
  #giversOf(member: ScopeMember): ReadonlySet<ScopeMember> {
    const givers = new Set<ScopeMember>()
    let isToldBySpace = false
    for (const other of member.space) {
      if (!this.#hasOptions(other)) continue
      isToldBySpace = true
      if (other !== member) givers.add(other)
    }
    if (isToldBySpace || member.group.isKnownApart || !member.isDataPort) return givers
    for (const giver of this.#optionsPortsFor(member)) givers.add(giver)
    return givers
  }

  /** Ports that send options alone, and can only be of the same exporter as this data port; none in doubt. */
  #optionsPortsFor(member: ScopeMember): ScopeMember[] {
    const { members, version } = member.group
    const found: ScopeMember[] = []
    for (const other of members) {
      if (other === member || other.space === member.space || this.#isSilent(other)) continue
      if (version === 9 && !isSameBoot(other.bootTimeMs, member.bootTimeMs)) continue
      if (!other.isDataPort) {
        if (!sendsData(other) && this.#hasOptions(other)) found.push(other)
      } else if (version !== 9) return []
    }
    const isDoubtful = found.some(
      one => one.isInConflictWith(member) || found.some(other => one.isInConflictWith(other))
    )
    return isDoubtful ? [] : found
  }

  #decide(group: ScopeGroup): void {
    const [decision, evidence] = this.#found(group)
    this.#conclude(group, decision, evidence)
  }

  #conclude(group: ScopeGroup, decision: ScopeDecision, evidence: ScopeEvidence): void {
    if (decision === group.decision && (evidence === group.evidence || decision === 'single')) return
    group.decision = decision
    group.evidence = evidence
    group.sinceMs = this.#clock.nowMs()
    this.counters[decision]++
    this.#effects.decided(group)
  }

  #found(group: ScopeGroup): [ScopeDecision, ScopeEvidence] {
    const live = new Set(group.members.filter(member => member.hasSpoken && !this.#isSilent(member)))
    let isEqualFound = false
    let areOptionsShared = false
    let isOneSpace = false
    for (const member of live) {
      for (const { ports, relation, isConfirmed } of member.pairs.values()) {
        if (!isConfirmed || !live.has(ports[0]) || !live.has(ports[1])) continue
        if (relation === 'template_conflict' || relation === 'options_conflict') return ['apart', relation]
        isEqualFound ||= relation === 'equal'
      }
      isOneSpace ||= member.space.size > 1
      areOptionsShared ||= member.givers.size > 0
    }
    if (isOneSpace) return ['merged', 'number_space']
    if (areOptionsShared) return ['merged', 'options_port']
    const stored = group.members.find(member => member.stored !== undefined)?.stored
    if (stored !== undefined && !group.isKnownApart) return ['merged', stored.evidence]
    if (live.size < 2) return ['single', group.members.length > live.size ? 'superseded' : 'one_port']
    return isEqualFound ? ['merged', 'equal_definitions'] : ['undecided', 'none']
  }

  /** Whether a port has gone quiet, measured by its own habit. */
  #isSilent({ domain: { session } }: ScopeMember): boolean {
    const idleMs = this.#nowMs - session.lastSeenMs
    if (idleMs < SILENT_MS) return false
    const wallOffsetMs = this.#clock.nowMs() - this.#nowMs
    const activeMs = session.lastSeenMs + wallOffsetMs - session.openedAtMs
    const pauseMs = activeMs / Math.max(1, session.messages - 1)
    const leastMs = session.messages < EARLY_MESSAGES ? SILENT_EARLY_MS : SILENT_MS
    return idleMs >= Math.max(leastMs, 4 * pauseMs)
  }

  /** Room for another port. */
  #dropSilent(group: ScopeGroup): void {
    const silent = group.members.find(member => this.#isSilent(member))
    if (silent === undefined) return
    this.#remove(silent)
    this.#review(group)
  }

  #remove(member: ScopeMember): void {
    const { members } = member.group
    members.splice(members.indexOf(member), 1)
    for (const other of member.pairs.keys()) other.pairs.delete(member)
    if (member.space.size === 2) this.#dissolve(member.space)
    else member.space.delete(member)
    this.#takeBack(member)
    member.domain.member = undefined
  }

  /** It stands alone from now on. */
  #takeBack(member: ScopeMember): void {
    this.#dropHints(member)
    if (member.givers.size > 0 || member.isToldStored) this.#effects.renewSource(member.domain)
    member.givers = none
    member.stored = undefined
    member.isToldStored = false
  }
}

const none: ReadonlySet<ScopeMember> = new Set()

/** Announced by this port itself, and not from before a restart. */
const isOwn = ({ source, isHint }: TemplateEntry): boolean => source === 'wire' && !isHint

/** Whether data comes from this port in another Observation Domain: its options are about that. */
function sendsData({ domain }: ScopeMember): boolean {
  for (const { table } of domain.session.domains.values()) {
    for (const { layout, source } of table.entries()) if (layout.scopeCount === 0 && source !== 'sibling') return true
  }
  return false
}

function goOn(pair: PortPair, exportTimeSec: number): void {
  if (exportTimeSec <= pair.sinceSec && ++pair.heard < MESSAGES_TO_GO_ON) return
  pair.awaited = undefined
  pair.isConfirmed = true
  pair.ports[0].group.isDirty = true
}

/** What was in conflict may have expired, or was announced anew. */
function reviewTemplates(pair: PortPair): void {
  const [one, other] = pair.ports
  if (isDifferent(one.domain.table.entry(pair.templateId), other.domain.table.entry(pair.templateId))) return
  const further = conflictOf(one, other)
  if (further === undefined) pair.relation = 'none'
  else pair.templateId = further
}

const isDifferent = (one: TemplateEntry | undefined, other: TemplateEntry | undefined): boolean =>
  one !== undefined && other !== undefined && isOwn(one) && isOwn(other) && one.layout !== other.layout

/** An id to which both announced different definitions. */
function conflictOf(one: ScopeMember, other: ScopeMember): number | undefined {
  for (const entry of one.domain.table.entries()) {
    if (isDifferent(entry, other.domain.table.entry(entry.templateId))) return entry.templateId
  }
  return undefined
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
