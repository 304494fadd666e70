import type { ElementRegistry, FieldSpecifier, Layout } from '@weir/ipfix'
import { definitionOf, isStored, type KnownTemplate, type TemplatePlace } from './template-place.ts'
import { sourceOf, stateOf } from './template-view.ts'

/** Which templates are asked for; what is left out does not matter. */
export interface TemplateFilterQuery {
  readonly exporter?: string
  readonly odid?: number
  readonly templateId?: number
  readonly kind?: 'template' | 'options'
  /** Name of an element that it has, or `pen:id`, or the id of an IANA element. */
  readonly field?: string
  /** `wire`, `store`, `file` or `sibling`. */
  readonly source?: string
  /** With what its scope key begins. */
  readonly scope?: string
  /** `live`, `hint`, `quarantined` or `remembered`. */
  readonly state?: string
}

/** Decides for one template at a time; definitions that many have are looked at once. */
export class TemplateFilter {
  readonly query: TemplateFilterQuery
  readonly #registry: ElementRegistry
  readonly #specifier: { readonly pen: number; readonly id: number } | undefined
  readonly #isName: boolean
  /** By Layout: whether it has the field, in IPFIX and in NetFlow v9, whose vendors have names of their own. */
  readonly #hasField = { ipfix: new Map<Layout, boolean>(), v9: new Map<Layout, boolean>() }

  constructor(registry: ElementRegistry, query: TemplateFilterQuery) {
    this.#registry = registry
    this.query = query
    const match = /^(?:(\d{1,10}):)?(\d{1,5})$/.exec(query.field ?? '')
    this.#specifier =
      match === null ? registry.byName(query.field ?? '') : { pen: Number(match[1] ?? 0), id: Number(match[2]) }
    this.#isName = match === null
  }

  /** Whether all templates of a place that is taken are. */
  get takesAll(): boolean {
    const { templateId, kind, field, source, state } = this.query
    return [templateId, kind, field, source, state].every(each => each === undefined)
  }

  takesPlace({ exporter, odid, scope }: TemplatePlace): boolean {
    const { query } = this
    if (query.exporter !== undefined && query.exporter !== exporter) return false
    if (query.odid !== undefined && query.odid !== odid) return false
    return query.scope === undefined || scope.startsWith(query.scope)
  }

  /** Of a place that was taken. */
  takes(template: KnownTemplate, place: TemplatePlace): boolean {
    const { templateId, kind, field, source, state } = this.query
    if (templateId !== undefined && templateId !== template.templateId) return false
    if (kind !== undefined && (kind === 'options') !== definitionOf(template).scopeCount > 0) return false
    if (source !== undefined && source !== sourceOf(template)) return false
    if (state !== undefined && state !== stateOf(template, place)) return false
    return field === undefined || this.#has(template, field, place.version)
  }

  #has(template: KnownTemplate, field: string, version: number): boolean {
    if (isStored(template)) return this.#isIn(template.fields, field, version)
    const known = version === 9 ? this.#hasField.v9 : this.#hasField.ipfix
    let has = known.get(template.layout)
    if (has === undefined) known.set(template.layout, (has = this.#isIn(template.layout.fields, field, version)))
    return has
  }

  #isIn(fields: readonly FieldSpecifier[], field: string, version: number): boolean {
    const specifier = this.#specifier
    if (specifier !== undefined) {
      for (const { pen, id } of fields) if (id === specifier.id && pen === specifier.pen) return true
      // Of NetFlow v9's own types several have the name of one element.
      if (version !== 9) return false
    }
    return this.#isName && fields.some(({ pen, id }) => this.#registry.get(pen, id, version)?.name === field)
  }
}
