import { fixedFormats, fixedLayout } from './fixed-layouts.ts'
import { defaultLimits } from './limits.ts'
import { MessageDraft, stepKinds } from './message-draft.ts'
import { isZero } from './octet-scan.ts'
import { walkVariableRecords } from './record-walk.ts'
import { isMisfit } from './template-fit.ts'
import { TemplateSetReader } from './template-set-reader.ts'
import type { FaultCode } from './faults.ts'
import type { FixedVersion } from './fixed-layouts.ts'
import type { Layout, LayoutTable } from './layout.ts'
import type { ProtocolLimits } from './limits.ts'
import type {
  DataSetView,
  MessageHeader,
  MessageVisitor,
  TemplateChange,
  TemplateEvent,
  UnknownSetView
} from './message-visitor.ts'
import type { ElementRegistry } from './registry.ts'
import type { OnTemplateEnd, TemplateDoubt, TemplateEntry, TemplateTable, Transport } from './template-table.ts'

/** Where the decoder finds the templates of one Transport Session. Kept by the owner of the session. */
export interface TemplateScope {
  /**
   * The table of one Observation Domain, made at first call.
   *
   * Asked once for every Message whose header is right, whatever its version (1, 5 and 7 have no templates: there it only
   * asks whether the domain may exist). The rest of the Message may still be malformed.
   *
   * @param header - of the Message; the owner may look at it to say what is in doubt (`TemplateTable.isGuarded`).
   * @returns undefined if the session may have no further domain (L-04): the Message is discarded with DOMAIN_LIMIT.
   */
  domain(odid: number, version: number, header: MessageHeader): TemplateTable | undefined
}

/** What a {@link MessageDecoder} is made with. */
export interface MessageDecoderOptions {
  /** Makes the Layouts; the same table as the {@link TemplateTable}s have. */
  readonly layouts: LayoutTable
  /** Types of the elements, for lengths that a type does not allow (RFC 7011 §6.2). */
  readonly registry: ElementRegistry
  readonly limits?: ProtocolLimits
  /** RFC 5471's answers where RFC 7011 is milder (D2, D3, D4): over TCP these discard the Message. */
  readonly isStrict?: boolean
  /** PEN of NetFlow v9 field types from 32768 on; their id is the type less 32768 (default 9). */
  readonly v9EnterpriseNumber?: number
}

/**
 * Decodes Messages of all versions: IPFIX (10), NetFlow 9, 7, 5 and 1. One for a process: it keeps scratch space, and
 * nothing of a session. Two passes: the first checks everything into a draft, the second does it, in wire order; so a
 * malformed Message does nothing at all. A Message of known Data Sets alone allocates nothing. Values are not looked at
 * and lists not opened (RFC 6313): only lengths are.
 *
 * ```
 *  0                   1                   2                   3
 *  | Version (10)                  | Length, all octets            |
 *  | Export Time, s                                                |
 *  | Sequence Number                                               |
 *  | Observation Domain ID                                         |
 *  | Set ID                        | Set Length, with these 4      | records, padding | Set ... (RFC 7011 §3.1, §3.3)
 * ```
 */
export class MessageDecoder {
  readonly #limits: ProtocolLimits
  readonly #layouts: LayoutTable
  readonly #templateSets: TemplateSetReader
  readonly #isStrict: boolean
  readonly #fixed: Readonly<Record<FixedVersion, Layout>>
  readonly #draft = new MessageDraft()
  readonly #walked = new Int32Array(1)
  /** The table that the last checked Message belongs to; undefined for the fixed versions. */
  #table: TemplateTable | undefined
  readonly #header: MessageHeader = {
    version: 0,
    lengthOctets: 0,
    exportTimeSec: 0,
    sequence: 0,
    odid: 0,
    bootTimeMs: Number.NaN,
    v5Sampling: -1
  }
  readonly #dataSet: DataSetView
  readonly #unknownSet: UnknownSetView = { templateId: 0, doubt: undefined, offset: 0, lengthOctets: 0 }
  /** Who is told of templates that a change ends; made once, because exporters announce their templates again and again. */
  #visitor: MessageVisitor | undefined
  readonly #onEnd: OnTemplateEnd = (change, { templateId, layout, isHint }) => {
    const event: TemplateEvent = { change, odid: this.#header.odid, templateId, layout }
    this.#visitor?.onTemplate(isHint ? { ...event, wasHint: true } : event)
  }

  constructor(options: MessageDecoderOptions) {
    const { layouts } = options
    this.#limits = options.limits ?? defaultLimits
    this.#layouts = layouts
    this.#isStrict = options.isStrict ?? false
    this.#templateSets = new TemplateSetReader(options)
    this.#fixed = { 1: fixedLayout(layouts, 1), 5: fixedLayout(layouts, 5), 7: fixedLayout(layouts, 7) }
    this.#dataSet = { templateId: 5, layout: this.#fixed[5], offset: 0, lengthOctets: 0, records: 0 }
  }

  get isStrict(): boolean {
    return this.#isStrict
  }

  /**
   * Decode exactly one Message (a datagram, or what a MessageFramer or a file reader cut out).
   *
   * @param octets - aliased during the call; nothing of it is kept.
   * @param view - over the same octets as `octets`, so that both have the same offsets.
   * @param offset - where the Message begins.
   * @param length - octets of the datagram, or of the Message.
   * @param nowMs - for the lifetime of templates; any clock that does not step.
   * @returns the fault for which the whole Message was discarded; it has been told to `visitor.onFault` already.
   */
  decode(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    transport: Transport,
    scope: TemplateScope,
    nowMs: number,
    visitor: MessageVisitor
  ): FaultCode | undefined {
    const draft = this.#draft
    const fault = this.#check(octets, view, offset, length, transport, scope, nowMs)
    if (fault !== undefined) {
      draft.forgetUnused(this.#layouts)
      visitor.onFault(fault, draft.faultOffset, draft.faultSetId)
      return fault
    }
    visitor.onMessage(this.#header)
    for (let step = 0; step < draft.size; step++) {
      if (draft.kinds[step] === stepKinds.data) this.#giveData(step, nowMs, visitor)
      else this.#do(step, nowMs, visitor)
    }
    draft.forgetUnused(this.#layouts)
    return undefined
  }

  #check(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    transport: Transport,
    scope: TemplateScope,
    nowMs: number
  ): FaultCode | undefined {
    const draft = this.#draft
    this.#table = undefined
    if (length < 2) return draft.fail('MESSAGE_SHORT', offset, 0)
    if (transport === 'udp' && length > this.#limits.datagramOctets) return draft.fail('OVERSIZE', offset, 0)
    const version = view.getUint16(offset)
    if (version === 10) return this.#checkIpfix(octets, view, offset, length, transport, scope, nowMs)
    if (version === 9) return this.#checkV9(octets, view, offset, length, scope, nowMs)
    if (version === 5 || version === 7 || version === 1) {
      return this.#checkFixed(view, offset, length, version, scope, nowMs)
    }
    return draft.fail('BAD_VERSION', offset, 0)
  }

  #checkIpfix(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    transport: Transport,
    scope: TemplateScope,
    nowMs: number
  ): FaultCode | undefined {
    const draft = this.#draft
    if (length < 16) return draft.fail('MESSAGE_SHORT', offset, 0)
    const messageLength = view.getUint16(offset + 2)
    if (messageLength < 16 || messageLength > length) return draft.fail('MESSAGE_LENGTH', offset, 0)
    const header = this.#header
    header.version = 10
    header.lengthOctets = messageLength
    header.exportTimeSec = view.getUint32(offset + 4)
    header.sequence = view.getUint32(offset + 8)
    header.odid = view.getUint32(offset + 12)
    header.bootTimeMs = Number.NaN
    header.v5Sampling = -1
    this.#table = scope.domain(header.odid, 10, header)
    if (this.#table === undefined) return draft.fail('DOMAIN_LIMIT', offset, 0)
    draft.begin(this.#table, nowMs)
    const end = offset + messageLength
    let at = offset + 16
    while (at < end) {
      if (end - at < 4) return draft.fail('SET_CUT', at, 0)
      const setId = view.getUint16(at)
      const setLength = view.getUint16(at + 2)
      if (setLength < 4) return draft.fail('SET_SHORT', at, setId)
      if (setLength > end - at) return draft.fail('SET_OVERRUN', at, setId)
      const setEnd = at + setLength
      let fault: FaultCode | undefined
      if (setId >= 256) fault = this.#checkData(octets, at + 4, setEnd, setId)
      else if (setId !== 2 && setId !== 3) draft.addNote('RESERVED_SET', at, setId)
      else if (setLength === 4) draft.addNote('EMPTY_SET', at, setId)
      else fault = this.#templateSets.readIpfix(octets, view, at + 4, setEnd, setId, transport, draft)
      if (fault !== undefined) return fault
      at = setEnd
    }
    if (messageLength < length) draft.addNote('TRAILING_OCTETS', end, 0)
    return undefined
  }

  #checkV9(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    scope: TemplateScope,
    nowMs: number
  ): FaultCode | undefined {
    const draft = this.#draft
    if (length < 20) return draft.fail('MESSAGE_SHORT', offset, 0)
    const header = this.#header
    header.version = 9
    header.lengthOctets = length
    header.exportTimeSec = view.getUint32(offset + 8)
    header.sequence = view.getUint32(offset + 12)
    header.odid = view.getUint32(offset + 16)
    header.bootTimeMs = header.exportTimeSec * 1000 - view.getUint32(offset + 4)
    header.v5Sampling = -1
    this.#table = scope.domain(header.odid, 9, header)
    if (this.#table === undefined) return draft.fail('DOMAIN_LIMIT', offset, 0)
    draft.begin(this.#table, nowMs)
    const end = offset + length
    let at = offset + 20
    while (end - at >= 4) {
      const setId = view.getUint16(at)
      const setLength = view.getUint16(at + 2)
      if (setLength < 4) {
        // Some exporters fill the datagram up with zeros (Cisco ACI, Palo Alto): padding, not FlowSets.
        if (isZero(octets, at, end)) break
        return draft.fail('SET_SHORT', at, setId)
      }
      if (setLength > end - at) return draft.fail('SET_OVERRUN', at, setId)
      const setEnd = at + setLength
      let fault: FaultCode | undefined
      if (setId >= 256) fault = this.#checkData(octets, at + 4, setEnd, setId)
      else if (setId > 1) draft.addNote('RESERVED_SET', at, setId)
      else if (setLength === 4) draft.addNote('EMPTY_SET', at, setId)
      else if (setId === 0) fault = this.#templateSets.readV9Templates(octets, view, at + 4, setEnd, draft)
      else fault = this.#templateSets.readV9OptionsTemplates(octets, view, at + 4, setEnd, draft)
      if (fault !== undefined) return fault
      at = setEnd
    }
    // No Length in the header: a datagram may be padded (R3954-x-1).
    if (at < end) draft.addNote('TRAILING_OCTETS', at, 0)
    // Count is advisory, and says nothing while Sets are unknown (R3954-5.1-2).
    if (draft.isComplete && view.getUint16(offset + 2) !== draft.templates + draft.records) {
      draft.addNote('COUNT_MISMATCH', offset, 0)
    }
    return undefined
  }

  #checkFixed(
    view: DataView,
    offset: number,
    length: number,
    version: FixedVersion,
    scope: TemplateScope,
    nowMs: number
  ): FaultCode | undefined {
    const draft = this.#draft
    const { headerOctets, recordOctets, maxRecords } = fixedFormats[version]
    if (length < headerOctets) return draft.fail('MESSAGE_SHORT', offset, 0)
    const records = view.getUint16(offset + 2)
    const octets = records * recordOctets
    if (records === 0 || records > maxRecords || headerOctets + octets > length) {
      return draft.fail('RECORD_COUNT', offset, 0)
    }
    const header = this.#header
    header.version = version
    header.lengthOctets = length
    header.exportTimeSec = view.getUint32(offset + 8)
    header.sequence = version === 1 ? 0 : view.getUint32(offset + 16)
    header.odid = version === 5 ? view.getUint16(offset + 20) : 0
    const milliseconds = Math.floor(view.getUint32(offset + 12) / 1e6)
    header.bootTimeMs = header.exportTimeSec * 1000 + milliseconds - view.getUint32(offset + 4)
    header.v5Sampling = version === 5 ? view.getUint16(offset + 22) : -1
    if (scope.domain(header.odid, version, header) === undefined) return draft.fail('DOMAIN_LIMIT', offset, 0)
    draft.begin(undefined, nowMs)
    draft.addData(version, offset + headerOctets, octets, records, this.#fixed[version])
    if (headerOctets + octets < length) draft.addNote('TRAILING_OCTETS', offset + headerOctets + octets, 0)
    return undefined
  }

  #checkData(octets: Uint8Array, offset: number, end: number, setId: number): FaultCode | undefined {
    const draft = this.#draft
    let layout = draft.staged(setId)
    let entry: TemplateEntry | undefined
    if (layout === undefined) {
      entry = draft.entryOf(setId)
      if (entry !== undefined && this.#isInDoubt(entry, offset, end)) return undefined
      layout = entry?.layout
    }
    if (layout === undefined) {
      if (draft.isRejected(setId)) {
        draft.isComplete = false
        draft.addNote('REJECTED_TEMPLATE', offset - 4, setId)
      } else draft.addUnknown(setId, offset, end - offset)
      return undefined
    }
    let records: number
    let rest: number
    if (layout.recordLength > 0) {
      records = Math.floor((end - offset) / layout.recordLength)
      rest = offset + records * layout.recordLength
    } else {
      rest = walkVariableRecords(octets, offset, end, layout, this.#walked)
      if (rest < 0) return this.#overrun(octets, offset, end, setId, entry)
      records = this.#walked[0]
    }
    if (rest < end && entry !== undefined && this.#table!.isGuarded && isMisfit(entry, octets, rest, end, records)) {
      draft.misfit(entry, octets, offset, end - offset)
      return undefined
    }
    draft.values += records * layout.fields.length
    if (draft.values > this.#limits.valuesPerMessage) return draft.fail('VALUE_BUDGET', offset - 4, setId)
    if (records === 0 && rest === end) draft.addNote('EMPTY_SET', offset - 4, setId)
    // RFC 7011 §3.3.1: padding octets are zero; others are no reason to discard (§9.1).
    else if (rest < end && !isZero(octets, rest, end)) draft.addNote('NONZERO_PADDING', rest, setId)
    draft.addData(setId, offset, rest - offset, records, layout, entry)
    return undefined
  }

  /** Keeps a Data Set back if its template is in doubt. @returns whether it is. */
  #isInDoubt(entry: TemplateEntry, offset: number, end: number): boolean {
    const draft = this.#draft
    const table = this.#table!
    if (!table.isGuarded) return false
    let doubt: TemplateDoubt | undefined = draft.isHeld(entry) ? 'misfit' : undefined
    if (table.isDoubtful) doubt ??= table.doubtOf(entry, this.#header.sequence, this.#header.exportTimeSec)
    if (doubt === undefined) return false
    draft.addHeld(entry.templateId, offset, end - offset, doubt)
    return true
  }

  /** A template from a store or from before a restart is the likelier error than its data (D15). */
  #overrun(
    octets: Uint8Array,
    offset: number,
    end: number,
    setId: number,
    entry: TemplateEntry | undefined
  ): FaultCode | undefined {
    if (entry === undefined || !entry.isHint) return this.#draft.fail('VARLEN_OVERRUN', offset - 4, setId)
    if (this.#table!.isGuarded) {
      this.#draft.misfit(entry, octets, offset, end - offset)
      return undefined
    }
    this.#draft.contradict(entry, offset - 4)
    this.#draft.addUnknown(setId, offset, end - offset)
    return undefined
  }

  #giveData(step: number, nowMs: number, visitor: MessageVisitor): void {
    const draft = this.#draft
    const found = draft.entries[step]
    // It was a hint, and a definition before it in this Message ended all of them (D15).
    if (found !== undefined && this.#table?.isLive(found) === false) return this.#giveUnknown(step, visitor)
    const set = this.#dataSet
    const records = draft.counts[step]
    set.templateId = draft.ids[step]
    set.layout = draft.layouts[step] as Layout
    set.offset = draft.offsets[step]
    set.lengthOctets = draft.lengths[step]
    set.records = records
    const table = this.#table
    if (table !== undefined) {
      const entry = found ?? table.entry(set.templateId)
      if (entry !== undefined) table.use(entry, records, nowMs)
    }
    visitor.onDataSet(set)
  }

  #giveUnknown(step: number, visitor: MessageVisitor): void {
    const draft = this.#draft
    const set = this.#unknownSet
    set.templateId = draft.ids[step]
    set.offset = draft.offsets[step]
    set.lengthOctets = draft.lengths[step]
    set.doubt = draft.doubts[step]
    visitor.onUnknownSet(set)
  }

  #do(step: number, nowMs: number, visitor: MessageVisitor): void {
    const draft = this.#draft
    const id = draft.ids[step]
    const offset = draft.offsets[step]
    const table = this.#table
    switch (draft.kinds[step]) {
      case stepKinds.unknown:
        this.#giveUnknown(step, visitor)
        return
      case stepKinds.note:
        visitor.onFault(draft.faults[step] as FaultCode, offset, id)
        return
      case stepKinds.reject:
        table?.reject(id)
        visitor.onFault(draft.faults[step] as FaultCode, offset, id)
        return
      default:
        if (table !== undefined) this.#change(step, table, nowMs, visitor)
    }
  }

  #change(step: number, table: TemplateTable, nowMs: number, visitor: MessageVisitor): void {
    const draft = this.#draft
    const templateId = draft.ids[step]
    const { odid } = table
    const onEnd = this.#onEnd
    this.#visitor = visitor
    switch (draft.kinds[step]) {
      case stepKinds.define: {
        const layout = draft.layouts[step] as Layout
        const { sequence, exportTimeSec } = this.#header
        if (table.isGuarded && table.isLate(templateId, layout, sequence, exportTimeSec)) {
          visitor.onFault('TEMPLATE_LATE', draft.offsets[step], templateId)
          return
        }
        const previous = table.get(templateId)
        const change: TemplateChange | undefined = table.define(templateId, layout, nowMs, onEnd)
        if (change === undefined) visitor.onFault('TEMPLATE_LIMIT', draft.offsets[step], templateId)
        else if (change !== 'refreshed' && table.isGuarded) table.noteDefined(templateId, sequence, exportTimeSec)
        if (change === undefined) return
        if (change === 'redefined') visitor.onTemplate({ change, odid, templateId, layout, previous })
        else visitor.onTemplate({ change, odid, templateId, layout })
        return
      }
      case stepKinds.hold: {
        const entry = draft.entries[step]
        if (entry !== undefined) table.hold(entry, this.#header.sequence, this.#header.exportTimeSec)
        return
      }
      case stepKinds.withdraw: {
        const entry = table.withdraw(templateId)
        if (entry !== undefined) onEnd('withdrawn', entry)
        return
      }
      case stepKinds.withdrawAll:
        table.withdrawAll(templateId === 1, onEnd)
        return
      case stepKinds.drop: {
        const entry = draft.entries[step]
        if (entry !== undefined && table.drop(entry)) onEnd('expired', entry)
      }
    }
  }
}
