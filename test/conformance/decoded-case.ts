import { CaptureDecoder, RecordReader, valueToJson } from '@weir/ipfix'
import { messagesOf } from './capture-cases.ts'
import type { CaptureVisitor, DataType, JsonValue, Layout } from '@weir/ipfix'
import type { CaptureCase } from './capture-cases.ts'

/** One field of a record, as octets and as the value that they are. */
export interface DecodedField {
  readonly pen: number
  readonly id: number
  /** Element name, or `ie_<pen>_<id>`. */
  readonly name: string
  readonly type: DataType
  /** Octets of the value, without the prefix of a variable length. */
  readonly hex: string
  /** Lists as octets. */
  readonly value: JsonValue
}

/** One Data Set, its template known or (`records` undefined) not. */
export interface DecodedSet {
  readonly templateId: number
  readonly records: readonly (readonly DecodedField[])[] | undefined
}

export interface DecodedTemplate {
  readonly templateId: number
  readonly layout: Layout
}

export interface DecodedMessage {
  readonly version: number
  readonly lengthOctets: number
  readonly exportTimeSec: number
  readonly sequence: number
  readonly odid: number
  readonly bootTimeMs: number
  readonly source: string
  readonly isMalformed: boolean
  readonly templates: readonly DecodedTemplate[]
  readonly sets: readonly DecodedSet[]
}

/** Every Message of a case with all values, sFlow left out. */
export function* decodedMessagesOf(case_: CaptureCase): Generator<DecodedMessage> {
  const decoder = new CaptureDecoder()
  const reader = new RecordReader(decoder.registry)
  for (const message of messagesOf(case_)) {
    const { octets } = message
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const hex = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
    const templates: DecodedTemplate[] = []
    const sets: DecodedSet[] = []
    let header = { version: 0, lengthOctets: octets.length, exportTimeSec: 0, sequence: 0, odid: 0, bootTimeMs: 0 }
    const visitor: CaptureVisitor = {
      onMessage: seen => {
        header = { ...seen }
      },
      onTemplate: ({ change, templateId, layout }) => {
        if (change === 'learned' || change === 'refreshed' || change === 'redefined')
          templates.push({ templateId, layout })
      },
      onUnknownSet: ({ templateId }) => {
        sets.push({ templateId, records: undefined })
      },
      onFault: (code, _offset, setId) => {
        if (code === 'REJECTED_TEMPLATE') sets.push({ templateId: setId, records: undefined })
      },
      onDataSet: ({ templateId, layout, offset, lengthOctets }) => {
        const records: DecodedField[][] = []
        reader.open(layout, view, offset, lengthOctets, header.version)
        while (reader.nextRecord()) records.push(fieldsOf(reader, octets, view, hex))
        sets.push({ templateId, records })
      }
    }
    const before = decoder.summary.malformedMessages
    decoder.decode(message, visitor)
    const isMalformed = decoder.summary.malformedMessages > before
    yield { ...header, source: message.source.address, isMalformed, templates, sets }
  }
}

function fieldsOf(reader: RecordReader, octets: Uint8Array, view: DataView, hex: Buffer): DecodedField[] {
  const fields: DecodedField[] = []
  while (reader.nextField()) {
    const { pen, id, type, offset, length, element } = reader
    const name = element?.name ?? `ie_${pen}_${id}`
    const value = valueToJson(type, octets, view, offset, length, { nowMs: 1.7e12, numbers64: 'string' })
    fields.push({ pen, id, name, type, hex: hex.toString('hex', offset, offset + length), value })
  }
  return fields
}
