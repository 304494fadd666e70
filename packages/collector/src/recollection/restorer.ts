import type { LayoutTable, TemplateEntry } from '@weir/ipfix'
import type { Clock, Log } from '@weir/runtime'
import {
  definitionHash,
  type OptionsRecord,
  type OptionsState,
  type StoredOptions,
  type StoredTemplate
} from '@weir/templates'
import type { Domain } from '../domain.ts'
import { FewMap } from '../few-map.ts'
import type { TemplateEvents } from '../template-events.ts'
import type { Remembered } from './remembered.ts'

/** Where something remembered came from: the local ring, the shared one, or the exporter's last TCP session in either. */
export type RestoreSource = 'file' | 'store' | 'session'

export interface RestorerDeps {
  readonly layouts: LayoutTable
  readonly options: OptionsState<Domain>
  readonly events: TemplateEvents
  readonly clock: Clock
  readonly log: Log
  /** Tell the mediator an options record that holds for a domain. */
  readonly announce: (domain: Domain, record: OptionsRecord) => void
  /** What waited for templates that the domain knows now goes on. */
  readonly releaseAll: (domain: Domain) => void
}

/**
 * Gives a domain what a store remembers of it. What the exporter itself announced here always wins; between two that are
 * only remembered, the later Export Time. The mediator is told the options state before the first Data Set that waited
 * goes on.
 */
export class Restorer {
  /** Templates taken up, by where they came from. */
  readonly templates: Record<RestoreSource, number> = { file: 0, store: 0, session: 0 }
  /** Options records taken up. */
  optionsRecords = 0
  /** Definitions of a store, later than what was announced here, that say something else (TH-23). */
  conflicts = 0
  readonly #deps: RestorerDeps

  constructor(deps: RestorerDeps) {
    this.#deps = deps
  }

  /** @returns whether the domain has anything of it. */
  apply(domain: Domain, remembered: Remembered, source: RestoreSource): boolean {
    const { clock } = this.#deps
    const nowMs = clock.monotonicMs()
    const wallOffsetMs = clock.nowMs() - nowMs
    let taken = 0
    for (const stored of remembered.templates) {
      // A wall clock that was set back must not make a template older than it is, nor younger than now.
      const lastSeenMs = Math.min(nowMs, stored.lastSeenMs - wallOffsetMs)
      if (this.#template(domain, stored, lastSeenMs, nowMs, source)) taken++
    }
    const changed: OptionsRecord[] = []
    for (const stored of remembered.options) this.#options(domain, stored, changed)
    if (remembered.sequence !== undefined) {
      const hasBegunAnew = domain.sequence.takeOver(remembered.sequence)
      // What the exporter announced before it began anew is in doubt (D15). A connection begins anew by being one.
      if (hasBegunAnew && domain.session.transport === 'udp') domain.table.holdHints()
    }
    this.templates[source] += taken
    this.optionsRecords += changed.length
    for (const record of changed) this.#deps.announce(domain, record)
    if (taken > 0) this.#deps.releaseAll(domain)
    return taken > 0 || changed.length > 0
  }

  #template(domain: Domain, stored: StoredTemplate, lastSeenMs: number, nowMs: number, source: RestoreSource): boolean {
    const { table } = domain
    const { templateId, exportTimeSec, lifetimeMs } = stored
    const known = table.entry(templateId)
    if (known === undefined && domain.ended?.has(templateId) === true && exportTimeSec <= domain.endedSec) return false
    const layout = this.#deps.layouts.intern(stored.fields, stored.scopeCount)
    if (known?.layout === layout) {
      table.renew(known, lastSeenMs, lifetimeMs)
      const said = domain.said?.get(templateId)
      if (known.isHint && said !== undefined) said.exportTimeSec = Math.max(said.exportTimeSec, exportTimeSec)
      return false
    }
    if (known !== undefined) {
      const isLater = exportTimeSec > (domain.said?.get(templateId)?.exportTimeSec ?? domain.lastExportTimeSec)
      if (isLater && !isReplaceable(known)) this.#conflict(domain, known, stored)
      if (!isLater || !isReplaceable(known)) {
        this.#deps.layouts.releaseUnused(layout)
        return false
      }
      table.withdraw(templateId)
    }
    if (!table.restore(templateId, layout, lastSeenMs, nowMs, 'store', lifetimeMs)) {
      this.#deps.layouts.releaseUnused(layout)
      return false
    }
    domain.said ??= new FewMap()
    domain.said.set(templateId, { writtenMs: -Infinity, exportTimeSec })
    domain.ended?.delete(templateId)
    this.#deps.events.onRestored(domain, templateId, layout, source, nowMs)
    return true
  }

  /** Each pod decodes by what it saw itself; that two saw different things is worth knowing. */
  #conflict(domain: Domain, known: TemplateEntry, stored: StoredTemplate): void {
    const { exporter, identity } = domain.session
    this.conflicts++
    this.#deps.log.warn('template_conflict', 'another pod was told another definition, later: ours is used here', {
      exporter: exporter.id,
      listener: identity.listener,
      odid: domain.odid,
      templateId: stored.templateId,
      ours: definitionHash(known.layout.fields, known.layout.scopeCount),
      theirs: definitionHash(stored.fields, stored.scopeCount),
      session: stored.session
    })
  }

  #options(domain: Domain, stored: StoredOptions, changed: OptionsRecord[]): void {
    const { layouts, options } = this.#deps
    const layout = layouts.intern(stored.fields, stored.scopeCount)
    const { octets, scopeOctets, exportTimeSec, receivedAtMs, bootTimeMs } = stored
    const known = options.find(domain, layout, octets.subarray(0, scopeOctets))
    if (known === undefined || exportTimeSec > known.exportTimeSec) {
      options.update(
        domain,
        layout,
        octets,
        0,
        octets.length,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        (change, record) => {
          if (change !== 'evicted') changed.push(record)
        }
      )
    }
    layouts.releaseUnused(layout)
  }
}

/** What the exporter announced to us stays; what it announced before it restarted is a memory like any other (D15). */
const isReplaceable = (known: TemplateEntry): boolean => known.isHint
