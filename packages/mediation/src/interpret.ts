import type { Kernel } from './kernel/kernel.ts'
import { ConditionReader } from './filter/evaluate-condition.ts'
import { writeScalar } from './kernel/text.ts'
import { LIST_SLACK } from './plan-ipfix.ts'
import type {
  ContextName,
  FixedValue,
  InputValue,
  Operation,
  Place,
  RecordPlan,
  SamplingRate,
  TimeOperation
} from './operation.ts'
import type { Cursor, EntryContext, Program } from './program.ts'
import { RecordAnchors } from './record-anchors.ts'
import { isListWriter } from './text-writer.ts'

/**
 * Runs the steps of a plan one by one: the twin of compiled code. It serves rare Layouts and is the oracle of the tests;
 * results are equal octet for octet. Nothing is allocated per record.
 */
class Interpreter {
  readonly #plan: RecordPlan
  readonly #kernel: Kernel
  readonly #isText: boolean
  /** The record at hand. */
  readonly #record: RecordAnchors
  readonly #filter: ConditionReader | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))
  #outView: DataView = this.#view
  #context: EntryContext | undefined
  #limit = 0

  constructor(plan: RecordPlan, kernel: Kernel) {
    this.#plan = plan
    this.#kernel = kernel
    this.#isText = plan.operations.some(({ op }) => op === 'literal')
    this.#record = new RecordAnchors(plan)
    this.#filter = plan.filter && new ConditionReader(plan.filter, this.#record)
  }

  run(
    view: DataView,
    inOffset: number,
    inEnd: number,
    outView: DataView,
    outOffset: number,
    outLimit: number,
    context: EntryContext,
    cursor: Cursor
  ): void {
    this.#view = view
    this.#outView = outView
    this.#context = context
    this.#limit = outLimit - this.#plan.fixedOutput
    cursor.in = inOffset
    cursor.out = outOffset
    cursor.records = 0
    cursor.filtered = 0
    const record = this.#record
    record.view = view
    while (record.enter(cursor.in, inEnd)) {
      if (this.#filter !== undefined && !this.#filter.holds(context)) {
        cursor.in = record.end
        cursor.filtered++
        continue
      }
      if (!this.#hasRoom(cursor.out, outLimit)) break
      const end = this.#writeRecord(cursor.out)
      if (end < 0) break
      cursor.in = record.end
      cursor.out = end
      cursor.records++
    }
  }

  #hasRoom(q: number, outLimit: number): boolean {
    if (this.#isText) return q <= this.#limit
    let size = this.#plan.fixedOutput
    for (const operation of this.#plan.operations) {
      if (operation.op === 'list') size += LIST_SLACK
      if (operation.op === 'variable') size += this.#variableSize(operation.variable)
      else if (operation.op === 'list' && 'variable' in operation.value) {
        size += this.#variableSize(operation.value.variable)
      }
    }
    return q + size <= outLimit
  }

  /** Octets of a variable-length field, prefix included. */
  #variableSize(index: number): number {
    return this.#record.sizeOf(index)
  }

  #writeRecord(out: number): number {
    let q = out
    for (const operation of this.#plan.operations) {
      q = this.#write(operation, q)
      if (q < 0) return -1
    }
    return q
  }

  #write(operation: Operation, q: number): number {
    const { copyOctets, expandFloat, expandSigned, expandUnsigned } = this.#kernel
    const view = this.#view
    const outView = this.#outView
    switch (operation.op) {
      case 'copy':
        return copyOctets(view, this.#at(operation.value), outView, q, operation.value.length)
      case 'expandUnsigned':
      case 'expandSigned': {
        const expand = operation.op === 'expandSigned' ? expandSigned : expandUnsigned
        expand(view, this.#at(operation.value), operation.value.length, outView, q, operation.toLength)
        return q + operation.toLength
      }
      case 'expandFloat':
        expandFloat(view, this.#at(operation.value), outView, q)
        return q + 8
      case 'zero':
        for (let n = 0; n < operation.length; n++) outView.setUint8(q + n, 0)
        return q + operation.length
      case 'variable': {
        const { variable } = operation
        return copyOctets(view, this.#record.prefixes[variable], outView, q, this.#variableSize(variable))
      }
      case 'literal':
        for (let n = 0; n < operation.octets.length; n++) outView.setUint8(q + n, operation.octets[n])
        return q + operation.octets.length
      default:
        return this.#writeInContext(operation, q, this.#context as EntryContext)
    }
  }

  #writeInContext(
    operation: Exclude<
      Operation,
      { op: 'copy' | 'expandUnsigned' | 'expandSigned' | 'expandFloat' | 'zero' | 'variable' | 'literal' }
    >,
    q: number,
    context: EntryContext
  ): number {
    const kernel = this.#kernel
    const outView = this.#outView
    switch (operation.op) {
      case 'time':
        this.#time(operation, context, outView, q)
        return q + 8
      case 'selectorAlgorithm':
        outView.setUint16(q, kernel.selectorAlgorithm(this.#read(operation.value)))
        return q + 2
      case 'tcpControlBits':
        outView.setUint16(q, this.#read(operation.value) & 0xfff)
        return q + 2
      case 'flowKeys': {
        const { value, template, plan } = operation
        const named = this.#read(template)
        kernel.writeFlowKeys(this.#view, this.#at(value), value.length, named, plan, context, outView, q)
        return q + 8
      }
      case 'templateId':
        outView.setUint16(q, context.templateIds.exportedId(this.#read(operation.value)))
        return q + 2
      case 'samplingPair':
        return this.#samplingPair(operation, context, q)
      case 'context':
        return this.#contextOctets(operation.name, context, q)
      case 'list':
        return this.#list(operation.listType, operation.value, context, q)
      case 'text':
        return this.#text(operation, context, q)
      case 'contextText':
        return this.#contextText(operation.name, context, q)
      case 'samplingText': {
        const { interval, space, ifIndex, isFallback } = operation
        if (interval !== undefined && space !== undefined) {
          return kernel.writeExactSampling(outView, q, this.#read(interval), this.#read(space))
        }
        if (ifIndex !== undefined) return kernel.writeInterfaceSampling(outView, q, this.#read(ifIndex), context)
        const sampler = this.#samplerId(operation)
        return kernel.writeSampling(outView, q, this.#recordRate(operation), sampler, isFallback, context)
      }
    }
  }

  #time({ form, to, value, boot }: TimeOperation, context: EntryContext, outView: DataView, q: number): void {
    const kernel = this.#kernel
    const at = this.#at(value)
    if (form === 'seconds') kernel.readSeconds(this.#view, at, context.receivedAtMs)
    else if (form === 'milliseconds') kernel.readMilliseconds(this.#view, at)
    else if (form === 'microseconds') kernel.readMicroseconds(this.#view, at, context.receivedAtMs)
    else if (form === 'nanoseconds') kernel.readNanoseconds(this.#view, at, context.receivedAtMs)
    else if (form === 'delta') kernel.readDelta(this.#read(value), context.exportTimeSec)
    else {
      const bootTimeMs = boot === 'context' || boot === undefined ? context.bootTimeMs : this.#read(boot)
      kernel.readUptime(this.#read(value), bootTimeMs, context.exportTimeSec)
    }
    if (to === 'milliseconds') kernel.writeMilliseconds(outView, q)
    else if (to === 'microseconds') kernel.writeMicroseconds(outView, q)
    else kernel.writeNanoseconds(outView, q)
  }

  #samplingPair(operation: SamplingRate, context: EntryContext, q: number): number {
    const rate = this.#rateOf(operation, context)
    this.#outView.setUint32(q, rate > 0 ? 1 : 0)
    this.#outView.setUint32(q + 4, rate > 0 ? rate - 1 : 0)
    return q + 8
  }

  #rateOf(operation: SamplingRate, context: EntryContext): number {
    if (operation.ifIndex !== undefined) return this.#kernel.interfaceRate(this.#read(operation.ifIndex), context)
    const own = this.#recordRate(operation)
    return operation.isFallback ? this.#kernel.samplingRate(own, this.#samplerId(operation), context) : own
  }

  #recordRate({ rate }: SamplingRate): number {
    return rate === undefined ? 0 : this.#read(rate)
  }

  #samplerId({ sampler }: SamplingRate): number {
    return sampler === undefined ? -1 : this.#read(sampler)
  }

  #contextOctets(name: ContextName, context: EntryContext, q: number): number {
    const outView = this.#outView
    switch (name) {
      case 'exporterIPv4':
        outView.setUint32(q, this.#kernel.address4(context.exporterAddress))
        return q + 4
      case 'exporterIPv6':
        this.#kernel.writeAddress16(context.exporterAddress, outView, q)
        return q + 16
      case 'odid':
        outView.setUint32(q, context.odid)
        return q + 4
      case 'receivedAt': {
        const ms = Math.floor(context.receivedAtMs)
        outView.setUint32(q, Math.floor(ms / 4294967296))
        outView.setUint32(q + 4, ms)
        return q + 8
      }
    }
  }

  #list(listType: number, value: InputValue, { templateIds }: EntryContext, q: number): number {
    const { copyFixedList, copyVariableList } = this.#kernel
    if (!('variable' in value)) {
      return copyFixedList(listType, this.#view, this.#at(value), value.length, this.#outView, q, templateIds)
    }
    const prefix = this.#record.prefixes[value.variable]
    const begin = this.#record.begins[value.variable]
    const length = this.#record.lengthOf(value.variable)
    return copyVariableList(listType, this.#view, prefix, begin, length, this.#outView, q, templateIds)
  }

  #text(
    { writer, value, areNumbers64Text }: Extract<Operation, { op: 'text' }>,
    context: EntryContext,
    q: number
  ): number {
    const outView = this.#outView
    if ('op' in value) {
      const { scratch } = this.#kernel
      if (value.op === 'selectorAlgorithm') {
        return this.#kernel.writeUnsigned(outView, q, this.#kernel.selectorAlgorithm(this.#read(value.value)))
      }
      if (value.op === 'tcpControlBits') return this.#kernel.writeUnsigned(outView, q, this.#read(value.value) & 0xfff)
      this.#time(value, context, scratch, 0)
      return writeScalar(value.to, scratch, 0, 8, outView, q, this.#limit, context)
    }
    const isVariable = 'variable' in value
    const at = isVariable ? this.#record.begins[value.variable] : this.#at(value)
    const length = isVariable ? this.#record.lengthOf(value.variable) : value.length
    if (!isListWriter(writer)) return writeScalar(writer, this.#view, at, length, outView, q, this.#limit, context)
    const listType = writer === 'basicList' ? 291 : writer === 'subTemplateList' ? 292 : 293
    const { writeListText } = this.#kernel
    return writeListText(listType, this.#view, at, length, outView, q, this.#limit, areNumbers64Text, context)
  }

  #contextText(name: ContextName, context: EntryContext, q: number): number {
    const { writeExporter, writeReceivedAt, writeUnsigned } = this.#kernel
    if (name === 'odid') return writeUnsigned(this.#outView, q, context.odid)
    if (name === 'receivedAt') return writeReceivedAt(this.#outView, q, context)
    return writeExporter(context.exporterAddress, name === 'exporterIPv6', this.#outView, q)
  }

  #at(place: Place): number {
    return this.#record.at(place)
  }

  #read(value: FixedValue): number {
    return this.#kernel.readUnsigned(this.#view, this.#at(value), value.length)
  }
}

/** Make the function of a Program that runs the steps one by one. */
export function interpret(plan: RecordPlan, kernel: Kernel): Program['run'] {
  const interpreter = new Interpreter(plan, kernel)
  return (_octets, view, inOffset, inEnd, _out, outView, outOffset, outLimit, context, cursor) =>
    interpreter.run(view, inOffset, inEnd, outView, outOffset, outLimit, context, cursor)
}
