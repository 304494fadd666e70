import { filterKernel } from '../kernel/filter-kernel.ts'
import type { FixedValue, InputValue, SamplingRate } from '../operation.ts'
import type { EntryContext } from '../program.ts'
import type { RecordAnchors } from '../record-anchors.ts'
import type { Condition, FilterConstants, NumberSource, RecordFilter } from './condition.ts'

/** Asks a condition of one record after the other: the twin of compiled text. */
export class ConditionReader {
  readonly #condition: Condition
  readonly #constants: FilterConstants
  readonly #record: RecordAnchors

  constructor({ condition, constants }: RecordFilter, record: RecordAnchors) {
    this.#condition = condition
    this.#constants = constants
    this.#record = record
  }

  /** Whether the condition holds for the record that was entered last. */
  holds(context: EntryContext): boolean {
    return this.#holds(this.#condition, context)
  }

  #holds(condition: Condition, context: EntryContext): boolean {
    const { numbers, words } = this.#constants
    switch (condition.op) {
      case 'constant':
        return condition.holds
      case 'not':
        return !this.#holds(condition.condition, context)
      case 'and':
        for (const each of condition.conditions) if (!this.#holds(each, context)) return false
        return true
      case 'or':
        for (const each of condition.conditions) if (this.#holds(each, context)) return true
        return false
      case 'order': {
        const value = this.#number(condition.source, context)
        const other = numbers[condition.number]
        if (condition.order === '<') return value < other
        if (condition.order === '<=') return value <= other
        return condition.order === '>' ? value > other : value >= other
      }
      case 'ranges':
        return filterKernel.inRanges(this.#number(condition.source, context), numbers, condition.from, condition.count)
      case 'ranges16': {
        const { value, from, count } = condition
        if (value === 'exporter') return filterKernel.exporterInRanges(context.exporterAddress, words, from, count)
        return filterKernel.inRanges16(this.#record.view, this.#record.at(value), words, from, count)
      }
      case 'text':
        return this.#text(condition)
    }
  }

  #text({ match, value, isTrimmed, from, to }: Extract<Condition, { op: 'text' }>): boolean {
    const { view } = this.#record
    const { texts, steps } = this.#constants
    const at = this.#begin(value)
    const whole = this.#length(value)
    const length = isTrimmed && match === 'equals' ? filterKernel.textLength(view, at, whole) : whole
    if (match === 'equals') return filterKernel.textEquals(view, at, length, texts, from, to)
    if (match === 'startswith') return filterKernel.textStarts(view, at, length, texts, from, to)
    return filterKernel.textContains(view, at, length, texts, steps, from, to)
  }

  #number(source: NumberSource, context: EntryContext): number {
    const { view } = this.#record
    switch (source.from) {
      case 'unsigned':
        return this.#read(source.value)
      case 'signed':
        return filterKernel.readSignedNumber(view, this.#record.at(source.value), source.value.length)
      case 'float':
        return filterKernel.readFloatNumber(view, this.#record.at(source.value), source.value.length)
      case 'octets':
        return filterKernel.readOctetsNumber(view, this.#begin(source.value), this.#length(source.value))
      case 'selectorAlgorithm':
        return filterKernel.selectorAlgorithm(this.#read(source.value))
      case 'tcpControlBits':
        return this.#read(source.value) & 0xfff
      case 'time':
        return this.#time(source, context)
      case 'samplingInterval':
        return this.#rate(source, context) > 0 ? 1 : 0
      case 'samplingSpace':
        return Math.max(0, this.#rate(source, context) - 1)
      case 'exporterIPv4':
        return filterKernel.address4(context.exporterAddress)
      case 'odid':
        return context.odid
      case 'receivedAt':
        return Math.floor(context.receivedAtMs)
      case 'zero':
        return 0
    }
  }

  #time({ form, value, boot }: Extract<NumberSource, { from: 'time' }>, context: EntryContext): number {
    const { view } = this.#record
    const at = this.#record.at(value)
    switch (form) {
      case 'milliseconds':
        return this.#read(value)
      case 'seconds':
        return filterKernel.msOfSeconds(view, at, context.receivedAtMs)
      case 'microseconds':
        return filterKernel.msOfMicroseconds(view, at, context.receivedAtMs)
      case 'nanoseconds':
        return filterKernel.msOfNanoseconds(view, at, context.receivedAtMs)
      case 'delta':
        return filterKernel.msOfDelta(this.#read(value), context.exportTimeSec)
      case 'uptime': {
        const base = boot === 'context' || boot === undefined ? context.bootTimeMs : this.#read(boot)
        return filterKernel.msOfUptime(this.#read(value), base, context.exportTimeSec)
      }
    }
  }

  #rate({ rate, sampler, ifIndex, isFallback }: SamplingRate, context: EntryContext): number {
    if (ifIndex !== undefined) return filterKernel.interfaceRate(this.#read(ifIndex), context)
    const own = rate === undefined ? 0 : this.#read(rate)
    if (!isFallback) return own
    return filterKernel.samplingRate(own, sampler === undefined ? -1 : this.#read(sampler), context)
  }

  #begin(value: InputValue): number {
    return 'variable' in value ? this.#record.begins[value.variable] : this.#record.at(value)
  }

  #length(value: InputValue): number {
    return 'variable' in value ? this.#record.lengthOf(value.variable) : value.length
  }

  #read(value: FixedValue): number {
    return filterKernel.readUnsigned(this.#record.view, this.#record.at(value), value.length)
  }
}
