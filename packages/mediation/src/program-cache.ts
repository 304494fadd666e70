import { LayoutTable } from '@weir/ipfix'
import type { ElementRegistry, FieldSpecifier, Layout, ListLimits } from '@weir/ipfix'
import { compile } from './compile.ts'
import { interpret } from './interpret.ts'
import { createKernel } from './kernel/kernel.ts'
import type { Kernel } from './kernel/kernel.ts'
import { kernelCounts } from './kernel/list-octets.ts'
import type { KernelCounts } from './kernel/list-octets.ts'
import { planRecord } from './plan-record.ts'
import type { RecordPlan } from './operation.ts'
import { planKey } from './plan.ts'
import type { Plan } from './plan.ts'
import type { Cursor, EntryContext, Program } from './program.ts'
import { contextVariant, variantMask } from './variant.ts'

export interface ProgramCacheOptions {
  readonly registry: ElementRegistry
  /** Where output Layouts are interned, and kept as long as a Program has them; a table of its own if left out. */
  readonly layouts?: LayoutTable
  /** Programs kept; those used longest ago go first. Default 4,096. */
  readonly limit?: number
  /** Records that a (Layout, Plan) shows before its Program is compiled; 0 = at once. Default 1,000. */
  readonly compileAfterRecords?: number
  /** Default 100. */
  readonly compilesPerSecond?: number
  /** L-14: Layouts of more fields run on the interpreter. Default 256. */
  readonly compiledFields?: number
  /** L-23: bounds of each list value. */
  readonly lists?: ListLimits
}

/**
 * Fields of input and output, and steps, that all Programs may have together, for each Program that the limit allows: most
 * have some 60 of them, but a Layout may have 16,384 fields.
 */
const PARTS_PER_PROGRAM = 256

/** What a ProgramCache did since it was made. */
export interface ProgramCacheStats extends KernelCounts {
  /** Programs that were compiled. */
  compiled: number
  /** Programs that were made for the interpreter, compiled later or not. */
  interpreted: number
  /** Programs forgotten to keep the limit. */
  evicted: number
  /** Times that the budget of compilations put one off. */
  postponed: number
  /** Programs that stay with the interpreter: too many fields or too much text. */
  refused: number
  /** Programs held now. */
  size: number
  /** Whether the process allows code generation from strings; unknown until the first compilation. */
  codegen: 'unknown' | 'allowed' | 'disallowed'
}

/** One Program and what decides its back end. `run` is replaced when it is compiled; who holds it need not ask again. */
class CachedProgram implements Program {
  readonly input: Layout
  readonly output: Layout | undefined
  readonly plan: RecordPlan
  /** What it takes of memory, in fields and steps. */
  readonly parts: number
  isCompiled = false
  /** No compilation is to be tried. */
  isFinal = false
  records = 0
  lastUse = 0
  run: Program['run']

  constructor(input: Layout, output: Layout | undefined, plan: RecordPlan, kernel: Kernel) {
    this.input = input
    this.output = output
    this.plan = plan
    this.parts = partsOf(plan, input, output?.fields)
    const run = interpret(plan, kernel)
    this.run = (octets, view, inOffset, inEnd, out, outView, outOffset, outLimit, context, cursor: Cursor) => {
      run(octets, view, inOffset, inEnd, out, outView, outOffset, outLimit, context, cursor)
      this.records += cursor.records + cursor.filtered
    }
  }
}

const partsOf = (plan: RecordPlan, input: Layout, output: readonly FieldSpecifier[] = []): number =>
  plan.operations.length + input.fields.length + output.length + (plan.filter?.size ?? 0)

/** The Programs of one Layout under one Plan. */
interface LayoutSlot {
  readonly mask: number
  /** By variant. */
  readonly programs: (CachedProgram | undefined)[]
  held: number
}

type PlanSlot = Map<Layout, LayoutSlot>

/**
 * Makes Programs and keeps them: first for the interpreter, compiled once a Layout has shown that it is worth it. Bounded in
 * Programs, in their fields and steps and in compilations per second, so that a flood of Layouts costs no more than the interpreter, and
 * wide ones no more memory than many (TH-45).
 */
export class ProgramCache {
  readonly stats: ProgramCacheStats = {
    compiled: 0,
    interpreted: 0,
    evicted: 0,
    postponed: 0,
    refused: 0,
    size: 0,
    codegen: 'unknown',
    ...kernelCounts()
  }
  readonly #registry: ElementRegistry
  readonly #layouts: LayoutTable
  readonly #kernel: Kernel
  readonly #limit: number
  readonly #compileAfterRecords: number
  readonly #compilesPerSecond: number
  readonly #compiledFields: number
  readonly #slots = new Map<string, PlanSlot>()
  readonly #slotOfPlan = new WeakMap<Plan, PlanSlot>()
  #uses = 0
  #parts = 0
  #compilesLeft: number
  #refilledAtMs = -Infinity

  constructor(options: ProgramCacheOptions) {
    this.#registry = options.registry
    this.#layouts = options.layouts ?? new LayoutTable()
    this.#kernel = createKernel(options.registry, this.stats, options.lists)
    this.#limit = options.limit ?? 4096
    this.#compileAfterRecords = options.compileAfterRecords ?? 1000
    this.#compilesPerSecond = options.compilesPerSecond ?? 100
    this.#compiledFields = options.compiledFields ?? 256
    this.#compilesLeft = this.#compilesPerSecond
  }

  /**
   * The Program for records of a Layout under a Plan. Allocates nothing once it is made.
   *
   * @param context - of the entry: tells the variant. It is only read here.
   * @param nowMs - any clock that does not go back; paces compilations.
   */
  get(layout: Layout, plan: Plan, context: EntryContext, nowMs: number): Program {
    const planSlot = this.#slotOfPlan.get(plan) ?? this.#openPlan(plan)
    const slot = planSlot.get(layout) ?? this.#openLayout(planSlot, layout, plan)
    const variant = contextVariant(context) & slot.mask
    const program = slot.programs[variant] ?? this.#make(planSlot, slot, layout, plan, variant)
    program.lastUse = ++this.#uses
    if (!program.isFinal && program.records >= this.#compileAfterRecords) this.#compile(program, nowMs)
    return program
  }

  /** Forget the Programs of an input Layout that has ended. */
  release(layout: Layout): void {
    for (const planSlot of this.#slots.values()) {
      for (const program of planSlot.get(layout)?.programs ?? []) if (program !== undefined) this.#forget(program)
      planSlot.delete(layout)
    }
  }

  #openPlan(plan: Plan): PlanSlot {
    const key = planKey(plan)
    const planSlot = this.#slots.get(key) ?? new Map<Layout, LayoutSlot>()
    this.#slots.set(key, planSlot)
    this.#slotOfPlan.set(plan, planSlot)
    return planSlot
  }

  #openLayout(planSlot: PlanSlot, layout: Layout, plan: Plan): LayoutSlot {
    const slot = { mask: variantMask(layout, plan, this.#registry), programs: [], held: 0 }
    planSlot.set(layout, slot)
    return slot
  }

  #make(planSlot: PlanSlot, slot: LayoutSlot, layout: Layout, plan: Plan, variant: number): CachedProgram {
    const planned = planRecord(layout, plan, variant, this.#registry)
    const parts = partsOf(planned.plan, layout, planned.output?.fields)
    if (this.stats.size >= this.#limit || this.#parts + parts > this.#limit * PARTS_PER_PROGRAM) {
      this.#evict(parts)
      planSlot.set(layout, slot)
    }
    const output =
      planned.output === undefined ? undefined : this.#layouts.intern(planned.output.fields, planned.output.scopeCount)
    if (output !== undefined) this.#layouts.retain(output)
    this.#parts += parts
    const program = new CachedProgram(layout, output, planned.plan, this.#kernel)
    slot.programs[variant] = program
    slot.held++
    this.stats.interpreted++
    this.stats.size++
    return program
  }

  #compile(program: CachedProgram, nowMs: number): void {
    if (this.stats.codegen === 'disallowed') {
      program.isFinal = true
      return
    }
    if (program.input.fields.length > this.#compiledFields) {
      program.isFinal = true
      this.stats.refused++
      return
    }
    if (!this.#takeCompile(nowMs)) {
      this.stats.postponed++
      return
    }
    try {
      const run = compile(program.plan, this.#kernel)
      program.isFinal = true
      if (run === undefined) {
        this.stats.refused++
        return
      }
      this.stats.codegen = 'allowed'
      this.stats.compiled++
      program.run = run
      program.isCompiled = true
    } catch (error) {
      // `--disallow-code-generation-from-strings`: the same results, slower. The state is noted once, in stats.
      if (!(error instanceof EvalError)) throw error
      this.stats.codegen = 'disallowed'
      program.isFinal = true
    }
  }

  #takeCompile(nowMs: number): boolean {
    if (nowMs - this.#refilledAtMs >= 1000) {
      this.#refilledAtMs = nowMs
      this.#compilesLeft = this.#compilesPerSecond
    }
    if (this.#compilesLeft < 1) return false
    this.#compilesLeft--
    return true
  }

  #forget(program: CachedProgram): void {
    this.stats.size--
    this.#parts -= program.parts
    if (program.output !== undefined) this.#layouts.release(program.output)
  }

  /**
   * Forget those used longest ago until an eighth is free: one search for many, so that a flood of Layouts does not search
   * each time.
   *
   * @param parts - of the Program that needs the room.
   */
  #evict(parts: number): void {
    const all: { program: CachedProgram; variant: number; slot: LayoutSlot; planSlot: PlanSlot }[] = []
    for (const planSlot of this.#slots.values()) {
      for (const slot of planSlot.values()) {
        for (const [variant, program] of slot.programs.entries()) {
          if (program !== undefined) all.push({ program, variant, slot, planSlot })
        }
      }
    }
    all.sort((a, b) => a.program.lastUse - b.program.lastUse)
    const size = this.#limit - Math.max(1, this.#limit >>> 3)
    const mostParts = this.#limit * PARTS_PER_PROGRAM * (7 / 8) - parts
    for (const { program, variant, slot, planSlot } of all) {
      if (this.stats.size <= size && this.#parts <= mostParts) break
      slot.programs[variant] = undefined
      slot.held--
      if (slot.held === 0) planSlot.delete(program.input)
      this.stats.evicted++
      this.#forget(program)
    }
  }
}
