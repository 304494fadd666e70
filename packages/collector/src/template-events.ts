import type { TemplateChange, TemplateEvent } from '@weir/ipfix'
import type { Log } from '@weir/runtime'
import type { Domain } from './domain.ts'
import { RateGate } from './rate-gate.ts'
import type { Recollection } from './recollection.ts'

/** Ids remembered as ended in one domain; more than any exporter has. */
const MAX_ENDED = 4096
/** Events told in a second: exporters cause them, and the control channel is not theirs. */
const EVENTS_PER_SECOND = 20

/** How often templates changed, by kind. Plain numbers that only grow. */
export type TemplateChanges = Record<TemplateChange, number>

/** Tells of something that an operator may want to see at once. */
export type EmitEvent = (event: string, fields: Record<string, string | number>) => void

/** What follows from a template's change, wherever it comes from: counters, the store, the log, an event. */
export class TemplateEvents {
  readonly changes: TemplateChanges = { learned: 0, refreshed: 0, redefined: 0, withdrawn: 0, expired: 0, evicted: 0 }
  readonly #recollection: Recollection
  readonly #log: Log
  readonly #emit: EmitEvent
  readonly #gate = new RateGate(EVENTS_PER_SECOND)

  constructor(recollection: Recollection, log: Log, emit: EmitEvent) {
    this.#recollection = recollection
    this.#log = log
    this.#emit = emit
  }

  /** @param nowMs - monotonic. */
  onTemplate(domain: Domain, event: TemplateEvent, nowMs: number): void {
    this.changes[event.change]++
    switch (event.change) {
      case 'refreshed':
        this.#recollection.refresh(domain, event.templateId, nowMs)
        if (domain.session.transport === 'tcp')
          this.#note('debug', 'template_same', 'a template was sent again', domain, event, nowMs)
        return
      case 'learned':
        domain.ended?.delete(event.templateId)
        this.#remember(domain, event.templateId, nowMs)
        return
      case 'redefined':
        this.#remember(domain, event.templateId, nowMs)
        this.#note(
          'warn',
          'template_redefined',
          'an exporter gave a live template id another definition',
          domain,
          event,
          nowMs
        )
        return
      case 'evicted':
        this.#recollection.forget(domain, event.templateId)
        this.#note('warn', 'template_evicted', 'a template was ended by a limit', domain, event, nowMs)
        return
      case 'expired':
      case 'withdrawn':
        this.#end(domain, event, nowMs)
    }
  }

  #remember(domain: Domain, templateId: number, nowMs: number): void {
    const entry = domain.table.entry(templateId)
    if (entry !== undefined) this.#recollection.remember(domain, entry, nowMs)
  }

  #end(domain: Domain, event: TemplateEvent, nowMs: number): void {
    domain.ended ??= new Set()
    if (domain.ended.size < MAX_ENDED) domain.ended.add(event.templateId)
    this.#recollection.forget(domain, event.templateId)
    if (event.change === 'expired') {
      this.#note(
        'warn',
        'template_expired',
        'a template was not announced again within its lifetime',
        domain,
        event,
        nowMs
      )
    } else {
      this.#note('debug', 'template_withdrawn', 'a template was withdrawn', domain, event, nowMs)
    }
  }

  #note(
    level: 'debug' | 'warn',
    code: string,
    message: string,
    domain: Domain,
    event: TemplateEvent,
    nowMs: number
  ): void {
    const isWarning = level === 'warn'
    if (!isWarning && !this.#log.isEnabled('debug')) return
    const fields = {
      exporter: domain.session.exporter.id,
      odid: domain.odid,
      templateId: event.templateId,
      layout: event.layout.key.slice(0, 256),
      ...(event.previous === undefined ? {} : { previous: event.previous.key.slice(0, 256) })
    }
    this.#log[level](code, message, fields)
    if (isWarning && this.#gate.pass(nowMs)) this.#emit(code, fields)
  }
}
