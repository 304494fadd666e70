import { ElementRegistry, LayoutTable } from '@weir/ipfix'
import type { FieldSpecifier, Layout } from '@weir/ipfix'
import { compile, createKernel, interpret, planRecord, variantOf } from '../../src/index.ts'
import type { Cursor, EntryContext, IpfixPlan, JsonPlan, Plan, Program } from '../../src/index.ts'

export const registry = ElementRegistry.standard()
export const layouts = new LayoutTable()
const kernel = createKernel(registry)

/** True if this process lets code be generated from strings; else only the interpreter is run. */
export const canCompile = ((): boolean => {
  try {
    // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
    return (new Function('return true') as () => boolean)()
  } catch {
    return false
  }
})()

export const normalised: IpfixPlan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: true, sampling: true }
/** Neither lineage nor sampling: what a record's own fields become. */
export const bare: IpfixPlan = { ...normalised, lineage: false, sampling: false }
export const json: JsonPlan = { kind: 'json', numbers64: 'number', lineage: false, sampling: false }

/** `'8:4 2:3 9.1:65535'`: fields as [pen.]id:length; those before a `|` are the scope. */
export function layoutOf(text: string): Layout {
  const parts = text.split('|')
  const fields = parts.map(part =>
    part
      .trim()
      .split(/\s+/)
      .filter(field => field !== '')
      .map(fieldOf)
  )
  return layouts.intern(fields.flat(), parts.length > 1 ? fields[0].length : 0)
}

function fieldOf(text: string): FieldSpecifier {
  const [name, length] = text.split(':')
  const [first, second] = name.split('.')
  return { pen: second === undefined ? 0 : Number(first), id: Number(second ?? first), length: Number(length) }
}

/** The fields of an output, in the notation of {@link layoutOf}. */
export function textOfLayout(layout: Layout | undefined): string {
  if (layout === undefined) return ''
  const names = layout.fields.map(({ pen, id, length }) => `${pen === 0 ? '' : `${pen}.`}${id}:${length}`)
  if (layout.scopeCount === 0) return names.join(' ')
  return `${names.slice(0, layout.scopeCount).join(' ')} | ${names.slice(layout.scopeCount).join(' ')}`.trim()
}

export function contextOf(overrides: Partial<EntryContext> = {}): EntryContext {
  return {
    exporterAddress: new Uint8Array([192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    exporterIsIPv6: false,
    odid: 7,
    version: 10,
    exportTimeSec: 1_700_000_000,
    receivedAtMs: 1_700_000_001_500,
    bootTimeMs: NaN,
    samplingRate: 0,
    samplingOrigin: 0,
    samplingRateOf: () => 0,
    hasInterfaceRates: false,
    samplingRateOfInterface: () => 0,
    templateIds: { exportedId: id => id, layoutOf: () => undefined },
    ...overrides
  }
}

export interface Run {
  readonly output: Layout | undefined
  readonly octets: Uint8Array
  readonly records: number
  /** Records that the filter kept back. */
  readonly filtered: number
  /** Octets of the input that were read. */
  readonly read: number
}

/** Both Programs of a Layout and a Plan: the interpreter, and compiled where that is allowed. */
export function programsOf(layout: Layout, plan: Plan, context: EntryContext): Program[] {
  const planned = planRecord(layout, plan, variantOf(layout, plan, context, registry), registry)
  const output = planned.output && layouts.intern(planned.output.fields, planned.output.scopeCount)
  const programs: Program[] = [{ input: layout, output, isCompiled: false, run: interpret(planned.plan, kernel) }]
  const run = canCompile ? compile(planned.plan, kernel) : undefined
  if (run !== undefined) programs.push({ input: layout, output, isCompiled: true, run })
  return programs
}

/** Run one Program over octets that stand somewhere in a buffer, into a buffer of `room` octets. */
export function runProgram(program: Program, input: Uint8Array, context: EntryContext, room: number): Run {
  const before = 3
  // Sometimes the buffer ends with the records, sometimes it does not: neither may matter.
  const octets = new Uint8Array(before + input.length + (input.length % 2) * 5)
  octets.set(input, before)
  const out = new Uint8Array(before + room).fill(0xee)
  const cursor: Cursor = { in: -1, out: -1, records: -1, filtered: -1 }
  program.run(
    octets,
    new DataView(octets.buffer),
    before,
    before + input.length,
    out,
    new DataView(out.buffer),
    before,
    before + room,
    context,
    cursor
  )
  if (out.subarray(0, before).some(octet => octet !== 0xee)) throw new Error('wrote before its output')
  return {
    output: program.output,
    octets: out.slice(before, cursor.out),
    records: cursor.records,
    filtered: cursor.filtered,
    read: cursor.in - before
  }
}

/** Run records through a Plan on both back ends; fails if they differ. */
export function run(
  layout: Layout | string,
  plan: Plan,
  input: Uint8Array,
  context: EntryContext = contextOf(),
  room = 100_000
): Run {
  const shape = typeof layout === 'string' ? layoutOf(layout) : layout
  const [first, ...others] = programsOf(shape, plan, context).map(program => runProgram(program, input, context, room))
  for (const other of others) {
    const isEqual =
      other.records === first.records &&
      other.filtered === first.filtered &&
      other.read === first.read &&
      Buffer.compare(Buffer.from(other.octets), Buffer.from(first.octets)) === 0
    if (isEqual) continue
    throw new Error(`compiled and interpreted differ for ${shape.key}:\n${textOf(first)}\n${textOf(other)}`)
  }
  return first
}

const textOf = ({ records, filtered, read, octets }: Run): string =>
  `${records} ${filtered} ${read} ${Buffer.from(octets).toString('hex')}`

/** Octets of hex text; blanks are ignored. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s+/g, ''), 'hex'))
}

/** `fields = hex octets` of the one record that comes out, the Layout in the notation of {@link layoutOf}. */
export function normalisedText(
  layout: string,
  input: string,
  plan: Plan = bare,
  context: EntryContext = contextOf()
): string {
  const result = run(layout, plan, hex(input), context)
  if (result.records !== 1) throw new Error(`${result.records} records came out`)
  return `${textOfLayout(result.output)} = ${Buffer.from(result.octets).toString('hex')}`
}

/** The line of JSON of one record, without its line feed. */
export function jsonText(
  layout: string,
  input: string | Uint8Array,
  plan: Plan = json,
  context: EntryContext = contextOf()
): string {
  const result = run(layout, plan, typeof input === 'string' ? hex(input) : input, context)
  if (result.records !== 1) throw new Error(`${result.records} records came out`)
  const text = new TextDecoder('utf-8', { fatal: true }).decode(result.octets)
  if (!text.endsWith('\n')) throw new Error('a line without an end')
  return text.slice(0, -1)
}
