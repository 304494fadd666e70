import assert from 'node:assert/strict'

export interface ReadTemplate {
  readonly id: number
  readonly scopeCount: number
  readonly fields: readonly { readonly pen: number; readonly id: number; readonly length: number }[]
  readonly exportTimeSec: number
}

export interface ReadRecord {
  readonly templateId: number
  readonly isOptions: boolean
  /** Value octets by `id` or `pen.id`; the last of equal ones. */
  readonly values: ReadonlyMap<string, Uint8Array>
}

export interface ReadMessage {
  readonly lengthOctets: number
  readonly exportTimeSec: number
  readonly sequence: number
  readonly odid: number
  readonly templates: readonly ReadTemplate[]
  readonly withdrawals: readonly number[]
  readonly records: readonly ReadRecord[]
}

const UDP_REUSE_SEC = 1_799

/**
 * A downstream collector of few lines that knows nothing of Weir's own decoder and forgives nothing: data without a template,
 * a sequence that skips, a length that is wrong, an Export Time that goes back are all failed assertions (RFC 7011 §3, §8).
 */
export class StrictReader {
  readonly messages: ReadMessage[] = []
  readonly #templates = new Map<number, Map<number, ReadTemplate>>()
  readonly #sequences = new Map<number, number>()
  readonly #isUdp: boolean
  #lastExportTimeSec = 0

  constructor(transport: 'udp' | 'tcp' | 'file', firstSequence?: ReadonlyMap<number, number>) {
    this.#isUdp = transport === 'udp'
    for (const [odid, sequence] of firstSequence ?? []) this.#sequences.set(odid, sequence)
  }

  get records(): ReadRecord[] {
    return this.messages.flatMap(({ records }) => records)
  }

  /** Template ids live in one domain now. */
  liveIds(odid = 0): number[] {
    return [...(this.#templates.get(odid)?.keys() ?? [])]
  }

  /** One whole Message. */
  read(octets: Uint8Array): ReadMessage {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    assert.ok(octets.length >= 16, 'a Message has a header')
    assert.equal(view.getUint16(0), 10)
    assert.equal(view.getUint16(2), octets.length, 'Length is that of the Message')
    const exportTimeSec = view.getUint32(4)
    const sequence = view.getUint32(8)
    const odid = view.getUint32(12)
    assert.ok(exportTimeSec >= this.#lastExportTimeSec, 'Export Time does not go back')
    this.#lastExportTimeSec = exportTimeSec
    const message = {
      lengthOctets: octets.length,
      exportTimeSec,
      sequence,
      odid,
      templates: [] as ReadTemplate[],
      withdrawals: [] as number[],
      records: [] as ReadRecord[]
    }
    assert.equal(sequence, this.#sequences.get(odid) ?? 0, 'the sequence number counts the Data Records before')
    let at = 16
    while (at < octets.length) {
      assert.ok(at + 4 < octets.length, 'a Set has a header and something in it')
      const setId = view.getUint16(at)
      const end = at + view.getUint16(at + 2)
      assert.ok(end <= octets.length && end > at + 4, 'a Set ends within its Message and is not empty')
      if (setId === 2 || setId === 3) this.#readTemplates(view, at + 4, end, setId === 3, message)
      else this.#readRecords(octets, view, at + 4, end, setId, message)
      at = end
    }
    this.#sequences.set(odid, (sequence + message.records.length) >>> 0)
    this.messages.push(message)
    return message
  }

  /** Several whole Messages behind each other. */
  readAll(octets: Uint8Array): void {
    for (let at = 0; at < octets.length;) {
      const length = (octets[at + 2]! << 8) | octets[at + 3]!
      this.read(octets.subarray(at, at + length))
      at += length
    }
  }

  #readTemplates(
    view: DataView,
    start: number,
    end: number,
    isOptions: boolean,
    message: { odid: number; exportTimeSec: number; templates: ReadTemplate[]; withdrawals: number[] }
  ): void {
    const domain = this.#templates.get(message.odid) ?? new Map<number, ReadTemplate>()
    this.#templates.set(message.odid, domain)
    let at = start
    while (at < end) {
      const id = view.getUint16(at)
      const count = view.getUint16(at + 2)
      assert.ok(id >= 256)
      at += 4
      if (count === 0) {
        assert.ok(!this.#isUdp, 'no withdrawals over UDP (RFC 7011 §8.4)')
        assert.ok(domain.delete(id), 'only what was announced is withdrawn')
        message.withdrawals.push(id)
        continue
      }
      let scopeCount = 0
      if (isOptions) {
        scopeCount = view.getUint16(at)
        assert.ok(scopeCount > 0 && scopeCount <= count)
        at += 2
      }
      const fields = []
      for (let index = 0; index < count; index++) {
        const raw = view.getUint16(at)
        const length = view.getUint16(at + 2)
        at += 4
        let pen = 0
        if (raw & 0x8000) {
          pen = view.getUint32(at)
          at += 4
        }
        fields.push({ pen, id: raw & 0x7fff, length })
      }
      const template = { id, scopeCount, fields, exportTimeSec: message.exportTimeSec }
      const known = domain.get(id)
      // Over UDP an id may mean something else once it was not announced for three refresh intervals (RFC 7011 §8.4).
      const isReused =
        this.#isUdp && known !== undefined && message.exportTimeSec - known.exportTimeSec >= UDP_REUSE_SEC
      if (known !== undefined && !isReused) {
        assert.deepEqual(known.fields, fields, 'an id that is live means the same when it is announced again')
        assert.equal(known.scopeCount, scopeCount)
      }
      domain.set(id, template)
      message.templates.push(template)
    }
    assert.equal(at, end)
  }

  #readRecords(
    octets: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    setId: number,
    message: { odid: number; exportTimeSec: number; records: ReadRecord[] }
  ): void {
    const template: ReadTemplate | undefined = this.#templates.get(message.odid)?.get(setId)
    assert.ok(template !== undefined, `data of template ${setId} come after the template`)
    let at = start
    while (at < end) {
      const values = new Map<string, Uint8Array>()
      for (const { pen, id, length } of template.fields) {
        let size: number = length
        if (length === 65_535) {
          size = octets[at++]!
          if (size === 255) {
            size = view.getUint16(at)
            at += 2
          }
        }
        assert.ok(at + size <= end, 'a record ends within its Set')
        values.set(pen === 0 ? `${id}` : `${pen}.${id}`, octets.slice(at, at + size))
        at += size
      }
      message.records.push({ templateId: setId, isOptions: template.scopeCount > 0, values })
    }
  }
}

/** Unsigned value of a field. */
export function numberOf(record: ReadRecord, name: string): number {
  let value = 0
  for (const octet of record.values.get(name) ?? assert.fail(`no field ${name}`)) value = value * 256 + octet
  return value
}
