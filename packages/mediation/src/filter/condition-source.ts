import { integerText } from '../generated-source.ts'
import type { FilterKernel } from '../kernel/filter-kernel.ts'
import type { FixedValue, InputValue, Place, SamplingRate } from '../operation.ts'
import type { Condition, NumberSource } from './condition.ts'

/** So many ranges are compared one after the other; more are searched. */
const MOST_INLINE_RANGES = 4

/** What the text around a condition offers. */
export interface SourceScope {
  at(place: Place): string
  read(value: FixedValue): string
  call(name: keyof FilterKernel): string
  hoist(name: 'exportTimeSec' | 'bootTimeMs' | 'odid' | 'receivedAtMs'): string
  hoistAddress(): string
  hoistReceivedAt(): string
  /** Name of a constant number. */
  number(index: number): string
}

/** A condition as an expression. It may use the local `x`. */
export function conditionSource(condition: Condition, scope: SourceScope): string {
  switch (condition.op) {
    case 'constant':
      return condition.holds ? 'true' : 'false'
    case 'not':
      return `!(${conditionSource(condition.condition, scope)})`
    case 'and':
    case 'or': {
      const sign = condition.op === 'and' ? ' && ' : ' || '
      return condition.conditions.map(each => `(${conditionSource(each, scope)})`).join(sign)
    }
    case 'order':
      return `${numberSource(condition.source, scope)} ${condition.order} ${scope.number(condition.number)}`
    case 'ranges':
      return rangesSource(condition, scope)
    case 'ranges16': {
      const list = `words, ${integerText(condition.from)}, ${integerText(condition.count)}`
      if (condition.value === 'exporter') return `${scope.call('exporterInRanges')}(context.exporterAddress, ${list})`
      return `${scope.call('inRanges16')}(view, ${scope.at(condition.value)}, ${list})`
    }
    case 'text':
      return textSource(condition, scope)
  }
}

function rangesSource({ source, from, count }: Extract<Condition, { op: 'ranges' }>, scope: SourceScope): string {
  const value = numberSource(source, scope)
  if (count > MOST_INLINE_RANGES) {
    return `${scope.call('inRanges')}(${value}, numbers, ${integerText(from)}, ${integerText(count)})`
  }
  const ranges: string[] = []
  for (let index = 0; index < count; index++) {
    const low = scope.number(from + 2 * index)
    const high = scope.number(from + 2 * index + 1)
    ranges.push(`(${index === 0 ? `(x = ${value})` : 'x'} >= ${low} && x <= ${high})`)
  }
  return ranges.join(' || ')
}

function textSource(
  { match, value, isTrimmed, from, to }: Extract<Condition, { op: 'text' }>,
  scope: SourceScope
): string {
  const { at, length } = placeSource(value, scope)
  const size = isTrimmed && match === 'equals' ? `${scope.call('textLength')}(view, ${at}, ${length})` : length
  const text = `${integerText(from)}, ${integerText(to)}`
  switch (match) {
    case 'equals':
      return `${scope.call('textEquals')}(view, ${at}, ${size}, texts, ${text})`
    case 'startswith':
      return `${scope.call('textStarts')}(view, ${at}, ${size}, texts, ${text})`
    case 'contains':
      return `${scope.call('textContains')}(view, ${at}, ${size}, texts, steps, ${text})`
  }
}

function placeSource(value: InputValue, scope: SourceScope): { at: string; length: string } {
  if (!('variable' in value)) return { at: scope.at(value), length: integerText(value.length) }
  const k = integerText(value.variable)
  return { at: `d${k}`, length: `s${k}` }
}

function numberSource(source: NumberSource, scope: SourceScope): string {
  switch (source.from) {
    case 'unsigned':
      return scope.read(source.value)
    case 'signed':
    case 'float': {
      const call = scope.call(source.from === 'signed' ? 'readSignedNumber' : 'readFloatNumber')
      return `${call}(view, ${scope.at(source.value)}, ${integerText(source.value.length)})`
    }
    case 'octets': {
      const { at, length } = placeSource(source.value, scope)
      return `${scope.call('readOctetsNumber')}(view, ${at}, ${length})`
    }
    case 'selectorAlgorithm':
      return `${scope.call('selectorAlgorithm')}(${scope.read(source.value)})`
    case 'tcpControlBits':
      return `(${scope.read(source.value)} & 4095)`
    case 'time':
      return timeSource(source, scope)
    case 'samplingInterval':
      return `(${rateSource(source, scope)} > 0 ? 1 : 0)`
    case 'samplingSpace':
      return `((x = ${rateSource(source, scope)}) > 0 ? x - 1 : 0)`
    case 'exporterIPv4':
      return scope.hoistAddress()
    case 'odid':
      return scope.hoist('odid')
    case 'receivedAt':
      return scope.hoistReceivedAt()
    case 'zero':
      return '0'
  }
}

function timeSource({ form, value, boot }: Extract<NumberSource, { from: 'time' }>, scope: SourceScope): string {
  switch (form) {
    case 'milliseconds':
      return scope.read(value)
    case 'seconds':
      return `${scope.call('msOfSeconds')}(view, ${scope.at(value)}, ${scope.hoist('receivedAtMs')})`
    case 'microseconds':
      return `${scope.call('msOfMicroseconds')}(view, ${scope.at(value)}, ${scope.hoist('receivedAtMs')})`
    case 'nanoseconds':
      return `${scope.call('msOfNanoseconds')}(view, ${scope.at(value)}, ${scope.hoist('receivedAtMs')})`
    case 'delta':
      return `${scope.call('msOfDelta')}(${scope.read(value)}, ${scope.hoist('exportTimeSec')})`
    case 'uptime': {
      const base = boot === 'context' || boot === undefined ? scope.hoist('bootTimeMs') : scope.read(boot)
      return `${scope.call('msOfUptime')}(${scope.read(value)}, ${base}, ${scope.hoist('exportTimeSec')})`
    }
  }
}

function rateSource({ rate, sampler, ifIndex, isFallback }: SamplingRate, scope: SourceScope): string {
  if (ifIndex !== undefined) return `${scope.call('interfaceRate')}(${scope.read(ifIndex)}, context)`
  const own = rate === undefined ? '0' : scope.read(rate)
  if (!isFallback) return own
  const id = sampler === undefined ? '(-1)' : scope.read(sampler)
  return `${scope.call('samplingRate')}(${own}, ${id}, context)`
}
