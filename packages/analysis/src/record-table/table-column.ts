import { isListType } from '@weir/ipfix'
import { compareElements, keyOf } from '@weir/mediation'
import type { DataType, ElementRegistry, InformationElement, Layout } from '@weir/ipfix'
import type { ColumnWanted, ElementId } from '../columns/column-batch.ts'

/**
 * What the values of a column of a table are. By the element's type and nothing else, so that tables of different inputs have
 * the same columns.
 */
export type ValueType =
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'boolean'
  | 'string'
  | 'octets'
  | 'mac'
  | 'ipv4'
  | 'ipv6'
  /** Either family. */
  | 'address'
  | 'seconds'
  | 'milliseconds'
  | 'microseconds'
  | 'nanoseconds'

/** One column of a table of records. */
export interface TableColumn {
  /** As in a JSON record. */
  readonly name: string
  readonly type: ValueType
  readonly elements: readonly ElementId[]
  /** How it is read out of normalised records. */
  readonly wanted: ColumnWanted
}

const typeOf: Readonly<Record<Exclude<DataType, 'basicList' | 'subTemplateList' | 'subTemplateMultiList'>, ValueType>> =
  {
    octetArray: 'octets',
    unsigned8: 'uint8',
    unsigned16: 'uint16',
    unsigned32: 'uint32',
    unsigned64: 'uint64',
    unsigned256: 'octets',
    signed8: 'int8',
    signed16: 'int16',
    signed32: 'int32',
    signed64: 'int64',
    float32: 'float32',
    float64: 'float64',
    boolean: 'boolean',
    macAddress: 'mac',
    string: 'string',
    dateTimeSeconds: 'seconds',
    dateTimeMilliseconds: 'milliseconds',
    dateTimeMicroseconds: 'microseconds',
    dateTimeNanoseconds: 'nanoseconds',
    ipv4Address: 'ipv4',
    ipv6Address: 'ipv6'
  }

/** How values of a type are kept in a batch. */
function wantedOf(type: ValueType, elements: readonly ElementId[]): ColumnWanted {
  switch (type) {
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'boolean':
    case 'seconds':
      return { kind: 'uint32', elements }
    case 'int8':
    case 'int16':
    case 'int32':
      return { kind: 'float64', format: 'signed', elements }
    case 'float32':
    case 'float64':
      return { kind: 'float64', format: 'float', elements }
    case 'ipv4':
    case 'ipv6':
    case 'address':
      return { kind: 'address', elements }
    case 'string':
    case 'octets':
    case 'mac':
      return { kind: 'octets', elements }
    default:
      return { kind: 'uint64', elements }
  }
}

const iana = (...ids: number[]): ElementId[] => ids.map(id => ({ pen: 0, id }))

/** Columns of what a Plan adds; named as the keys of a JSON record. */
const samplingColumn: TableColumn = {
  name: 'samplingRate',
  type: 'float64',
  elements: iana(305, 306),
  wanted: { kind: 'samplingRate', elements: [] }
}
const lineageColumns: readonly TableColumn[] = [
  { name: 'exporter', type: 'address', elements: iana(403, 404), wanted: wantedOf('address', iana(403, 404)) },
  { name: 'odid', type: 'uint32', elements: iana(405), wanted: wantedOf('uint32', iana(405)) },
  { name: 'receivedAt', type: 'milliseconds', elements: iana(258), wanted: wantedOf('milliseconds', iana(258)) }
]

/** What a Plan adds to each record. */
export interface AddedColumns {
  readonly sampling: boolean
  readonly lineage: boolean
}

/**
 * The columns for these elements, in the order given, and behind them those of what the Plan adds. Lists (RFC 6313) have no
 * column.
 */
export function tableColumns(
  elements: readonly ElementId[],
  registry: ElementRegistry,
  { sampling, lineage }: AddedColumns
): TableColumn[] {
  const added = [...(sampling ? [samplingColumn] : []), ...(lineage ? lineageColumns : [])]
  const isAdded = ({ pen, id }: ElementId): boolean =>
    pen === 0 && added.some(column => column.elements.some(each => each.id === id))
  const taken = new Set(added.map(({ name }) => name))
  const columns: TableColumn[] = []
  for (const { pen, id } of elements) {
    const element = registry.get(pen, id)
    if (isAdded({ pen, id }) || (element !== undefined && isListType(element.type))) continue
    const own = keyOf(pen, id, element)
    const name = taken.has(own) ? keyOf(pen, id, undefined) : own
    if (taken.has(name)) continue
    taken.add(name)
    const type = valueType(element)
    const ids = [{ pen, id }]
    columns.push({ name, type, elements: ids, wanted: wantedOf(type, ids) })
  }
  return [...columns, ...added]
}

const valueType = (element: InformationElement | undefined): ValueType =>
  element === undefined ? 'octets' : typeOf[element.type as keyof typeof typeOf]

/** All elements of some Layouts, in canonical order. */
export function elementsOf(layouts: Iterable<Layout>): ElementId[] {
  const elements = new Map<string, ElementId>()
  for (const { fields } of layouts) {
    for (const { pen, id } of fields) if (pen !== 0 || id !== 210) elements.set(`${pen}.${id}`, { pen, id })
  }
  return [...elements.values()].toSorted(compareElements)
}
