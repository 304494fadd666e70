import { defaultLimits } from './limits.ts'
import type { Layout } from './layout.ts'
import type { TemplateTable } from './template-table.ts'

/** Bounds of one {@link TemplateBudget}; read anew whenever room is asked for, so getters may change them. */
export interface TemplateBudgetOptions {
  /** Most templates at once (L-11 for an exporter, L-12 for all). */
  readonly templates?: number
  /** Most estimated heap octets at once (L-12), see {@link templateHeapOctets}. */
  readonly octets?: number
  /** The next wider budget; what is taken here is taken there too. */
  readonly parent?: TemplateBudget
}

/** How many other tables one full budget asks for an idle template before it refuses. */
const tablesAsked = 256

/**
 * Estimated heap octets of one template: its Layout's fields and the entry. A Layout that nobody shares takes more (measured:
 * 660 and 65 for each field), one that others have already takes almost nothing: the estimate lies between.
 */
export function templateHeapOctets(layout: Layout): number {
  return 256 + 48 * layout.fields.length
}

/**
 * How many templates may live in all the tables that share it: one for each exporter address, and one for the process
 * above them. When it is full a table first gives up an idle template of its own, then the tables of unverified
 * sessions do, then the others; only idle ones are ever taken from another table (TH-09, L-11, L-12).
 */
export class TemplateBudget {
  readonly #options: TemplateBudgetOptions
  readonly #parent: TemplateBudget | undefined
  /** In order of last definition: the first has been quiet for the longest. */
  readonly #tables = new Set<TemplateTable>()
  #templates = 0
  #octets = 0
  #refused = 0

  constructor(options: TemplateBudgetOptions = {}) {
    this.#options = options
    this.#parent = options.parent
  }

  get templates(): number {
    return this.#templates
  }

  get octets(): number {
    return this.#octets
  }

  /** How often a template was refused here because no idle one was found. */
  get refused(): number {
    return this.#refused
  }

  /** Take room for one template of `table`, making room by evicting idle ones. @returns false if there is none. */
  take(octets: number, table: TemplateTable, nowMs: number): boolean {
    if (!this.#makeRoom(1, octets, table, nowMs)) return false
    if (this.#parent !== undefined && !this.#parent.take(octets, table, nowMs)) return false
    this.#templates++
    this.#octets += octets
    this.#tables.delete(table)
    this.#tables.add(table)
    return true
  }

  /** Give back what one {@link take} took. */
  give(octets: number, table: TemplateTable): void {
    this.#templates--
    this.#octets -= octets
    if (table.size === 0) this.#tables.delete(table)
    this.#parent?.give(octets, table)
  }

  /** One template of `table` changes its size. Evicts nothing of that table. @returns false if there is no room. */
  exchange(former: number, octets: number, table: TemplateTable, nowMs: number): boolean {
    if (octets > former && !this.#makeRoom(0, octets - former, table, nowMs, false)) return false
    if (this.#parent !== undefined && !this.#parent.exchange(former, octets, table, nowMs)) return false
    this.#octets += octets - former
    return true
  }

  #makeRoom(templates: number, octets: number, table: TemplateTable, nowMs: number, mayTakeOwn = true): boolean {
    const maxTemplates = this.#options.templates ?? defaultLimits.templatesTotal
    const maxOctets = this.#options.octets ?? defaultLimits.templateOctetsTotal
    while (this.#templates + templates > maxTemplates || this.#octets + octets > maxOctets) {
      if ((mayTakeOwn && table.evictIdle(nowMs, true)) || this.#evictElsewhere(table, nowMs)) continue
      this.#refused++
      return false
    }
    return true
  }

  #evictElsewhere(asking: TemplateTable, nowMs: number): boolean {
    let asked = 0
    let verified: TemplateTable | undefined
    for (const table of this.#tables) {
      if (++asked > tablesAsked) break
      if (table === asking) continue
      if (table.isVerified) {
        if (verified === undefined && table.hasIdle(nowMs)) verified = table
      } else if (table.evictIdle(nowMs, false)) return true
    }
    return verified !== undefined && verified.evictIdle(nowMs, false)
  }
}
