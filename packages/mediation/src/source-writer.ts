import { LIST_SLACK } from './plan-ipfix.ts'
import { conditionSource } from './filter/condition-source.ts'
import type { SourceScope } from './filter/condition-source.ts'
import type { RecordFilter } from './filter/condition.ts'
import { integerText } from './generated-source.ts'
import type { KernelName } from './kernel/kernel.ts'
import { restAfterAnchors } from './record-anchors.ts'
import { isListWriter } from './text-writer.ts'
import type {
  FixedValue,
  FlagsOperation,
  Operation,
  Place,
  RecordPlan,
  SamplingRate,
  SelectorOperation,
  TimeOperation
} from './operation.ts'

/** Longer fixed runs are copied by a loop, so that no field makes the text long. */
const MOST_UNROLLED_OCTETS = 128

const READS: Readonly<Record<number, string>> = { 1: 'getUint8', 2: 'getUint16', 4: 'getUint32', 8: 'getBigUint64' }
const WRITES: Readonly<Record<number, string>> = { 1: 'setUint8', 2: 'setUint16', 4: 'setUint32', 8: 'setBigUint64' }

/**
 * Writes the text of a Program's `run`. This module and no other makes text that is compiled: it takes integers and names
 * of the kernel, by type, and `checkSource` looks at the whole again. It is long because it is the only one.
 */
export class SourceWriter {
  readonly #plan: RecordPlan
  readonly #lines: string[] = []
  readonly #used = new Set<KernelName>()
  readonly #hoisted = new Set<string>()
  readonly #numbers = new Set<number>()
  /** Octets written behind the local `w` and not yet added to it. */
  #written = 0

  constructor(plan: RecordPlan) {
    this.#plan = plan
  }

  /** The whole text: body of a function of `kernel` that returns `run`. */
  source(): string {
    const { plan } = this
    const isFixed = plan.isFixedOutput && plan.variables.length === 0
    if (isFixed && plan.filter === undefined) this.#fixedLoop()
    else if (isFixed && plan.filter !== undefined) this.#fixedFilteredLoop(plan.filter)
    else this.#boundedLoop()
    const head = this.#head()
    head.push('return function (octets, view, inOffset, inEnd, out, outView, outOffset, outLimit, context, cursor) {')
    const filtered = `cursor.filtered = ${plan.filter === undefined ? '0' : 'm'}`
    const foot = ['cursor.in = p', 'cursor.out = q', 'cursor.records = n', filtered, '}']
    return [...head, ...this.#hoisted, ...this.#lines, ...foot].join('\n')
  }

  /** The body of a function that returns whether one record matches the plan's filter. */
  matchSource(): string {
    const { variables, filter } = this.#plan
    const rest = restAfterAnchors(this.#plan)
    this.#line('const p = inOffset')
    this.#line('let x = 0')
    this.#line(`if (p + ${integerText(rest[0])} > inEnd) return false`)
    for (const [index, place] of variables.entries()) this.#readPrefix(index, place, rest[index + 1], 'return false')
    this.#line(`return ${filter === undefined ? 'true' : this.#conditionOf(filter)}`)
    const head = this.#head()
    head.push('return function (view, inOffset, inEnd, context) {')
    return [...head, ...this.#hoisted, ...this.#lines, '}'].join('\n')
  }

  /** What is read once, when the function is made. */
  #head(): string[] {
    return [
      ...[...this.#used].toSorted().map(name => `const ${name} = kernel.${name}`),
      ...[...this.#numbers].map(index => `const c${integerText(index)} = numbers[${integerText(index)}]`)
    ]
  }

  get plan(): RecordPlan {
    return this.#plan
  }

  /** Records that fit are counted once; nothing is checked per record. */
  #fixedLoop(): void {
    const length = integerText(this.#plan.end.offset)
    const size = integerText(this.#plan.fixedOutput)
    this.#line('let p = inOffset')
    this.#line('let q = outOffset')
    this.#line(`let n = Math.min((inEnd - p) / ${length}, (outLimit - q) / ${size}) | 0`)
    this.#line('if (n < 0) n = 0')
    this.#line('for (let i = n; i > 0; i = i - 1) {')
    this.#line('let w = q')
    for (const operation of this.#plan.operations) this.#write(operation)
    this.#line(`p = p + ${length}`)
    this.#line(`q = q + ${size}`)
    this.#line('}')
  }

  /** Records that match are checked for room one by one; the others need none. */
  #fixedFilteredLoop(filter: RecordFilter): void {
    const length = integerText(this.#plan.end.offset)
    const size = integerText(this.#plan.fixedOutput)
    this.#line('let p = inOffset')
    this.#line('let q = outOffset')
    this.#line('let n = 0')
    this.#line('let m = 0')
    this.#line('let x = 0')
    this.#line(`const limit = outLimit - ${size}`)
    this.#line(`for (; p + ${length} <= inEnd; p = p + ${length}) {`)
    this.#line(`if (!(${this.#conditionOf(filter)})) {`)
    this.#line('m = m + 1')
    this.#line('continue')
    this.#line('}')
    this.#line('if (q > limit) break')
    this.#line('let w = q')
    for (const operation of this.#plan.operations) this.#write(operation)
    this.#line(`q = q + ${size}`)
    this.#line('n = n + 1')
    this.#line('}')
  }

  #boundedLoop(): void {
    const { variables, end, operations, fixedOutput, filter } = this.#plan
    const rest = restAfterAnchors(this.#plan)
    const isText = operations.some(({ op }) => op === 'literal')
    this.#line('let p = inOffset')
    this.#line('let q = outOffset')
    this.#line('let n = 0')
    if (filter !== undefined) {
      this.#line('let m = 0')
      this.#line('let x = 0')
    }
    if (isText) this.#line(`const limit = outLimit - ${integerText(fixedOutput)}`)
    this.#line('for (;;) {')
    this.#line(`if (p + ${integerText(rest[0])} > inEnd) break`)
    if (isText && filter === undefined) this.#line('if (q > limit) break')
    for (const [index, place] of variables.entries()) this.#readPrefix(index, place, rest[index + 1], 'break')
    if (filter !== undefined) {
      this.#line(`if (!(${this.#conditionOf(filter)})) {`)
      this.#line(`p = ${this.#at(end)}`)
      this.#line('m = m + 1')
      this.#line('continue')
      this.#line('}')
      if (isText) this.#line('if (q > limit) break')
    }
    if (!isText) this.#line(`if (q + ${this.#outputOctets()} > outLimit) break`)
    this.#line('let w = q')
    for (const operation of operations) this.#write(operation)
    this.#line(`q = w + ${integerText(this.#written)}`)
    this.#line(`p = ${this.#at(end)}`)
    this.#line('n = n + 1')
    this.#line('}')
  }

  // RFC 7011 §7: one octet of length, or 255 and two.
  #readPrefix(index: number, place: Place, restOctets: number, leave: 'break' | 'return false'): void {
    const k = integerText(index)
    this.#line(`const v${k} = ${this.#at(place)}`)
    this.#line(`let s${k} = view.getUint8(v${k})`)
    this.#line(`let d${k} = v${k} + 1`)
    this.#line(`if (s${k} > 254) {`)
    this.#line(`if (v${k} + 3 > inEnd) ${leave}`)
    this.#line(`s${k} = view.getUint16(d${k})`)
    this.#line(`d${k} = d${k} + 2`)
    this.#line('}')
    this.#line(`const p${integerText(index + 1)} = d${k} + s${k}`)
    this.#line(`if (p${integerText(index + 1)} + ${integerText(restOctets)} > inEnd) ${leave}`)
  }

  #outputOctets(): string {
    let octets = this.#plan.fixedOutput
    let text = ''
    for (const operation of this.#plan.operations) {
      if (operation.op === 'list') octets += LIST_SLACK
      const value = operation.op === 'list' ? operation.value : operation
      if ((operation.op !== 'variable' && operation.op !== 'list') || !('variable' in value)) continue
      text += ` + (p${integerText(value.variable + 1)} - v${integerText(value.variable)})`
    }
    return integerText(octets) + text
  }

  #write(operation: Operation): void {
    switch (operation.op) {
      case 'copy':
        return this.#copy(operation.value)
      case 'expandUnsigned':
        return this.#expandUnsigned(operation.value, operation.toLength)
      case 'expandSigned':
        return this.#expandSigned(operation.value, operation.toLength)
      case 'expandFloat':
        this.#line(`${this.#call('expandFloat')}(view, ${this.#at(operation.value)}, outView, ${this.#out()})`)
        this.#written += 8
        return
      case 'time':
        this.#time(operation, 'outView', this.#out())
        this.#written += 8
        return
      case 'selectorAlgorithm':
        return this.#put(2, `${this.#call('selectorAlgorithm')}(${this.#read(operation.value)})`)
      case 'tcpControlBits':
        return this.#put(2, this.#flags(operation.value))
      case 'flowKeys':
        return this.#flowKeys(operation)
      case 'templateId':
        return this.#put(2, `context.templateIds.exportedId(${this.#read(operation.value)})`)
      case 'samplingPair':
        return this.#samplingPair(operation)
      case 'context':
        return this.#context(operation.name)
      case 'zero':
        for (let n = 0; n < operation.length; n++) this.#put(1, '0')
        return
      case 'variable': {
        const k = integerText(operation.variable)
        const length = `p${integerText(operation.variable + 1)} - v${k}`
        return this.#advance(`${this.#call('copyOctets')}(view, v${k}, outView, ${this.#out()}, ${length})`)
      }
      case 'list':
        return this.#list(operation)
      case 'literal':
        return this.#literal(operation.octets)
      case 'text':
        return this.#text(operation)
      case 'contextText':
        return this.#contextText(operation.name)
      case 'samplingText':
        return this.#samplingText(operation)
    }
  }

  #copy(value: FixedValue): void {
    const { length } = value
    if (length > MOST_UNROLLED_OCTETS) {
      return this.#advance(
        `${this.#call('copyOctets')}(view, ${this.#at(value)}, outView, ${this.#out()}, ${integerText(length)})`
      )
    }
    let done = 0
    const move = (octets: number, at: number): void => {
      const from = this.#at(value, at)
      this.#line(`outView.${WRITES[octets]}(${this.#out(at)}, view.${READS[octets]}(${from}))`)
    }
    for (const word of [8, 4, 2, 1]) {
      for (; length - done >= word; done += word) move(word, done)
      // What is left of a word is moved with the octets before it.
      if (length > word && length - done > word / 2) {
        move(word, length - word)
        done = length
      }
    }
    this.#written += length
  }

  #expandUnsigned(value: FixedValue, toLength: number): void {
    if (READS[value.length] === undefined || value.length > 4 || toLength > 8) {
      const lengths = `${integerText(value.length)}, outView, ${this.#out()}, ${integerText(toLength)}`
      this.#line(`${this.#call('expandUnsigned')}(view, ${this.#at(value)}, ${lengths})`)
      this.#written += toLength
      return
    }
    if (toLength === 8) this.#put(4, '0')
    this.#put(toLength === 8 ? 4 : toLength, this.#read(value))
  }

  #expandSigned(value: FixedValue, toLength: number): void {
    const lengths = `${integerText(value.length)}, outView, ${this.#out()}, ${integerText(toLength)}`
    this.#line(`${this.#call('expandSigned')}(view, ${this.#at(value)}, ${lengths})`)
    this.#written += toLength
  }

  #time({ form, to, value, boot }: TimeOperation, target: 'outView' | 'scratch', at: string): void {
    const place = this.#at(value)
    switch (form) {
      case 'seconds':
        this.#line(`${this.#call('readSeconds')}(view, ${place}, ${this.#now()})`)
        break
      case 'milliseconds':
        this.#line(`${this.#call('readMilliseconds')}(view, ${place})`)
        break
      case 'microseconds':
        this.#line(`${this.#call('readMicroseconds')}(view, ${place}, ${this.#now()})`)
        break
      case 'nanoseconds':
        this.#line(`${this.#call('readNanoseconds')}(view, ${place}, ${this.#now()})`)
        break
      case 'delta':
        this.#line(`${this.#call('readDelta')}(${this.#read(value)}, ${this.#hoist('exportTimeSec')})`)
        break
      case 'uptime': {
        const base = boot === 'context' || boot === undefined ? this.#hoist('bootTimeMs') : this.#read(boot)
        const line = `${this.#read(value)}, ${base}, ${this.#hoist('exportTimeSec')}`
        this.#line(`${this.#call('readUptime')}(${line})`)
      }
    }
    const write = {
      milliseconds: 'writeMilliseconds',
      microseconds: 'writeMicroseconds',
      nanoseconds: 'writeNanoseconds'
    }
    this.#line(`${this.#call(write[to] as KernelName)}(${target}, ${at})`)
  }

  #samplingPair(rate: SamplingRate): void {
    let value = 'rate'
    if (rate.ifIndex !== undefined) {
      value = 'i'
      this.#line('{')
      this.#line(`const i = ${this.#call('interfaceRate')}(${this.#read(rate.ifIndex)}, context)`)
    } else if (rate.rate === undefined && rate.sampler === undefined) {
      this.#hoisted.add(`const rate = ${this.#call('boundedRate')}(context.samplingRate)`)
    } else {
      value = 'i'
      this.#line('{')
      if (rate.isFallback) {
        this.#line(`const i = ${this.#call('samplingRate')}(${this.#samplingSources(rate)}, context)`)
      } else this.#line(`const i = ${this.#recordRate(rate)}`)
    }
    this.#put(4, `${value} > 0 ? 1 : 0`)
    this.#put(4, `${value} > 0 ? ${value} - 1 : 0`)
    if (value === 'i') this.#line('}')
  }

  #flags(value: FixedValue): string {
    return `${this.#read(value)} & 4095`
  }

  #flowKeys({ value, template, plan }: Extract<Operation, { op: 'flowKeys' }>): void {
    const from = `view, ${this.#at(value)}, ${integerText(value.length)}, ${this.#read(template)}, ${integerText(plan)}`
    this.#line(`${this.#call('writeFlowKeys')}(${from}, context, outView, ${this.#out()})`)
    this.#written += 8
  }

  /** Rate of the record and id of its sampler; 0 and -1 stand for none. */
  #samplingSources(rate: SamplingRate): string {
    const { sampler } = rate
    return `${this.#recordRate(rate)}, ${sampler === undefined ? '(-1)' : this.#read(sampler)}`
  }

  #recordRate({ rate }: SamplingRate): string {
    return rate === undefined ? '0' : this.#read(rate)
  }

  #context(name: 'exporterIPv4' | 'exporterIPv6' | 'odid' | 'receivedAt'): void {
    if (name === 'odid') return this.#put(4, this.#hoist('odid'))
    if (name === 'receivedAt') {
      this.#hoistReceivedAt()
      this.#hoisted.add('const receivedHigh = Math.floor(receivedLow / 4294967296)')
      this.#put(4, 'receivedHigh')
      return this.#put(4, 'receivedLow')
    }
    if (name === 'exporterIPv4') {
      return this.#put(4, this.#hoistAddress())
    }
    this.#line(`${this.#call('writeAddress16')}(context.exporterAddress, outView, ${this.#out()})`)
    this.#written += 16
  }

  #list({ listType, value }: Extract<Operation, { op: 'list' }>): void {
    const type = integerText(listType)
    if ('variable' in value) {
      const k = integerText(value.variable)
      const from = `view, v${k}, d${k}, s${k}`
      const call = this.#call('copyVariableList')
      return this.#advance(`${call}(${type}, ${from}, outView, ${this.#out()}, context.templateIds)`)
    }
    const from = `view, ${this.#at(value)}, ${integerText(value.length)}`
    const call = this.#call('copyFixedList')
    this.#advance(`${call}(${type}, ${from}, outView, ${this.#out()}, context.templateIds)`)
  }

  /** Octets as int32 constants; what the last one has too many is written over by the next step, or is not counted. */
  #literal(octets: Uint8Array): void {
    for (let n = 0; n < octets.length; n += 4) {
      const word = (octets[n] << 24) | ((octets[n + 1] ?? 0) << 16) | ((octets[n + 2] ?? 0) << 8) | (octets[n + 3] ?? 0)
      this.#line(`outView.setInt32(${this.#out(n)}, ${integerText(word)})`)
    }
    this.#written += octets.length
  }

  #text({ writer, value, areNumbers64Text }: Extract<Operation, { op: 'text' }>): void {
    if ('op' in value) return this.#computedText(value)
    const isVariable = 'variable' in value
    const at = isVariable ? `d${integerText(value.variable)}` : this.#at(value)
    const length = isVariable ? `s${integerText(value.variable)}` : integerText(value.length)
    const out = this.#out()
    if (isListWriter(writer)) {
      const type = integerText(writer === 'basicList' ? 291 : writer === 'subTemplateList' ? 292 : 293)
      const call = this.#call('writeListText')
      const flag = areNumbers64Text ? 'true' : 'false'
      this.#advance(`${call}(${type}, view, ${at}, ${length}, outView, ${out}, limit, ${flag}, context)`)
      return this.#line('if (w < 0) break')
    }
    switch (writer) {
      case 'hex':
      case 'string': {
        const call = this.#call(writer === 'hex' ? 'writeHex' : 'writeString')
        this.#advance(`${call}(view, ${at}, ${length}, outView, ${out}, limit)`)
        return this.#line('if (w < 0) break')
      }
      case 'unsigned':
        return this.#advance(`${this.#call('writeUnsigned')}(outView, ${out}, ${this.#read(value as FixedValue)})`)
      case 'signed': {
        if ((value as FixedValue).length <= 4) {
          const number = `${this.#call('readSigned')}(view, ${at}, ${length})`
          return this.#advance(`${this.#call('writeSigned')}(outView, ${out}, ${number})`)
        }
        return this.#advance(`${this.#call('writeSigned64Text')}(view, ${at}, ${length}, outView, ${out})`)
      }
      case 'unsigned64':
        return this.#advance(`${this.#call('writeUnsigned64Text')}(view, ${at}, ${length}, outView, ${out})`)
      case 'unsigned256':
        return this.#advance(`${this.#call('writeUnsigned256')}(view, ${at}, ${length}, outView, ${out})`)
      case 'float':
        return this.#advance(`${this.#call('writeFloat')}(view, ${at}, ${length}, outView, ${out})`)
      case 'ipv4':
        return this.#advance(`${this.#call('writeIPv4')}(outView, ${out}, view.getInt32(${at}))`)
      case 'boolean':
        return this.#advance(`${this.#call('writeBoolean')}(view, ${at}, outView, ${out})`)
      case 'ipv6':
        return this.#advance(`${this.#call('writeIPv6')}(view, ${at}, outView, ${out})`)
      case 'mac':
        return this.#advance(`${this.#call('writeMac')}(view, ${at}, outView, ${out})`)
      default:
        return this.#timeText(writer, 'view', at, out)
    }
  }

  #computedText(value: TimeOperation | SelectorOperation | FlagsOperation): void {
    if (value.op !== 'time') {
      const isFlags = value.op === 'tcpControlBits'
      const read = this.#read(value.value)
      const number = isFlags ? this.#flags(value.value) : `${this.#call('selectorAlgorithm')}(${read})`
      return this.#advance(`${this.#call('writeUnsigned')}(outView, ${this.#out()}, ${number})`)
    }
    this.#used.add('scratch')
    this.#time(value, 'scratch', '0')
    this.#timeText(value.to, 'scratch', '0', this.#out())
  }

  #timeText(form: 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds', view: string, at: string, out: string) {
    if (form === 'milliseconds') {
      return this.#advance(`${this.#call('writeMillisecondsText')}(${view}, ${at}, outView, ${out})`)
    }
    const calls = {
      seconds: 'writeSecondsText',
      microseconds: 'writeMicrosecondsText',
      nanoseconds: 'writeNanosecondsText'
    }
    this.#advance(`${this.#call(calls[form] as KernelName)}(${view}, ${at}, outView, ${out}, context)`)
  }

  #contextText(name: 'exporterIPv4' | 'exporterIPv6' | 'odid' | 'receivedAt'): void {
    const out = this.#out()
    if (name === 'odid') {
      return this.#advance(`${this.#call('writeUnsigned')}(outView, ${out}, ${this.#hoist('odid')})`)
    }
    if (name === 'receivedAt') {
      return this.#advance(`${this.#call('writeReceivedAt')}(outView, ${out}, context)`)
    }
    const isIPv6 = name === 'exporterIPv6' ? 'true' : 'false'
    this.#advance(`${this.#call('writeExporter')}(context.exporterAddress, ${isIPv6}, outView, ${out})`)
  }

  #samplingText({ interval, space, ...rate }: Extract<Operation, { op: 'samplingText' }>): void {
    const out = this.#out()
    if (interval !== undefined && space !== undefined) {
      const call = this.#call('writeExactSampling')
      return this.#advance(`${call}(outView, ${out}, ${this.#read(interval)}, ${this.#read(space)})`)
    }
    if (rate.ifIndex !== undefined) {
      const call = this.#call('writeInterfaceSampling')
      return this.#advance(`${call}(outView, ${out}, ${this.#read(rate.ifIndex)}, context)`)
    }
    const flag = rate.isFallback ? 'true' : 'false'
    const call = this.#call('writeSampling')
    this.#advance(`${call}(outView, ${out}, ${this.#samplingSources(rate)}, ${flag}, context)`)
  }

  #line(text: string): void {
    this.#lines.push(text)
  }

  /** Write a number of 1, 2 or 4 octets. */
  #put(octets: number, value: string): void {
    this.#line(`outView.${WRITES[octets]}(${this.#out()}, ${value})`)
    this.#written += octets
  }

  /** A step that says where it ended. */
  #advance(call: string): void {
    this.#line(`w = ${call}`)
    this.#written = 0
  }

  #call(name: KernelName): string {
    this.#used.add(name)
    return name
  }

  #hoist(name: 'exportTimeSec' | 'bootTimeMs' | 'odid' | 'receivedAtMs'): string {
    this.#hoisted.add(`const ${name} = context.${name}`)
    return name
  }

  #hoistAddress(): string {
    this.#hoisted.add(`const address = ${this.#call('address4')}(context.exporterAddress)`)
    return 'address'
  }

  #hoistReceivedAt(): string {
    this.#hoisted.add('const receivedLow = Math.floor(context.receivedAtMs)')
    return 'receivedLow'
  }

  #conditionOf({ condition }: RecordFilter): string {
    const scope: SourceScope = {
      at: place => this.#at(place),
      read: value => this.#read(value),
      call: name => this.#call(name),
      hoist: name => this.#hoist(name),
      hoistAddress: () => this.#hoistAddress(),
      hoistReceivedAt: () => this.#hoistReceivedAt(),
      number: index => {
        this.#numbers.add(index)
        return `c${integerText(index)}`
      }
    }
    return conditionSource(condition, scope)
  }

  #now(): string {
    return this.#hoist('receivedAtMs')
  }

  #out(more = 0): string {
    const octets = this.#written + more
    return octets === 0 ? 'w' : `w + ${integerText(octets)}`
  }

  #at({ anchor, offset }: Place, more = 0): string {
    const name = anchor === 0 ? 'p' : `p${integerText(anchor)}`
    return offset + more === 0 ? name : `${name} + ${integerText(offset + more)}`
  }

  #read(value: FixedValue): string {
    if (value.length <= 4 && READS[value.length] !== undefined) return `view.${READS[value.length]}(${this.#at(value)})`
    return `${this.#call('readUnsigned')}(view, ${this.#at(value)}, ${integerText(value.length)})`
  }
}
