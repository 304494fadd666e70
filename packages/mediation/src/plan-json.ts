import type { InformationElement, Layout } from '@weir/ipfix'
import { fixedValue, inputPlaces } from './input-places.ts'
import type { InputPlaces } from './input-places.ts'
import type { NormalField, NormalRecord, NormalValue } from './normal-record.ts'
import type { FixedValue, Operation, RecordPlan } from './operation.ts'
import type { JsonPlan } from './plan.ts'
import { derivedOperation } from './plan-ipfix.ts'
import { isQuoted, keyOf, mostTextOctets, textWriterOf } from './text-writer.ts'

/** Writers of four octets at a time may touch a few octets behind the end of a record. */
const TEXT_SLACK = 8

/** Keys that are not an element's; an element of such a name is written as if it had none. */
const ownKeys = ['recordType', 'scope', 'exporter', 'odid', 'receivedAt', 'samplingRate', 'samplingOrigin']

/** The steps that write a normalised record as one line of JSON. */
export function planJson(layout: Layout, record: NormalRecord, plan: JsonPlan, isIPv6: boolean): RecordPlan {
  const places = inputPlaces(layout)
  const line = new JsonLine(places, plan.numbers64 === 'string')
  const groups = groupByKey([...record.scope, ...record.fields])
  if (layout.scopeCount > 0) {
    const scope = new Set(record.scope)
    const names = [...groups].filter(([, fields]) => fields.some(field => scope.has(field))).map(([key]) => key)
    line.key('recordType').literal('"options"').key('scope').literal(JSON.stringify(names))
  }
  for (const [key, fields] of groups) line.member(key, fields)
  if (plan.sampling) line.sampling(record)
  if (plan.lineage) {
    line.key('exporter').exporter(isIPv6)
    line.key('odid').context('odid', 10)
    line.key('receivedAt').context('receivedAt', 26)
  }
  return line.end()
}

/** Fields by their JSON key, in order: repeated elements are one array, and no two elements share a key. */
function groupByKey(fields: readonly NormalField[]): Map<string, NormalField[]> {
  const groups = new Map<string, NormalField[]>(ownKeys.map(key => [key, []]))
  for (const field of fields) {
    if (field.value.from === 'samplingPair') continue
    const name = keyOf(field.pen, field.id, field.element)
    const holder = groups.get(name)
    const isSame = holder?.[0]?.pen === field.pen && holder[0].id === field.id
    const key = holder === undefined || isSame ? name : keyOf(field.pen, field.id, undefined)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [field])
    else group.push(field)
  }
  for (const key of ownKeys) groups.delete(key)
  return groups
}

const utf8 = new TextEncoder()

/** Collects the steps of one line; neighbouring literals are one. */
class JsonLine {
  readonly #places: InputPlaces
  readonly #areNumbers64Text: boolean
  readonly #operations: Operation[] = []
  #pending = ''
  #isFirst = true
  #most = 0

  constructor(places: InputPlaces, areNumbers64Text: boolean) {
    this.#places = places
    this.#areNumbers64Text = areNumbers64Text
  }

  literal(text: string): this {
    this.#pending += text
    return this
  }

  key(name: string): this {
    this.#pending += `${this.#isFirst ? '{' : ','}${JSON.stringify(name)}:`
    this.#isFirst = false
    return this
  }

  context(name: Extract<Operation, { op: 'contextText' }>['name'], most: number): this {
    return this.#step({ op: 'contextText', name }, most)
  }

  exporter(isIPv6: boolean): void {
    this.literal('"')
      .context(isIPv6 ? 'exporterIPv6' : 'exporterIPv4', isIPv6 ? 45 : 15)
      .literal('"')
  }

  member(key: string, fields: readonly NormalField[]): void {
    this.key(key)
    if (fields.length > 1) this.literal('[')
    for (const [index, field] of fields.entries()) {
      if (index > 0) this.literal(',')
      this.#value(field)
    }
    if (fields.length > 1) this.literal(']')
  }

  sampling(record: NormalRecord): void {
    const pair = record.fields.find(({ value }) => value.from === 'samplingPair')
    if (pair !== undefined) {
      const operation = derivedOperation(pair.value as Extract<NormalValue, { from: 'samplingPair' }>, this.#places)
      if (operation.op !== 'samplingPair') return
      this.key('samplingRate')
      this.#step({ ...operation, op: 'samplingText', interval: undefined, space: undefined }, 50)
      return
    }
    const interval = this.#fixedOf(record, 305)
    const space = this.#fixedOf(record, 306)
    if (interval === undefined || space === undefined) return
    this.key('samplingRate')
    const none = { rate: undefined, sampler: undefined, ifIndex: undefined, isFallback: false }
    this.#step({ op: 'samplingText', interval, space, ...none }, 70)
  }

  end(): RecordPlan {
    this.literal(this.#isFirst ? '{}\n' : '}\n')
    this.#flush()
    const { variables, end } = this.#places
    return {
      operations: this.#operations,
      variables,
      end,
      fixedOutput: this.#most + TEXT_SLACK,
      isFixedOutput: false
    }
  }

  #fixedOf(record: NormalRecord, id: number): FixedValue | undefined {
    const field = record.fields.find(field => field.pen === 0 && field.id === id && field.isLegal)
    const value = field?.value
    if (value?.from !== 'field' && value?.from !== 'expand') return undefined
    return fixedValue(this.#places.values[value.index])
  }

  #value({ value, element, isLegal }: NormalField): void {
    switch (value.from) {
      case 'time':
      case 'tcpControlBits':
      case 'selectorAlgorithm':
        return this.#derived(value, element)
      case 'exporterAddress':
        return this.exporter(element?.type === 'ipv6Address')
      case 'field':
      case 'expand':
        return this.#input(value.index, element, isLegal)
      default:
        this.literal('null')
    }
  }

  #derived(
    value: Extract<NormalValue, { from: 'time' | 'tcpControlBits' | 'selectorAlgorithm' }>,
    element: InformationElement | undefined
  ) {
    const operation = derivedOperation(value, this.#places)
    if (operation.op === 'samplingPair') return
    const writer = textWriterOf(element, true)
    this.#step({ op: 'text', writer, value: operation, areNumbers64Text: false }, mostTextOctets(writer) ?? 0)
  }

  #input(index: number, element: InformationElement | undefined, isLegal: boolean): void {
    const value = this.#places.values[index]
    const writer = textWriterOf(element, isLegal)
    const isEmpty = 'length' in value && value.length === 0
    if (isEmpty) {
      this.literal(writer === 'hex' || writer === 'string' ? '""' : 'null')
      return
    }
    // A type of 9 to 32 octets that was shortened to 8 is an integer like others.
    const isShort = writer === 'unsigned256' && 'length' in value && value.length <= 8
    const quote = isQuoted(writer, element, this.#areNumbers64Text) ? '"' : ''
    this.literal(quote)
    const areNumbers64Text = this.#areNumbers64Text
    const actual = isShort ? 'unsigned64' : writer
    this.#step({ op: 'text', writer: actual, value, areNumbers64Text }, mostTextOctets(writer) ?? 0)
    this.literal(quote)
  }

  #step(operation: Operation, most: number): this {
    this.#flush()
    this.#operations.push(operation)
    this.#most += most
    return this
  }

  #flush(): void {
    if (this.#pending === '') return
    const octets = utf8.encode(this.#pending)
    this.#operations.push({ op: 'literal', octets })
    this.#most += octets.length
    this.#pending = ''
  }
}
