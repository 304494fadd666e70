import { fieldsOf } from './fields.ts'
import { numberOctets, octetsOf } from './octets.ts'
import type { FieldSpecifier } from '../layout.ts'

/** Header of a built Message; right where nothing is said. */
export interface BuilderHeader {
  /** 10 (default) or 9. */
  readonly version?: 9 | 10
  readonly exportTimeSec?: number
  readonly sequence?: number
  readonly odid?: number
  /** v9: milliseconds since the exporter started. */
  readonly sysUpTimeMs?: number
}

/** What a built Message says against the truth. All but the first two concern the Set or record added last. */
export interface Lies {
  readonly version?: number
  /** Length of the header, or (v9) its Count. */
  readonly messageLength?: number
  readonly setId?: number
  readonly setLength?: number
  readonly templateId?: number
  readonly fieldCount?: number
  /** Scope Field Count, or (v9) Option Scope Length. */
  readonly scopeCount?: number
  /** v9: Option Length. */
  readonly optionLength?: number
}

/** Fields as text (see {@link fieldsOf}) or as they are. */
export type Fields = string | readonly FieldSpecifier[]

/** Octets as hexadecimal text or as they are. */
export type Octets = string | Uint8Array | readonly number[]

interface BuiltSet {
  id: number
  octets: number[]
  length?: number
  /** Where the last record begins in `octets`. */
  recordAt: number
}

const fieldList = (fields: Fields): readonly FieldSpecifier[] =>
  typeof fields === 'string' ? fieldsOf(fields) : fields
const octetList = (octets: Octets): ArrayLike<number> => (typeof octets === 'string' ? octetsOf(octets) : octets)

/**
 * Builds one IPFIX Message or NetFlow v9 packet for tests: right by default, and lying on request. Records of one kind
 * go into one Set while they follow each other; `newSet()` parts them.
 */
export class MessageBuilder {
  readonly #header: Required<BuilderHeader>
  readonly #sets: BuiltSet[] = []
  readonly #tail: number[] = []
  #lies: Lies = {}
  #records = 0
  #isNewSet = false

  constructor(header: BuilderHeader = {}) {
    this.#header = {
      version: 10,
      exportTimeSec: 1_700_000_000,
      sequence: 0,
      odid: 1,
      sysUpTimeMs: 3_600_000,
      ...header
    }
  }

  /** A Template Record. */
  template(templateId: number, fields: Fields): this {
    const list = fieldList(fields)
    const isV9 = this.#header.version === 9
    this.#record(isV9 ? 0 : 2, [...numberOctets(templateId, 2), ...numberOctets(list.length, 2), ...this.#fields(list)])
    return this
  }

  /** An Options Template Record whose first `scopeCount` fields are scope fields. */
  optionsTemplate(templateId: number, scopeCount: number, fields: Fields): this {
    const list = fieldList(fields)
    const isV9 = this.#header.version === 9
    const counts = isV9 ? [4 * scopeCount, 4 * (list.length - scopeCount)] : [list.length, scopeCount]
    this.#record(isV9 ? 1 : 3, [
      ...numberOctets(templateId, 2),
      ...numberOctets(counts[0], 2),
      ...numberOctets(counts[1], 2),
      ...this.#fields(list)
    ])
    return this
  }

  /** Withdraw a template; ids 2 and 3 withdraw all of their kind. */
  withdraw(templateId: number, setId: 2 | 3 = templateId === 3 ? 3 : 2): this {
    this.#record(setId, [...numberOctets(templateId, 2), 0, 0])
    return this
  }

  /** Data Records, each as its octets. */
  data(templateId: number, ...records: Octets[]): this {
    for (const record of records) this.#record(templateId, octetList(record))
    if (records.length === 0) this.#record(templateId, [], 0)
    return this
  }

  /** A Set with any id and body, always a new one. */
  set(setId: number, body: Octets): this {
    this.newSet().#record(setId, octetList(body), 0)
    return this
  }

  /** The next record begins a new Set. */
  newSet(): this {
    this.#isNewSet = true
    return this
  }

  /** Pad the last Set. */
  pad(count: number, octet = 0): this {
    const set = this.#last()
    for (let at = 0; at < count; at++) set.octets.push(octet)
    return this
  }

  /** Octets behind the last Set; they do not count in the Message's Length. */
  trail(octets: Octets): this {
    this.#tail.push(...Array.from(octetList(octets)))
    return this
  }

  lie(lies: Lies): this {
    this.#lies = { ...this.#lies, ...lies }
    const { setId, setLength, templateId, fieldCount, scopeCount, optionLength } = lies
    if (setId !== undefined) this.#last().id = setId
    if (setLength !== undefined) this.#last().length = setLength
    const isV9 = this.#header.version === 9
    if (templateId !== undefined) this.#patch(0, templateId)
    if (fieldCount !== undefined) this.#patch(2, fieldCount)
    if (scopeCount !== undefined) this.#patch(isV9 ? 2 : 4, scopeCount)
    if (optionLength !== undefined) this.#patch(4, optionLength)
    return this
  }

  octets(): Uint8Array {
    const body: number[] = []
    for (const set of this.#sets) {
      body.push(...numberOctets(set.id, 2), ...numberOctets(set.length ?? set.octets.length + 4, 2))
      for (const octet of set.octets) body.push(octet)
    }
    const header = this.#header.version === 9 ? this.#v9Header() : this.#ipfixHeader(body.length)
    return Uint8Array.from([...header, ...body, ...this.#tail])
  }

  #ipfixHeader(bodyOctets: number): number[] {
    const { exportTimeSec, sequence, odid } = this.#header
    return [
      ...numberOctets(this.#lies.version ?? 10, 2),
      ...numberOctets(this.#lies.messageLength ?? bodyOctets + 16, 2),
      ...numberOctets(exportTimeSec, 4),
      ...numberOctets(sequence, 4),
      ...numberOctets(odid, 4)
    ]
  }

  #v9Header(): number[] {
    const { exportTimeSec, sequence, odid, sysUpTimeMs } = this.#header
    return [
      ...numberOctets(this.#lies.version ?? 9, 2),
      ...numberOctets(this.#lies.messageLength ?? this.#records, 2),
      ...numberOctets(sysUpTimeMs, 4),
      ...numberOctets(exportTimeSec, 4),
      ...numberOctets(sequence, 4),
      ...numberOctets(odid, 4)
    ]
  }

  /** In v9 a PEN stands for the vendor types: it is not written. */
  #fields(fields: readonly FieldSpecifier[]): number[] {
    const isV9 = this.#header.version === 9
    return fields.flatMap(({ pen, id, length }) => [
      ...numberOctets(pen === 0 ? id : id | 0x8000, 2),
      ...numberOctets(length, 2),
      ...(pen === 0 || isV9 ? [] : numberOctets(pen, 4))
    ])
  }

  #record(setId: number, octets: ArrayLike<number>, count = 1): void {
    let set = this.#sets.at(-1)
    if (set === undefined || set.id !== setId || this.#isNewSet) {
      set = { id: setId, octets: [], recordAt: 0 }
      this.#sets.push(set)
      this.#isNewSet = false
    }
    set.recordAt = set.octets.length
    for (let at = 0; at < octets.length; at++) set.octets.push(octets[at])
    this.#records += count
  }

  #patch(into: number, value: number): void {
    const set = this.#last()
    const [high, low] = numberOctets(value, 2)
    set.octets[set.recordAt + into] = high
    set.octets[set.recordAt + into + 1] = low
  }

  #last(): BuiltSet {
    const set = this.#sets.at(-1)
    if (set === undefined) throw new TypeError('the Message has no Set yet')
    return set
  }
}

/** Begin an IPFIX Message. */
export function buildMessage(header: Omit<BuilderHeader, 'version'> = {}): MessageBuilder {
  return new MessageBuilder(header)
}

/** Begin a NetFlow v9 packet. */
export function buildV9(header: Omit<BuilderHeader, 'version'> = {}): MessageBuilder {
  return new MessageBuilder({ ...header, version: 9 })
}
