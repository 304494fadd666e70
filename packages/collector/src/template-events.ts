import {
  faults,
  type FaultCode,
  type Layout,
  type TemplateChange,
  type TemplateEvent,
  type TemplateSourceCounts
} from '@weir/ipfix'
import type { PodEvent } from '@weir/link'
import type { Log } from '@weir/runtime'
import type { RemovalReason } from '@weir/templates'
import type { Domain } from './domain.ts'
import type { EventFields, EventOutlet } from './event-outlet.ts'
import type { Publisher } from './recollection/publisher.ts'
import { templateKeyOf } from './template-key.ts'

/** Ids remembered as ended in one domain; more than any exporter has. */
const MAX_ENDED = 4096

/** How often templates changed, by kind. Plain numbers that only grow. */
export type TemplateChanges = Record<TemplateChange | 'restored' | 'rejected', number>

/** What follows from a template's change, wherever it comes from: counters, the store, the log, an event. */
export class TemplateEvents {
  /** Live templates by where they were learned. */
  readonly sources: TemplateSourceCounts = { wire: 0, store: 0, file: 0, sibling: 0 }
  readonly changes: TemplateChanges = {
    learned: 0,
    refreshed: 0,
    restored: 0,
    redefined: 0,
    withdrawn: 0,
    expired: 0,
    evicted: 0,
    rejected: 0
  }
  readonly #publisher: Publisher
  readonly #log: Log
  readonly #outlet: EventOutlet

  constructor(publisher: Publisher, log: Log, outlet: EventOutlet) {
    this.#publisher = publisher
    this.#log = log
    this.#outlet = outlet
  }

  /** @param nowMs - monotonic. */
  onTemplate(domain: Domain, event: TemplateEvent, nowMs: number): void {
    this.changes[event.change]++
    switch (event.change) {
      case 'refreshed':
        this.#publisher.refresh(domain, event.templateId, nowMs)
        if (domain.session.transport === 'tcp')
          this.#note('debug', 'template_same', 'a template was sent again', domain, event)
        return
      case 'learned':
        domain.ended?.delete(event.templateId)
        this.#remember(domain, event.templateId, nowMs)
        this.#tell('template_learned', domain, event, nowMs)
        return
      case 'redefined':
        this.#remember(domain, event.templateId, nowMs)
        this.#note(
          'warn',
          'template_redefined',
          'an exporter gave a live template id another definition',
          domain,
          event
        )
        this.#tell('template_redefined', domain, event, nowMs)
        return
      case 'evicted':
        this.#publisher.forget(domain, event.templateId, 'expired')
        this.#note('warn', 'template_evicted', 'a template was ended by a limit', domain, event)
        this.#tell('template_evicted', domain, event, nowMs)
        return
      case 'expired':
        if (event.wasHint === true) this.#publisher.forget(domain, event.templateId, event.change)
        else this.#end(domain, event.templateId, event.change)
        this.#note('warn', 'template_expired', 'a template was not announced again within its lifetime', domain, event)
        this.#tell('template_expired', domain, event, nowMs)
        return
      case 'withdrawn':
        this.#end(domain, event.templateId, event.change)
        this.#note('debug', 'template_withdrawn', 'a template was withdrawn', domain, event)
        this.#tell('template_withdrawn', domain, event, nowMs, { by: 'exporter' })
    }
  }

  /**
   * A template was taken up without the exporter's word.
   *
   * @param source - where it is from: `store`, `sibling` for another session of the same exporter, or `session` for the
   * former one whose place this one takes.
   */
  onRestored(domain: Domain, templateId: number, layout: Layout, source: string, nowMs: number): void {
    this.changes.restored++
    this.#tell('template_restored', domain, { templateId, layout }, nowMs, { source })
  }

  /** A definition was not taken; one that its id had before stays. */
  onRejected(domain: Domain, templateId: number, code: FaultCode, nowMs: number): void {
    this.changes.rejected++
    this.#outlet.tell('template_rejected', nowMs, () => ({
      ...placeOf(domain, templateId),
      code,
      reason: faults[code]
    }))
  }

  /** Through the API: its data waits for the next announcement. The template has left the table already. */
  onForgotten(domain: Domain, templateId: number, layout: Layout, nowMs: number): void {
    this.changes.withdrawn++
    this.#publisher.forget(domain, templateId, 'withdrawn')
    this.#tell('template_withdrawn', domain, { templateId, layout }, nowMs, { by: 'api' })
  }

  #remember(domain: Domain, templateId: number, nowMs: number): void {
    const entry = domain.table.entry(templateId)
    if (entry !== undefined) this.#publisher.remember(domain, entry, nowMs)
  }

  #end(domain: Domain, templateId: number, reason: RemovalReason): void {
    domain.ended ??= new Set()
    if (domain.ended.size < MAX_ENDED) domain.ended.add(templateId)
    this.#publisher.forget(domain, templateId, reason)
  }

  #tell(
    event: PodEvent,
    domain: Domain,
    change: Pick<TemplateEvent, 'templateId' | 'layout' | 'previous'>,
    nowMs: number,
    more: EventFields = {}
  ): void {
    this.#outlet.tell(event, nowMs, () => ({
      ...placeOf(domain, change.templateId),
      kind: change.layout.scopeCount > 0 ? 'options' : 'template',
      fields: change.layout.fields.length,
      ...definitionOf(change),
      ...more
    }))
  }

  #note(level: 'debug' | 'warn', code: string, message: string, domain: Domain, event: TemplateEvent): void {
    if (level === 'debug' && !this.#log.isEnabled('debug')) return
    const { exporter } = domain.session
    const { odid } = domain
    this.#log[level](code, message, {
      exporter: exporter.id,
      odid,
      templateId: event.templateId,
      ...definitionOf(event)
    })
  }
}

const definitionOf = ({ layout, previous }: Pick<TemplateEvent, 'layout' | 'previous'>) => ({
  layout: layout.key.slice(0, 256),
  ...(previous === undefined ? {} : { previous: previous.key.slice(0, 256) })
})

function placeOf(domain: Domain, templateId: number): EventFields {
  const { identity, exporter } = domain.session
  const { odid } = domain
  return {
    exporter: exporter.id,
    odid,
    templateId,
    scope: identity.scope,
    key: templateKeyOf(identity.scope, odid, templateId)
  }
}
