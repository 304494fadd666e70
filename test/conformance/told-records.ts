import { ElementRegistry, JsonReader, RecordReader } from '@weir/ipfix'
import { octetsOf, TestSession } from '@weir/ipfix/testing'
import { vector } from './vectors.ts'
import type { DataSetView, ElementLookup, FaultCode, MessageHeader, MessageVisitor } from '@weir/ipfix'
import type { MessageBuilder, TestSessionOptions } from '@weir/ipfix/testing'

/** A vector by its name, octets in hexadecimal or as they are, or a builder. */
export type Told = string | Uint8Array | MessageBuilder

const standard = ElementRegistry.standard()

/** Reads every Data Record as JSON at the moment it is told: lists by the templates as they stand then (RFC 6313 §6). */
class TellingSession implements MessageVisitor {
  readonly records: unknown[] = []
  readonly faults: string[] = []
  readonly #session: TestSession
  readonly #reader: RecordReader
  readonly #json: JsonReader
  #octets: Uint8Array = new Uint8Array(0)
  #header: MessageHeader | undefined

  constructor(options: TestSessionOptions, elements: ElementLookup) {
    this.#session = new TestSession(options)
    this.#reader = new RecordReader(elements)
    this.#json = new JsonReader(elements, { nowMs: Date.UTC(2026, 6, 22) })
  }

  decode(octets: Uint8Array): void {
    const { decoder, transport, nowMs } = this.#session
    this.#octets = octets
    this.#json.beginMessage()
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    decoder.decode(octets, view, 0, octets.length, transport, this.#session, nowMs, this)
  }

  onMessage(header: MessageHeader): void {
    this.#header = header
  }

  onDataSet({ layout, offset, lengthOctets }: DataSetView): void {
    const octets = this.#octets
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    const { version = 10, odid = 0 } = this.#header ?? {}
    const templates = this.#session.domain(odid)
    this.#reader.open(layout, view, offset, lengthOctets, version)
    while (this.#reader.nextRecord()) {
      const record = this.#json.record(this.#reader, octets, view, templates)
      this.records.push(JSON.parse(JSON.stringify(record)))
    }
  }

  onFault(code: FaultCode, _offset: number, setId: number): void {
    this.faults.push(`${code} ${setId}`)
  }

  onTemplate(): void {}
  onUnknownSet(): void {}
}

/** Decode Messages one after another in one session. @returns all their records as JSON, and the faults. */
export function tell(
  messages: readonly Told[],
  options: TestSessionOptions = {},
  elements: ElementLookup = options.registry ?? standard
): { records: unknown[]; faults: string[] } {
  const session = new TellingSession(options, elements)
  for (const message of messages) session.decode(octetsOfTold(message))
  return { records: session.records, faults: session.faults }
}

/** The records of Messages in which nothing is odd. */
export function recordsOf(...messages: readonly Told[]): unknown[] {
  const { records, faults } = tell(messages)
  if (faults.length > 0) throw new Error(`faults: ${faults.join(', ')}`)
  return records
}

function octetsOfTold(message: Told): Uint8Array {
  if (typeof message === 'string') return /^V\d\d/.test(message) ? vector(message) : octetsOf(message)
  return message instanceof Uint8Array ? message : message.octets()
}
