import type { Layout, TemplateEvent } from '@weir/ipfix'
import type { FlowDomain } from '../input/flow-domain.ts'
import type { FlowRun } from '../input/flow-run.ts'

/** One definition of a template id, and what came by it. */
export interface TemplateTally {
  readonly domain: FlowDomain
  readonly templateId: number
  readonly layout: Layout
  records: number
  /** Times that it was announced. */
  announcements: number
  /** It took the place of another definition of its id. */
  redefinitions: number
}

/** Definitions that are told apart; records of the others are counted together. */
const MAX_TEMPLATES = 16_384

/** What records looked like: templates by domain, and records by Layout. */
export class Inventory {
  readonly templates: TemplateTally[] = []
  /** Records, options records too, of definitions past the bound. */
  otherRecords = 0
  readonly #byDomain = new Map<FlowDomain, Map<number, TemplateTally[]>>()
  #lastRun: TemplateTally | undefined

  takeRun({ context: { domain }, templateId, layout, records }: FlowRun): void {
    const last = this.#lastRun
    const isSame =
      last !== undefined && last.domain === domain && last.templateId === templateId && last.layout === layout
    const tally = isSame ? last : this.#tallyOf(domain, templateId, layout)
    this.#lastRun = tally
    if (tally === undefined) this.otherRecords += records
    else tally.records += records
  }

  takeTemplate({ change, templateId, layout }: TemplateEvent, domain: FlowDomain): void {
    if (change !== 'learned' && change !== 'refreshed' && change !== 'redefined') return
    const tally = this.#tallyOf(domain, templateId, layout)
    if (tally === undefined) return
    tally.announcements++
    if (change === 'redefined') tally.redefinitions++
  }

  #tallyOf(domain: FlowDomain, templateId: number, layout: Layout): TemplateTally | undefined {
    let ids = this.#byDomain.get(domain)
    if (ids === undefined) this.#byDomain.set(domain, (ids = new Map<number, TemplateTally[]>()))
    let definitions = ids.get(templateId)
    if (definitions === undefined) ids.set(templateId, (definitions = []))
    const known = definitions.find(each => each.layout === layout)
    if (known !== undefined || this.templates.length >= MAX_TEMPLATES) return known
    const tally: TemplateTally = { domain, templateId, layout, records: 0, announcements: 0, redefinitions: 0 }
    definitions.push(tally)
    this.templates.push(tally)
    return tally
  }
}
