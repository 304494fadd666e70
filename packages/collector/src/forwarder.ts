import type { Layout, LayoutTable } from '@weir/ipfix'
import type { LinkSender, Source } from '@weir/link'
import type { Exporter } from './exporter.ts'
import { FlowLook } from './flow-look.ts'
import type { Ledger } from './ledger.ts'
import type { Session } from './session.ts'

/** An entry that was read from TCP and waits for room on the link. */
interface Held {
  readonly layout: Layout
  readonly source: Source
  readonly contextId: number
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  readonly bootTimeMs: number
  readonly records: number
  readonly octets: Uint8Array
}

/**
 * Puts Data Set entries on the link. When the link is full, what came by UDP is dropped and counted: UDP is never waited
 * for. What came by TCP is held, in order, until there is room; TCP is not read meanwhile, so that little is held.
 */
export class Forwarder {
  readonly #link: LinkSender
  readonly #ledger: Ledger
  readonly #layouts: LayoutTable
  #held: (Held | (() => void))[] = []
  #isDraining = false

  constructor(link: LinkSender, ledger: Ledger, layouts: LayoutTable) {
    this.#link = link
    this.#ledger = ledger
    this.#layouts = layouts
  }

  /** False when TCP must not be read. */
  get isWritable(): boolean {
    return this.#held.length === 0 && this.#link.isWritable
  }

  get heldEntries(): number {
    return this.#held.length
  }

  /** Counts the records as decoded and as what becomes of them. The octets are copied. */
  append(
    session: Session,
    layout: Layout,
    source: Source,
    contextId: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    records: number,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number
  ): void {
    const counted = this.#ledger.records
    counted.decoded += records
    session.exporter.records += records
    if (records === 0) return
    if (session.exporter.isLookDue) lookAt(session.exporter, layout, octets, offset, records)
    const mayWait = session.transport === 'tcp'
    if (!mayWait || this.#held.length === 0) {
      const isTaken = this.#link.append(
        layout,
        source,
        contextId,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        records,
        octets,
        offset,
        lengthOctets
      )
      if (isTaken) {
        counted.admitted += records
        return
      }
    }
    if (mayWait) {
      this.#hold({
        layout,
        source,
        contextId,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        records,
        octets: octets.slice(offset, offset + lengthOctets)
      })
    } else {
      counted.dropped.overload_hard += records
      session.exporter.droppedRecords += records
    }
  }

  /** Do something once all that is held now is on the link: at once if nothing is. */
  afterHeld(action: () => void): void {
    if (this.#held.length === 0) action()
    else this.#held.push(action)
  }

  /** The link may have room again. @returns true if nothing is held any more. */
  drain(): boolean {
    // The link may say that it has room while it is given something.
    if (this.#isDraining) return false
    this.#isDraining = true
    let done = 0
    for (const held of this.#held) {
      if (typeof held === 'function') held()
      else if (!this.#appendHeld(held)) break
      done++
    }
    if (done > 0) this.#held = this.#held.slice(done)
    this.#isDraining = false
    return this.#held.length === 0
  }

  /** Give up what is held, counted: the process ends. */
  abandon(): void {
    for (const held of this.#held) {
      if (typeof held === 'function') {
        held()
        continue
      }
      this.#ledger.records.held -= held.records
      this.#ledger.records.dropped.shutdown += held.records
      this.#layouts.release(held.layout)
    }
    this.#held = []
  }

  #hold(held: Held): void {
    this.#layouts.retain(held.layout)
    this.#ledger.records.held += held.records
    this.#held.push(held)
  }

  #appendHeld(held: Held): boolean {
    const { layout, source, contextId, exportTimeSec, receivedAtMs, bootTimeMs, records, octets } = held
    const isTaken = this.#link.append(
      layout,
      source,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      records,
      octets,
      0,
      octets.length
    )
    if (!isTaken) return false
    this.#ledger.records.held -= records
    this.#ledger.records.admitted += records
    this.#layouts.release(layout)
    return true
  }
}

/** Once in a while, for whether its records look sampled. */
function lookAt(exporter: Exporter, layout: Layout, octets: Uint8Array, offset: number, records: number): void {
  if (layout.scopeCount > 0) return
  exporter.isLookDue = false
  exporter.look ??= new FlowLook()
  exporter.look.take(layout, octets, offset, records)
}
