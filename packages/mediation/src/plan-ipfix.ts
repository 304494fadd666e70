import { VARIABLE_LENGTH, isListType, isSigned } from '@weir/ipfix'
import type { FieldSpecifier, Layout } from '@weir/ipfix'
import { fixedValue, inputPlaces } from './input-places.ts'
import type { InputPlaces } from './input-places.ts'
import type { NormalField, NormalRecord, NormalValue } from './normal-record.ts'
import type { ContextName, FixedValue, Operation, RecordPlan } from './operation.ts'
import { planNumber } from './plan.ts'
import type { IpfixPlan } from './plan.ts'

/** Octets that a list may grow by: a malformed one becomes an empty one of at most 5, an exporter's may have had none. */
export const LIST_SLACK = 8

/** The steps that write a normalised record as IPFIX, and the fields of the Layout it then has. */
export function planIpfix(
  layout: Layout,
  record: NormalRecord,
  plan: IpfixPlan
): { plan: RecordPlan; fields: FieldSpecifier[]; scopeCount: number } {
  const places = inputPlaces(layout)
  const normal = exportedFields(record)
  const named = namedTemplate(layout, places)
  const operations: Operation[] = []
  let fixedOutput = 0
  let isFixedOutput = true
  for (const field of normal) {
    const operation = (named && flowKeys(field, places, named, plan)) ?? operationOf(field, places)
    append(operations, operation)
    if (field.length === VARIABLE_LENGTH) isFixedOutput = false
    else fixedOutput += field.length
    if (operation.op === 'list') isFixedOutput = false
  }
  const fields = normal.flatMap(specifiersOf)
  return {
    plan: { operations, variables: places.variables, end: places.end, fixedOutput, isFixedOutput },
    fields,
    scopeCount: record.scope.filter(field => field.isLegal).length
  }
}

/** The fields of a normalised record that IPFIX can have, in their order; a `samplingPair` stands for two. */
export function exportedFields(record: NormalRecord): NormalField[] {
  const fields = [...record.scope, ...record.fields].filter(field => field.isLegal)
  // A record of no octets is not legal (RFC 7011 §3.3.1).
  if (fields.every(field => field.length === 0)) fields.push(emptyField)
  return fields
}

/** The template that a record speaks of. With a list beside it, 145 names the original template, as lists do. */
function namedTemplate({ fields, namesTemplates, hasLists }: Layout, places: InputPlaces): FixedValue | undefined {
  if (!namesTemplates || hasLists) return undefined
  const index = fields.findIndex(({ pen, id, length }) => pen === 0 && id === 145 && (length === 1 || length === 2))
  return index < 0 ? undefined : fixedValue(places.values[index])
}

// RFC 7011 §4.4: bit n stands for the n-th field, and ours stand in another order (RFC 7119 §10.2).
function flowKeys(
  { pen, id, value }: NormalField,
  places: InputPlaces,
  template: FixedValue,
  plan: IpfixPlan
): Operation | undefined {
  if (pen !== 0 || id !== 173 || (value.from !== 'field' && value.from !== 'expand')) return undefined
  return { op: 'flowKeys', value: fixedValue(places.values[value.index]), template, plan: planNumber(plan) }
}

const emptyField: NormalField = {
  pen: 0,
  id: 210,
  length: 1,
  element: undefined,
  value: { from: 'zero' },
  isLegal: true
}

function specifiersOf({ pen, id, length, value }: NormalField): FieldSpecifier[] {
  if (value.from !== 'samplingPair') return [{ pen, id, length }]
  return [
    { pen, id: 305, length: 4 },
    { pen, id: 306, length: 4 }
  ]
}

/** Neighbours that stay neighbours are one copy. */
function append(operations: Operation[], operation: Operation): void {
  const last = operations.at(-1)
  if (operation.op === 'copy' && last?.op === 'copy' && adjoins(last.value, operation.value)) {
    const length = last.value.length + operation.value.length
    operations[operations.length - 1] = { op: 'copy', value: { ...last.value, length } }
  } else operations.push(operation)
}

const adjoins = (a: FixedValue, b: FixedValue): boolean => a.anchor === b.anchor && a.offset + a.length === b.offset

function operationOf(field: NormalField, places: InputPlaces): Operation {
  const { value, length } = field
  switch (value.from) {
    case 'field':
      return unchanged(field, places, value.index)
    case 'expand':
      return expansion(field, fixedValue(places.values[value.index]), length)
    case 'zero':
      return { op: 'zero', length }
    case 'exporterAddress':
      return { op: 'context', name: length === 4 ? 'exporterIPv4' : 'exporterIPv6' }
    case 'odid':
    case 'receivedAt':
      return { op: 'context', name: value.from satisfies ContextName }
    default:
      return derivedOperation(value, places)
  }
}

type DerivedValue = Extract<NormalValue, { from: 'time' | 'tcpControlBits' | 'selectorAlgorithm' | 'samplingPair' }>
type DerivedOperation = Extract<Operation, { op: 'time' | 'tcpControlBits' | 'selectorAlgorithm' | 'samplingPair' }>

/** A value that is computed, in any encoding. */
export function derivedOperation(value: DerivedValue, places: InputPlaces): DerivedOperation {
  const at = (index: number | undefined): FixedValue | undefined =>
    index === undefined ? undefined : fixedValue(places.values[index])
  switch (value.from) {
    case 'time': {
      const boot = value.boot === 'context' ? value.boot : at(value.boot)
      return { op: 'time', form: value.form, to: value.to, value: fixedValue(places.values[value.index]), boot }
    }
    case 'tcpControlBits':
    case 'selectorAlgorithm':
      return { op: value.from, value: fixedValue(places.values[value.index]) }
    case 'samplingPair':
      return {
        op: 'samplingPair',
        rate: at(value.rate),
        sampler: at(value.sampler),
        ifIndex: at(value.ifIndex),
        isFallback: value.isFallback
      }
  }
}

function unchanged({ pen, id, element }: NormalField, places: InputPlaces, index: number): Operation {
  const value = places.values[index]
  if (element !== undefined && isListType(element.type))
    return { op: 'list', listType: listTypeOf(element.type), value }
  if ('variable' in value) return { op: 'variable', variable: value.variable }
  if (pen === 0 && id === 145 && value.length > 0) return { op: 'templateId', value }
  return { op: 'copy', value }
}

/** Id of the IANA element of a list type: 291 basicList, 292 subTemplateList, 293 subTemplateMultiList (RFC 6313). */
function listTypeOf(type: string): number {
  return type === 'basicList' ? 291 : type === 'subTemplateList' ? 292 : 293
}

function expansion({ pen, id, element }: NormalField, value: FixedValue, toLength: number): Operation {
  if (pen === 0 && id === 145) return { op: 'templateId', value }
  if (element?.type === 'float64') return { op: 'expandFloat', value }
  const isNegativePossible = element !== undefined && isSigned(element.type)
  return { op: isNegativePossible ? 'expandSigned' : 'expandUnsigned', value, toLength }
}
