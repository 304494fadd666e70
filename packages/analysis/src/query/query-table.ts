import { keyOf } from '@weir/mediation'
import { paramsError, quoted } from './sql-writer.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { ElementId } from '../columns/column-batch.ts'

const iana = (...ids: number[]): ElementId[] => ids.map(id => ({ pen: 0, id }))

/** Names of our own; the first that a record has. */
const pseudo: ReadonlyMap<string, readonly ElementId[]> = new Map([
  ['src', iana(8, 27)],
  ['dst', iana(12, 28)],
  ['srcport', iana(7, 180, 182)],
  ['dstport', iana(11, 181, 183)],
  ['proto', iana(4)],
  ['octets', iana(1, 85)],
  ['packets', iana(2, 86)]
])

/** Columns that are of what a Plan adds, and the elements they stand for. */
const added: ReadonlyMap<string, readonly ElementId[]> = new Map([
  ['exporter', iana(403, 404)],
  ['odid', iana(405)],
  ['receivedAt', iana(258)],
  ['samplingRate', iana(305, 306)]
])

/** Start and end of a flow have one form in a file: that of milliseconds, of nanoseconds, or those that were preserved. */
const timeForms = [iana(152, 156, 154, 150), iana(153, 157, 155, 151)]

/** What a field of a query can be read from. */
export interface QueryField {
  /** As it was asked for. */
  readonly name: string
  readonly elements: readonly ElementId[]
}

/**
 * The field of a name.
 *
 * @throws CodedError TASK_PARAMS if nothing has that name.
 */
export function queryField(name: string, registry: ElementRegistry): QueryField {
  const own = pseudo.get(name) ?? added.get(name)
  if (own !== undefined) return { name, elements: own }
  const numbers = /^en(\d{1,10}):id(\d{1,5})$/.exec(name)
  const element = registry.byName(name)
  if (element === undefined && numbers === null) {
    throw paramsError(
      `There is no field ${JSON.stringify(name)}; use the name of an element, or ${[...pseudo.keys()].join(', ')}`
    )
  }
  const { pen, id } = element ?? { pen: Number(numbers![1]), id: Number(numbers![2]) }
  return { name, elements: alternatives({ pen, id }) }
}

/** The same moment in other forms, the most precise first that a table has. */
export function alternatives({ pen, id }: ElementId): readonly ElementId[] {
  const forms = pen === 0 ? timeForms.find(each => each.some(form => form.id === id)) : undefined
  if (forms === undefined) return [{ pen, id }]
  return [{ pen, id }, ...forms.filter(form => form.id !== id)]
}

/** A column of a table, and DuckDB's type of it. */
export interface QueryColumn {
  readonly name: string
  readonly type: string
}

/** What columns a table has, by the elements they are of. */
export class QueryTable {
  readonly #columns: ReadonlyMap<string, QueryColumn>
  readonly #registry: ElementRegistry

  constructor(columns: readonly QueryColumn[], registry: ElementRegistry) {
    this.#columns = new Map(columns.map(column => [column.name, column]))
    this.#registry = registry
  }

  columns(): Iterable<QueryColumn> {
    return this.#columns.values()
  }

  /** The column of an element, or undefined. */
  columnOf({ pen, id }: ElementId): QueryColumn | undefined {
    const own = pen === 0 ? [...added].find(([, elements]) => elements.some(each => each.id === id))?.[0] : undefined
    const element = this.#registry.get(pen, id)
    const named = this.#columns.get(own ?? keyOf(pen, id, element))
    return named ?? this.#columns.get(keyOf(pen, id, undefined))
  }

  /** What a field is in a statement: NULL where no column has it. */
  expression({ elements }: QueryField): string {
    const columns = [...new Set(elements.flatMap(element => this.columnOf(element)?.name ?? []))]
    if (columns.length === 0) return 'NULL'
    return columns.length === 1 ? quoted(columns[0]) : `coalesce(${columns.map(quoted).join(', ')})`
  }
}
