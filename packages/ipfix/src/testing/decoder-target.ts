import { LayoutTable } from '../layout.ts'
import { defaultLimits } from '../limits.ts'
import { TemplateBudget, templateHeapOctets } from '../template-budget.ts'
import { TestSession } from './test-session.ts'
import type { FaultCode } from '../faults.ts'
import type { ProtocolLimits } from '../limits.ts'
import type { DataSetView, MessageVisitor, UnknownSetView } from '../message-visitor.ts'
import type { Transport } from '../template-table.ts'

/** Small, so that a short run reaches every limit. */
const tightLimits: ProtocolLimits = {
  ...defaultLimits,
  domainsPerSession: 64,
  templatesPerDomain: 6,
  templateOctetsPerDomain: 8192,
  fieldsPerTemplate: 64,
  valuesPerMessage: 4096
}

function assert(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}

/**
 * What must hold for a decoder whatever octets it is given (I1, I3, I5): one session, run with one input after another;
 * throws when something does not hold. Work is measured in visitor calls, which no clock can blur.
 */
export class DecoderTarget implements MessageVisitor {
  readonly session: TestSession
  /** Messages that were not discarded, and Data Records in them. */
  accepted = 0
  records = 0
  readonly faults = new Map<FaultCode, number>()
  readonly #budget = new TemplateBudget({ templates: 200, octets: 200_000 })
  readonly #layouts = new LayoutTable()
  readonly #ownLayouts: number
  #runs = 0
  #calls = 0
  #faultCalls = 0
  #isBegun = false
  #length = 0

  constructor(transport: Transport, isStrict = false) {
    this.session = new TestSession({
      transport,
      isStrict,
      limits: tightLimits,
      budget: this.#budget,
      layouts: this.#layouts
    })
    this.#ownLayouts = this.#layouts.size
  }

  /** Decode one input and check. */
  run(octets: Uint8Array): void {
    const { session } = this
    this.#disturb()
    const live = this.#budget.templates
    const generation = this.#generation()
    this.#calls = 0
    this.#faultCalls = 0
    this.#isBegun = false
    this.#length = octets.length
    session.nowMs += 1000
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    const discarded = session.decoder.decode(
      octets,
      view,
      0,
      octets.length,
      session.transport,
      session,
      session.nowMs,
      this
    )
    if (discarded === undefined) {
      assert(this.#isBegun, 'onMessage was not called')
      this.accepted++
    } else {
      assert(this.#calls === 0 && this.#faultCalls === 1, `${discarded}: something else was seen`)
      assert(this.#generation() === generation, `${discarded}: a template was changed`)
    }
    const calls = this.#calls + this.#faultCalls
    assert(calls <= octets.length + live + 2, `${calls} calls for ${octets.length} octets`)
    this.#checkTables()
  }

  onMessage(): void {
    assert(this.#calls === 0 && this.#faultCalls === 0, 'onMessage came late')
    this.#isBegun = true
    this.#calls++
  }

  onTemplate(): void {
    this.#call()
  }

  onDataSet({ layout, offset, lengthOctets, records }: DataSetView): void {
    this.#call()
    assert(offset >= 0 && lengthOctets >= 0 && offset + lengthOctets <= this.#length, 'a Data Set leaves its Message')
    assert(layout.minRecordLength > 0 && records * layout.minRecordLength <= lengthOctets, 'more records than octets')
    if (layout.recordLength > 0) assert(records * layout.recordLength === lengthOctets, 'octets that are no record')
    this.records += records
  }

  onUnknownSet({ offset, lengthOctets }: UnknownSetView): void {
    this.#call()
    assert(offset >= 0 && lengthOctets >= 0 && offset + lengthOctets <= this.#length, 'a Set leaves its Message')
  }

  onFault(code: FaultCode, offset: number): void {
    this.#faultCalls++
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1)
    assert(offset >= 0 && offset <= this.#length, 'a fault outside of its Message')
  }

  /** What befalls the tables between Messages: restarts of the exporter, templates from a store, expiry, new sessions. */
  #disturb(): void {
    const { nowMs, tables, layouts } = this.session
    const at = ++this.#runs
    const table = tables.get(1)
    if (at % 61 === 0) for (const each of tables.values()) each.markStale(nowMs)
    if (at % 71 === 0) for (const each of tables.values()) each.expire(nowMs)
    if (at % 13 === 0 && table !== undefined) {
      const layout = layouts.intern([{ pen: 0, id: 82, length: 65535 }], 0)
      table.withdraw(256 + (at % 20))
      table.restore(256 + (at % 20), layout, nowMs, nowMs)
      layouts.releaseUnused(layout)
    }
    if (at % 500 === 0) {
      for (const each of tables.values()) each.close()
      tables.clear()
    }
  }

  #call(): void {
    assert(this.#isBegun, 'something came before onMessage')
    this.#calls++
  }

  /** Changes of definitions, in all tables. */
  #generation(): number {
    let changes = 0
    for (const table of this.session.tables.values()) changes += table.generation
    return changes
  }

  #checkTables(): void {
    let templates = 0
    let octets = 0
    for (const table of this.session.tables.values()) {
      templates += table.size
      for (const { layout } of table.entries()) octets += templateHeapOctets(layout)
      assert(table.size <= tightLimits.templatesPerDomain, 'L-10 is passed')
      assert(table.octets <= tightLimits.templateOctetsPerDomain, 'L-13 is passed')
    }
    assert(this.session.tables.size <= tightLimits.domainsPerSession, 'L-04 is passed')
    assert(this.#budget.templates === templates && templates <= 200, 'the budget does not agree with the tables')
    assert(this.#budget.octets === octets && octets <= 200_000, 'L-12 is passed')
    assert(this.#layouts.size <= templates + this.#ownLayouts, 'a Layout stayed behind')
  }
}
