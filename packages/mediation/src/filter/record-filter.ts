import type { ElementRegistry, Layout } from '@weir/ipfix'
import { inputPlaces } from '../input-places.ts'
import type { InputPlaces } from '../input-places.ts'
import { normalise } from '../normalise.ts'
import type { NormalField } from '../normal-record.ts'
import { derivedOperation } from '../plan-ipfix.ts'
import type { FixedValue, InputValue } from '../operation.ts'
import { normaliseOptions } from '../variant.ts'
import type { Condition, NumberSource, RecordFilter } from './condition.ts'
import { ConstantPool } from './constant-pool.ts'
import { domainOf } from './field-names.ts'
import { filteredPlan } from './filtered-plan.ts'
import type { FieldName, Filter, FilterNode, FilterTest } from './filter.ts'

/** Of an element that a record repeats, so many are looked at: the text of no filter may grow with the Layout. */
const MOST_REPEATS = 8

type Comparison = Extract<FilterNode, { kind: 'comparison' }>

/**
 * What a filter asks of the records of a Layout.
 *
 * @param variant - of the context, with the dimensions of {@link filteredPlan}.
 * @returns undefined for options records: they are not asked.
 */
export function recordFilter(
  filter: Filter,
  layout: Layout,
  variant: number,
  registry: ElementRegistry
): RecordFilter | undefined {
  if (layout.scopeCount > 0) return undefined
  const { fields } = normalise(layout, normaliseOptions(filteredPlan, variant), registry)
  const lowering = new Lowering(fields.filter(isPresent), inputPlaces(layout))
  const condition = lowering.lower(filter.root)
  return { condition, constants: lowering.pool.constants(), size: sizeOf(condition) }
}

const isPresent = ({ isLegal }: NormalField): boolean => isLegal

function sizeOf(condition: Condition): number {
  if (condition.op === 'not') return 1 + sizeOf(condition.condition)
  if (condition.op !== 'and' && condition.op !== 'or') return 1
  return condition.conditions.reduce((sum, each) => sum + sizeOf(each), 1)
}

class Lowering {
  readonly pool = new ConstantPool()
  readonly #fields: readonly NormalField[]
  readonly #places: InputPlaces

  constructor(fields: readonly NormalField[], places: InputPlaces) {
    this.#fields = fields
    this.#places = places
  }

  lower(node: FilterNode): Condition {
    switch (node.kind) {
      case 'and':
      case 'or':
        return combined(
          node.kind,
          node.nodes.map(each => this.lower(each))
        )
      case 'not':
        return negated(this.lower(node.node))
      case 'has':
        return constant(this.#present(node.fields).length > 0)
      case 'comparison':
        return this.#comparison(node)
    }
  }

  #present(names: readonly FieldName[]): { field: NormalField; name: FieldName }[] {
    return names.flatMap(name =>
      this.#fields
        .filter(field => isNamed(field, name))
        .slice(0, MOST_REPEATS)
        .map(field => ({ field, name }))
    )
  }

  #comparison(node: Comparison): Condition {
    const present = this.#present(node.fields).filter(
      ({ field }) =>
        node.domain === 'octets' || (field.element !== undefined && domainOf(field.element.type) === node.domain)
    )
    if (present.length === 0) return constant(false)
    const tests = present.flatMap(({ field, name }) => this.#tests(node, field, name))
    const any = combined('or', tests)
    return node.isDifferent ? negated(any) : any
  }

  /** What one field has to pass, one of these. */
  #tests({ domain, test }: Comparison, field: NormalField, name: FieldName): Condition[] {
    if (test.of === 'addresses') return this.#addresses(test, field)
    if (test.of === 'texts') {
      const value = this.#valueOf(field)
      if (value === undefined) return []
      return test.texts.map(text => ({
        op: 'text' as const,
        match: test.match,
        value,
        isTrimmed: domain === 'text',
        ...this.pool.text(text)
      }))
    }
    const source = domain === 'octets' ? this.#octetsOf(field) : this.#numberOf(field, name)
    if (source === undefined) return []
    const round = source.from === 'float' && source.value.length === 4 ? Math.fround : undefined
    return [this.#number(test, source, round)]
  }

  #number(
    test: Extract<FilterTest, { of: 'order' | 'ranges' }>,
    source: NumberSource,
    round: ((value: number) => number) | undefined
  ): Condition {
    if (test.of === 'order') {
      return { op: 'order', source, order: test.order, number: this.pool.number(round?.(test.value) ?? test.value) }
    }
    // What the field can be is compared in its own precision: a float32 is never 0.1.
    const ranges =
      round === undefined ? test.ranges : test.ranges.map(([low, high]) => [round(low), round(high)] as const)
    return { op: 'ranges', source, from: this.pool.ranges(ranges), count: ranges.length }
  }

  #addresses(test: Extract<FilterTest, { of: 'addresses' }>, field: NormalField): Condition[] {
    const isExporter = field.value.from === 'exporterAddress'
    const value = isExporter ? undefined : this.#valueOf(field)
    if (value !== undefined && 'variable' in value) return []
    if (field.element?.type === 'ipv4Address') {
      if (test.four.length === 0) return []
      const source: NumberSource = value === undefined ? { from: 'exporterIPv4' } : { from: 'unsigned', value }
      return [{ op: 'ranges', source, from: this.pool.ranges(test.four), count: test.four.length }]
    }
    if (test.sixteen.length === 0) return []
    const from = this.pool.ranges16(test.sixteen)
    return [{ op: 'ranges16', value: value ?? 'exporter', from, count: test.sixteen.length }]
  }

  /** The octets of a field that stands in the input as it is. */
  #valueOf({ value }: NormalField): InputValue | undefined {
    return value.from === 'field' || value.from === 'expand' ? this.#places.values[value.index] : undefined
  }

  #octetsOf(field: NormalField): NumberSource | undefined {
    const value = this.#valueOf(field)
    return value === undefined ? undefined : { from: 'octets', value }
  }

  #numberOf(field: NormalField, name: FieldName): NumberSource | undefined {
    const { value } = field
    switch (value.from) {
      case 'field':
      case 'expand':
        return typedNumber(field, this.#places.values[value.index])
      case 'zero':
      case 'odid':
      case 'receivedAt':
        return { from: value.from }
      case 'exporterAddress':
        return undefined
      default: {
        const operation = derivedOperation(value, this.#places)
        if (operation.op === 'time') {
          const { form, boot } = operation
          return { from: 'time', form, value: operation.value, boot }
        }
        if (operation.op !== 'samplingPair') return { from: operation.op, value: operation.value }
        const { rate, sampler, ifIndex, isFallback } = operation
        const from = name.id === 305 ? 'samplingInterval' : 'samplingSpace'
        return { from, rate, sampler, ifIndex, isFallback }
      }
    }
  }
}

/** 305 stands for 306 too where both are computed. */
function isNamed({ pen, id, value }: NormalField, name: FieldName): boolean {
  if (pen !== name.pen) return false
  return id === name.id || (value.from === 'samplingPair' && name.id === 306)
}

function typedNumber({ element }: NormalField, value: InputValue): NumberSource | undefined {
  if ('variable' in value || element === undefined) return undefined
  const fixed: FixedValue = value
  switch (element.type) {
    case 'signed8':
    case 'signed16':
    case 'signed32':
    case 'signed64':
      return { from: 'signed', value: fixed }
    case 'float32':
    case 'float64':
      return { from: 'float', value: fixed }
    case 'dateTimeSeconds':
      return { from: 'time', form: 'seconds', value: fixed, boot: undefined }
    case 'dateTimeMicroseconds':
      return { from: 'time', form: 'microseconds', value: fixed, boot: undefined }
    case 'dateTimeNanoseconds':
      return { from: 'time', form: 'nanoseconds', value: fixed, boot: undefined }
    default:
      return { from: 'unsigned', value: fixed }
  }
}

const constant = (holds: boolean): Condition => ({ op: 'constant', holds })

function negated(condition: Condition): Condition {
  if (condition.op === 'constant') return constant(!condition.holds)
  return condition.op === 'not' ? condition.condition : { op: 'not', condition }
}

/** Without the parts that are known already. */
function combined(op: 'and' | 'or', conditions: readonly Condition[]): Condition {
  const decisive = op === 'or'
  const open: Condition[] = []
  for (const each of conditions) {
    if (each.op !== 'constant') open.push(each)
    else if (each.holds === decisive) return each
  }
  if (open.length === 0) return constant(!decisive)
  return open.length === 1 ? open[0] : { op, conditions: open }
}
