import { JsonReader, RecordReader } from '@weir/ipfix'
import type { CaptureDecoder, CapturedMessage, DataSetView, JsonOptions, JsonRecord, MessageHeader } from '@weir/ipfix'

/** One record and where it came from. */
export interface DecodedRecord {
  /** Address of the exporter, or null if the input does not say (files of payloads). */
  readonly exporter: string | null
  readonly exporterPort: number | null
  readonly version: number
  readonly odid: number
  readonly templateId: number
  readonly exportTimeSec: number
  /** Names of the scope fields; empty for a record that is not of options. */
  readonly scope: readonly string[]
  /** Values by element name, in the order of the template. */
  readonly values: JsonRecord
}

/** Makes objects of the records of a Data Set: the slow way, for people and for pipes. */
export class RecordMaker {
  readonly #decoder: CaptureDecoder
  readonly #options: JsonOptions

  constructor(decoder: CaptureDecoder, options: JsonOptions) {
    this.#decoder = decoder
    this.#options = options
  }

  /** @yields one object for each record; while the decoder's visitor is being told of the Data Set. */
  *recordsOf(message: CapturedMessage, header: MessageHeader, set: DataSetView): Generator<DecodedRecord> {
    const { octets, source } = message
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const { elements, templates } = this.#decoder
    const reader = new RecordReader(elements)
    const json = new JsonReader(elements, this.#options)
    const { layout, templateId } = set
    const scope = layout.fields.slice(0, layout.scopeCount).map(({ pen, id }) => {
      return elements.get(pen, id, header.version)?.name ?? `ie_${pen}_${id}`
    })
    const isKnown = source.address !== ''
    reader.open(layout, view, set.offset, set.lengthOctets, header.version)
    while (reader.nextRecord()) {
      yield {
        exporter: isKnown ? source.address : null,
        exporterPort: isKnown ? source.port : null,
        version: header.version,
        odid: header.odid,
        templateId,
        exportTimeSec: header.exportTimeSec,
        scope,
        values: json.record(reader, octets, view, templates)
      }
    }
  }
}

/** Export Time as text: UTC, seconds. */
export function exportTimeText(exportTimeSec: number): string {
  return new Date(exportTimeSec * 1000).toISOString().replace('.000Z', 'Z')
}
