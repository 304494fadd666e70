import { elementKey, unnamed, valueToText } from '@weir/ipfix'
import { recordEnd } from '@weir/mediation'
import { visibleText } from '../text/visible-text.ts'
import { FieldPlaces, pairFields } from './field-places.ts'
import { PlanSide } from './plan-side.ts'
import type { ElementRegistry, Layout } from '@weir/ipfix'
import type { FlowRun } from '../input/flow-run.ts'
import type { NormalRecords } from '../input/run-normaliser.ts'
import type { CompareReport } from './compare-schema.ts'
import type { CompareParams } from './compare-params.ts'
import type { FieldPair } from './field-places.ts'

const EXAMPLE_CHARACTERS = 256
/** Names of fields that are shown of one record. */
const EXAMPLE_FIELDS = 256
/** Fields that are told apart; Layouts have no more together unless somebody means harm. */
const MAX_FIELDS = 8192

type FieldReport = CompareReport['fields'][number]
type RecordReport = CompareReport['examples']['changed'][number]

/** Two Plans side by side, record by record. */
export class Comparer {
  readonly #a: PlanSide
  readonly #b: PlanSide
  readonly #registry: ElementRegistry
  readonly #examples: number
  readonly #records = { read: 0, equal: 0, changed: 0, onlyA: 0, onlyB: 0, neither: 0 }
  readonly #shown: { [kind in 'changed' | 'onlyA' | 'onlyB']: RecordReport[] } = { changed: [], onlyA: [], onlyB: [] }
  readonly #fields = new Map<number, FieldReport>()
  readonly #pairs = new WeakMap<Layout, WeakMap<Layout, readonly FieldPair[]>>()
  readonly #places = { a: new FieldPlaces(), b: new FieldPlaces() }
  #record: FlowRun | undefined

  /** @throws CodedError TASK_PARAMS if a filter or a field cannot be read. */
  constructor({ a = {}, b = {}, examples = 5 }: CompareParams, registry: ElementRegistry) {
    this.#a = new PlanSide(a, registry)
    this.#b = new PlanSide(b, registry)
    this.#registry = registry
    this.#examples = examples
  }

  /** @param run - of Data Records. */
  add(run: FlowRun): void {
    const { layout, octets, endOffset } = run
    const record: FlowRun = (this.#record ??= { ...run })
    Object.assign(record, run)
    record.records = 1
    for (let at = run.offset; at < endOffset;) {
      record.offset = at
      at = recordEnd(layout, octets, at, endOffset)
      record.endOffset = at
      this.#compare(record)
    }
  }

  report(): CompareReport {
    const { changed, onlyA, onlyB } = this.#records
    const differences = (field: FieldReport): number => field.changed + field.onlyA + field.onlyB
    return {
      schema: 'weir.compare/1',
      isEqual: changed + onlyA + onlyB === 0,
      records: this.#records,
      totals: { a: this.#a.totals, b: this.#b.totals },
      fields: [...this.#fields.values()].toSorted(
        (left, right) => differences(right) - differences(left) || left.pen - right.pen || left.id - right.id
      ),
      examples: this.#shown
    }
  }

  #compare(record: FlowRun): void {
    const records = this.#records
    records.read++
    const a = this.#a.write(record)
    const b = this.#b.write(record)
    if (a === undefined && b === undefined) records.neither++
    else if (b === undefined) this.#differs('onlyA', record, [])
    else if (a === undefined) this.#differs('onlyB', record, [])
    else {
      const fields = this.#changedFields(a, b)
      if (fields.length === 0) records.equal++
      else this.#differs('changed', record, fields)
    }
  }

  #differs(kind: 'changed' | 'onlyA' | 'onlyB', { templateId, context }: FlowRun, fields: readonly string[]): void {
    this.#records[kind]++
    if (this.#shown[kind].length >= this.#examples) return
    const { exporter, odid } = context
    this.#shown[kind].push({
      number: this.#records.read,
      exporter,
      observationDomainId: odid,
      templateId,
      fields: fields.slice(0, EXAMPLE_FIELDS)
    })
  }

  /** Names of the fields that are not the same; every field is counted. */
  #changedFields(a: NormalRecords, b: NormalRecords): string[] {
    const { a: left, b: right } = this.#places
    left.read(a.layout!, a.view, 0)
    right.read(b.layout!, b.view, 0)
    const changed: string[] = []
    for (const pair of this.#pairsOf(a.layout!, b.layout!)) {
      const field = this.#fieldOf(pair)
      if (pair.b < 0) field.onlyA++
      else if (pair.a < 0) field.onlyB++
      else if (isSame(a, left.offsets[pair.a], left.lengths[pair.a], b, right.offsets[pair.b], right.lengths[pair.b])) {
        field.equal++
        continue
      } else field.changed++
      changed.push(field.name)
      if (field.examples.length >= this.#examples) continue
      field.examples.push({
        record: this.#records.read,
        a: pair.a < 0 ? null : this.#text(pair, a, left.offsets[pair.a], left.lengths[pair.a]),
        b: pair.b < 0 ? null : this.#text(pair, b, right.offsets[pair.b], right.lengths[pair.b])
      })
    }
    return changed
  }

  #pairsOf(a: Layout, b: Layout): readonly FieldPair[] {
    let ofA = this.#pairs.get(a)
    if (ofA === undefined) this.#pairs.set(a, (ofA = new WeakMap<Layout, readonly FieldPair[]>()))
    let pairs = ofA.get(b)
    if (pairs === undefined) ofA.set(b, (pairs = pairFields(a, b)))
    return pairs
  }

  #fieldOf({ pen, id }: FieldPair): FieldReport {
    const key = this.#fields.size < MAX_FIELDS || this.#fields.has(elementKey(pen, id)) ? elementKey(pen, id) : -1
    const known = this.#fields.get(key)
    if (known !== undefined) return known
    const name = key < 0 ? 'others' : (this.#registry.get(pen, id)?.name ?? unnamed(pen, id))
    const field: FieldReport = { name, pen, id, equal: 0, changed: 0, onlyA: 0, onlyB: 0, examples: [] }
    this.#fields.set(key, field)
    return field
  }

  #text({ pen, id }: FieldPair, { octets, view, context }: NormalRecords, offset: number, length: number): string {
    const type = this.#registry.get(pen, id)?.type ?? 'octetArray'
    const text = valueToText(type, octets, view, offset, Math.min(length, EXAMPLE_CHARACTERS), context.receivedAtMs)
    return visibleText(text).slice(0, EXAMPLE_CHARACTERS)
  }
}

function isSame(
  { octets: left }: NormalRecords,
  leftAt: number,
  length: number,
  { octets: right }: NormalRecords,
  rightAt: number,
  otherLength: number
): boolean {
  if (length !== otherLength) return false
  for (let n = 0; n < length; n++) if (left[leftAt + n] !== right[rightAt + n]) return false
  return true
}
