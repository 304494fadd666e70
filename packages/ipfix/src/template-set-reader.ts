import { isLegalLength } from './data-type.ts'
import { VARIABLE_LENGTH } from './layout.ts'
import { defaultLimits } from './limits.ts'
import { isZero } from './octet-scan.ts'
import type { FaultCode } from './faults.ts'
import type { FieldSpecifier, Layout, LayoutTable } from './layout.ts'
import type { ProtocolLimits } from './limits.ts'
import type { MessageDraft } from './message-draft.ts'
import type { ElementRegistry } from './registry.ts'
import type { Transport } from './template-table.ts'

/** Longest record that fits a Message: 65535 less Message and Set header. */
const longestRecord = 65515

/** NetFlow v9 scope field types by their IANA elements (RFC 3954 §6.1, R3954-6.1-2); System depends on its length. */
const v9ScopeElements: readonly number[] = [0, 144, 10, 141, 143, 145]

/** What a {@link TemplateSetReader} is made with. */
export interface TemplateSetReaderOptions {
  readonly layouts: LayoutTable
  readonly registry: ElementRegistry
  readonly limits?: ProtocolLimits
  readonly isStrict?: boolean
  readonly v9EnterpriseNumber?: number
}

/**
 * Reads the records of Template Sets and Options Template Sets into a draft.
 *
 * ```
 *  Template Record               Options Template Record        Field Specifier
 *  | Template ID | Field Count | | Template ID | Field Count |  |E| Element id  | Field Length |
 *  | Field Specifiers ...        | Scope Count | Specifiers ... | Enterprise Number (if E)     |
 * ```
 * Fields are read into scratch arrays first: a definition that is known already makes no object.
 *
 * @see RFC 7011 §3.4.1, §3.4.2, §8.1; RFC 3954 §5.2, §6.1
 */
export class TemplateSetReader {
  readonly #layouts: LayoutTable
  readonly #registry: ElementRegistry
  readonly #limits: ProtocolLimits
  readonly #isStrict: boolean
  readonly #v9EnterpriseNumber: number
  /** Scratch: the fields of the record that is being read. */
  readonly #pens: number[] = []
  readonly #ids: number[] = []
  readonly #lengths: number[] = []
  #fields = 0

  constructor(options: TemplateSetReaderOptions) {
    this.#layouts = options.layouts
    this.#registry = options.registry
    this.#limits = options.limits ?? defaultLimits
    this.#isStrict = options.isStrict ?? false
    this.#v9EnterpriseNumber = options.v9EnterpriseNumber ?? 9
  }

  /**
   * Read the body of an IPFIX Set with id 2 or 3.
   *
   * @returns the fault for which the Message is to be discarded.
   */
  readIpfix(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    end: number,
    setId: 2 | 3,
    transport: Transport,
    draft: MessageDraft
  ): FaultCode | undefined {
    let at = offset
    while (end - at >= 4) {
      const templateId = view.getUint16(at)
      const count = view.getUint16(at + 2)
      if (count === 0) {
        // Zeros to the end are padding, though they read as a withdrawal of template 0 (D11).
        if (templateId === 0 && isZero(octets, at, end)) return undefined
        const fault = this.#readWithdrawal(templateId, at, setId, transport, draft)
        if (fault !== undefined) return fault
        at += 4
        continue
      }
      if (templateId < 256) return draft.fail('TEMPLATE_ID', at, setId)
      let scopeCount = 0
      let fieldsAt = at + 4
      if (setId === 3) {
        if (end - at < 6) return draft.fail('TEMPLATE_CUT', at, setId)
        scopeCount = view.getUint16(at + 4)
        if (scopeCount === 0) return draft.fail('SCOPE_COUNT_ZERO', at, setId)
        if (scopeCount > count) return draft.fail('SCOPE_COUNT_HIGH', at, setId)
        fieldsAt += 2
      }
      const next = this.#readFields(view, fieldsAt, end, count)
      if (next < 0) return draft.fail('TEMPLATE_COUNT', at, setId)
      const fault = this.#finish(templateId, scopeCount, at, setId, transport, draft, false)
      if (fault !== undefined) return fault
      at = next
    }
    if (!isZero(octets, at, end)) draft.addNote('NONZERO_PADDING', at, setId)
    return undefined
  }

  /** Read the body of a v9 template FlowSet (id 0). */
  readV9Templates(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    end: number,
    draft: MessageDraft
  ): FaultCode | undefined {
    let at = offset
    while (end - at >= 4) {
      const templateId = view.getUint16(at)
      const count = view.getUint16(at + 2)
      if (templateId < 256) {
        if (templateId === 0 && isZero(octets, at, end)) return undefined
        return draft.fail('TEMPLATE_ID', at, 0)
      }
      if (end - at - 4 < 4 * count) return draft.fail('TEMPLATE_COUNT', at, 0)
      this.#fields = count
      this.#readV9Fields(view, at + 4, 0, count)
      this.#finish(templateId, 0, at, 0, 'udp', draft, true)
      at += 4 + 4 * count
    }
    if (!isZero(octets, at, end)) draft.addNote('NONZERO_PADDING', at, 0)
    return undefined
  }

  /** Read the body of a v9 options template FlowSet (id 1); the two lengths count octets (RFC 3954 §6.1). */
  readV9OptionsTemplates(
    octets: Uint8Array,
    view: DataView,
    offset: number,
    end: number,
    draft: MessageDraft
  ): FaultCode | undefined {
    let at = offset
    while (end - at >= 6) {
      const templateId = view.getUint16(at)
      const scopeLength = view.getUint16(at + 2)
      const optionLength = view.getUint16(at + 4)
      if (templateId < 256) {
        if (templateId === 0 && isZero(octets, at, end)) return undefined
        return draft.fail('TEMPLATE_ID', at, 1)
      }
      if (scopeLength % 4 !== 0 || optionLength % 4 !== 0) return draft.fail('SCOPE_LENGTH', at, 1)
      if (end - at - 6 < scopeLength + optionLength) return draft.fail('TEMPLATE_COUNT', at, 1)
      let scopeCount = scopeLength / 4
      const optionCount = optionLength / 4
      this.#fields = scopeCount + optionCount
      this.#readV9Scopes(view, at + 6, scopeCount)
      if (scopeCount === 0) {
        // No scope at all (D12): the System scope of no octets says the same, and IPFIX needs one (R3954-6.1-3).
        this.#put(0, 0, 144, 0)
        this.#fields++
        scopeCount = 1
        this.#readV9Fields(view, at + 6, 1, optionCount)
      } else this.#readV9Fields(view, at + 6 + scopeLength, scopeCount, optionCount)
      this.#finish(templateId, scopeCount, at, 1, 'udp', draft, true)
      at += 6 + scopeLength + optionLength
    }
    if (!isZero(octets, at, end)) draft.addNote('NONZERO_PADDING', at, 1)
    return undefined
  }

  #readWithdrawal(
    templateId: number,
    at: number,
    setId: 2 | 3,
    transport: Transport,
    draft: MessageDraft
  ): FaultCode | undefined {
    const isAll = templateId === 2 || templateId === 3
    if (templateId < 256 && !isAll) return draft.fail('TEMPLATE_ID', at, setId)
    // RFC 7011 §8.4: withdrawals are not sent over UDP; a Collecting Process ignores them.
    if (transport === 'udp') draft.addNote('WITHDRAW_UDP', at, setId)
    else if (isAll) {
      if (templateId === setId) draft.addWithdrawAll(setId === 3 ? 1 : 0, at)
      else draft.addNote('WITHDRAW_MISMATCH', at, setId)
    } else {
      const layout = draft.find(templateId)
      if (layout === undefined) {
        if (this.#isStrict && transport === 'tcp') return draft.fail('STRICT_WITHDRAWAL', at, setId)
        draft.addNote('WITHDRAW_UNKNOWN', at, setId)
      } else if (layout.scopeCount > 0 !== (setId === 3)) draft.addNote('WITHDRAW_MISMATCH', at, setId)
      else draft.addWithdrawal(templateId, at)
    }
    return undefined
  }

  /** @returns the end of the fields, or -1 if the Set ends before them. */
  #readFields(view: DataView, offset: number, end: number, count: number): number {
    // Nothing is allocated by the count that is claimed (R7011-3.4.1-4).
    if (end - offset < 4 * count) return -1
    let at = offset
    for (let index = 0; index < count; index++) {
      if (end - at < 4) return -1
      const id = view.getUint16(at)
      const length = view.getUint16(at + 2)
      at += 4
      if (id < 0x8000) this.#put(index, 0, id, length)
      else {
        if (end - at < 4) return -1
        this.#put(index, view.getUint32(at), id & 0x7fff, length)
        at += 4
      }
    }
    this.#fields = count
    return at
  }

  #readV9Fields(view: DataView, offset: number, first: number, count: number): void {
    for (let index = 0; index < count; index++) {
      const type = view.getUint16(offset + 4 * index)
      const length = view.getUint16(offset + 4 * index + 2)
      // Types are 16 bits wide and no Enterprise Number follows (R3954-5.3-1).
      if (type < 0x8000) this.#put(first + index, 0, type, length)
      else this.#put(first + index, this.#v9EnterpriseNumber, type & 0x7fff, length)
    }
  }

  #readV9Scopes(view: DataView, offset: number, count: number): void {
    this.#readV9Fields(view, offset, 0, count)
    for (let index = 0; index < count; index++) {
      const type = this.#pens[index] === 0 ? this.#ids[index] : 0
      if (type === 1 && this.#lengths[index] === 4) this.#ids[index] = 130
      else if (type > 0 && type < v9ScopeElements.length) this.#ids[index] = v9ScopeElements[type]
    }
  }

  #put(index: number, pen: number, id: number, length: number): void {
    this.#pens[index] = pen
    this.#ids[index] = id
    this.#lengths[index] = length
  }

  /** Check the record in the scratch arrays and add what it does. */
  #finish(
    templateId: number,
    scopeCount: number,
    at: number,
    setId: number,
    transport: Transport,
    draft: MessageDraft,
    isV9: boolean
  ): FaultCode | undefined {
    const known = draft.find(templateId)
    if (known !== undefined) {
      const isSame = this.#isSame(known, scopeCount)
      if (this.#isStrict && transport === 'tcp') {
        return draft.fail(isSame ? 'STRICT_REPETITION' : 'STRICT_REDEFINITION', at, setId)
      }
      if (isSame) {
        draft.addDefine(templateId, at, known)
        return undefined
      }
    }
    const fault = this.#check(isV9)
    if (fault !== undefined) {
      draft.addReject(fault, templateId, at)
      return undefined
    }
    if (this.#hasElementZero()) draft.addNote('ELEMENT_ZERO', at, setId)
    draft.addDefine(templateId, at, this.#intern(scopeCount, draft))
    return undefined
  }

  #intern(scopeCount: number, draft: MessageDraft): Layout {
    const fields: FieldSpecifier[] = []
    for (let index = 0; index < this.#fields; index++) {
      fields.push({ pen: this.#pens[index], id: this.#ids[index], length: this.#lengths[index] })
    }
    const layout = this.#layouts.intern(fields, scopeCount)
    draft.made(layout)
    return layout
  }

  #isSame(layout: Layout, scopeCount: number): boolean {
    const { fields } = layout
    if (fields.length !== this.#fields || layout.scopeCount !== scopeCount) return false
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index]
      if (field.id !== this.#ids[index] || field.length !== this.#lengths[index]) return false
      if (field.pen !== this.#pens[index]) return false
    }
    return true
  }

  /** Why this definition cannot be used, whatever is well-formed about it. */
  #check(isV9: boolean): FaultCode | undefined {
    if (this.#fields > this.#limits.fieldsPerTemplate) return 'FIELD_LIMIT'
    let octets = 0
    for (let index = 0; index < this.#fields; index++) {
      const length = this.#lengths[index]
      if (length === VARIABLE_LENGTH && isV9) return 'V9_VARIABLE'
      octets += length === VARIABLE_LENGTH ? 1 : length
    }
    if (octets === 0) return 'RECORD_EMPTY'
    if (octets > longestRecord) return 'RECORD_TOO_LONG'
    if (isV9) return undefined
    for (let index = 0; index < this.#fields; index++) {
      const element = this.#registry.get(this.#pens[index], this.#ids[index])
      if (element !== undefined && !isLegalLength(element.type, this.#lengths[index])) return 'ILLEGAL_LENGTH'
    }
    return undefined
  }

  #hasElementZero(): boolean {
    for (let index = 0; index < this.#fields; index++) if (this.#ids[index] === 0) return true
    return false
  }
}
