import { flowFields, type FlowField } from './flow-fields.ts'
import { SeededRandom } from './random.ts'

export interface FlowExporterOptions {
  readonly version: 5 | 9 | 10
  /** Goes into every record, and is the Observation Domain id too. */
  readonly generatorId: number
  readonly templates: number
  /** Data Records in a Message, at most; fewer if they would not fit `maxMessageOctets`. */
  readonly recordsPerMessage: number
  readonly maxMessageOctets: number
  readonly seed: number
}

const FIRST_TEMPLATE_ID = 256
const HEADER_OCTETS = { 5: 24, 9: 20, 10: 16 } as const
const V5_RECORD_OCTETS = 48
/** sysUpTime of a v5 or v9 exporter when it starts. */
const UPTIME_AT_START_MS = 3_600_000

interface Template {
  readonly id: number
  readonly fields: readonly FlowField[]
  readonly recordOctets: number
  readonly records: number
}

/**
 * An exporter made up: writes Messages whose records are realistic in form and depend on the seed alone, times apart.
 * Sequence numbers are right for the version. v5 has no room for the ground truth: the source address carries the
 * generator's id, the octets the serial's low 32 bits.
 */
export class FlowExporter {
  readonly generatorId: number
  /** Serial of the next record; so many records were made. */
  serial = 0
  messages = 0
  readonly #version: 5 | 9 | 10
  readonly #templates: readonly Template[]
  readonly #maxMessageOctets: number
  readonly #random: SeededRandom
  readonly #startMs: number
  #sequence = 0
  #turn = 0

  /** @param startMs - the wall clock now; sysUpTime counts from an hour before. */
  constructor(options: FlowExporterOptions, startMs: number) {
    const { version, templates, recordsPerMessage, maxMessageOctets } = options
    this.generatorId = options.generatorId
    this.#version = version
    this.#maxMessageOctets = maxMessageOctets
    this.#startMs = startMs
    this.#random = new SeededRandom(options.seed + options.generatorId * 7919)
    const room = maxMessageOctets - HEADER_OCTETS[version] - 4 - 3
    this.#templates = Array.from({ length: version === 5 ? 1 : templates }, (_, index) => {
      const fields = version === 5 ? [] : flowFields(version, index)
      const recordOctets = version === 5 ? V5_RECORD_OCTETS : fields.reduce((sum, { length }) => sum + length, 0)
      const most = version === 5 ? 30 : Math.floor(room / recordOctets)
      return {
        id: FIRST_TEMPLATE_ID + index,
        fields,
        recordOctets,
        records: Math.max(1, Math.min(recordsPerMessage, most))
      }
    })
  }

  /** Most octets of the next Message. */
  get maxMessageOctets(): number {
    return this.#maxMessageOctets
  }

  /** A new Transport Session over TCP: sequence numbers begin again (RFC 7011 §10.4.4 leaves templates to be sent again). */
  restartSession(): void {
    this.#sequence = 0
  }

  /** Write Messages with every template. @returns the ends of the Messages in `view`, ascending; none for v5. */
  writeTemplates(view: DataView, offset: number, nowMs: number): number[] {
    if (this.#version === 5) return []
    const ends: number[] = []
    let at = offset
    let next = 0
    while (next < this.#templates.length) {
      const start = at
      at = start + HEADER_OCTETS[this.#version] + 4
      let count = 0
      while (next < this.#templates.length) {
        const { id, fields } = this.#templates[next]
        if (count > 0 && at - start + 4 + 8 * fields.length > this.#maxMessageOctets) break
        at = writeTemplate(view, at, id, fields)
        next++
        count++
      }
      const setAt = start + HEADER_OCTETS[this.#version]
      view.setUint16(setAt, this.#version === 9 ? 0 : 2)
      view.setUint16(setAt + 2, at - setAt)
      this.#writeHeader(view, start, at - start, count, 0, nowMs)
      ends.push(at)
    }
    return ends
  }

  /**
   * Write the next Message of Data Records; templates take turns.
   *
   * @param most - records at most.
   * @returns its end in `view`; `serial` has moved by its records.
   */
  writeMessage(view: DataView, offset: number, nowMs: number, most: number): number {
    const template = this.#templates[this.#turn]
    this.#turn = (this.#turn + 1) % this.#templates.length
    const records = Math.min(template.records, most)
    let at = offset + HEADER_OCTETS[this.#version] + (this.#version === 5 ? 0 : 4)
    for (let record = 0; record < records; record++) {
      at =
        this.#version === 5 ? this.#writeV5Record(view, at, nowMs) : this.#writeRecord(view, at, template.fields, nowMs)
      this.serial++
    }
    if (this.#version !== 5) {
      const setAt = offset + HEADER_OCTETS[this.#version]
      // RFC 3954 §5.3: v9 Sets end at a 32-bit boundary; in IPFIX padding is not needed.
      while (this.#version === 9 && (at - setAt) % 4 !== 0) view.setUint8(at++, 0)
      view.setUint16(setAt, template.id)
      view.setUint16(setAt + 2, at - setAt)
    }
    this.#writeHeader(view, offset, at - offset, records, records, nowMs)
    return at
  }

  #writeHeader(
    view: DataView,
    offset: number,
    lengthOctets: number,
    count: number,
    dataRecords: number,
    nowMs: number
  ): void {
    const version = this.#version
    this.messages++
    view.setUint16(offset, version)
    if (version === 10) {
      view.setUint16(offset + 2, lengthOctets)
      view.setUint32(offset + 4, Math.floor(nowMs / 1000))
      view.setUint32(offset + 8, this.#sequence)
      view.setUint32(offset + 12, this.generatorId)
      this.#sequence = (this.#sequence + dataRecords) >>> 0
      return
    }
    view.setUint16(offset + 2, count)
    view.setUint32(offset + 4, this.#uptimeMs(nowMs))
    view.setUint32(offset + 8, Math.floor(nowMs / 1000))
    if (version === 9) {
      view.setUint32(offset + 12, this.#sequence)
      view.setUint32(offset + 16, this.generatorId)
      this.#sequence = (this.#sequence + 1) >>> 0
      return
    }
    view.setUint32(offset + 12, (nowMs % 1000) * 1_000_000)
    view.setUint32(offset + 16, this.#sequence)
    view.setUint8(offset + 20, (this.generatorId >> 8) & 255)
    view.setUint8(offset + 21, this.generatorId & 255)
    view.setUint16(offset + 22, 0)
    this.#sequence = (this.#sequence + dataRecords) >>> 0
  }

  #uptimeMs(nowMs: number): number {
    return (nowMs - this.#startMs + UPTIME_AT_START_MS) >>> 0
  }

  #writeRecord(view: DataView, offset: number, fields: readonly FlowField[], nowMs: number): number {
    const random = this.#random.next()
    let at = offset
    for (const { length, value } of fields) {
      this.#writeValue(view, at, length, value, random, nowMs)
      at += length
    }
    return at
  }

  #writeValue(
    view: DataView,
    at: number,
    length: number,
    value: FlowField['value'],
    random: number,
    nowMs: number
  ): void {
    switch (value) {
      case 'serial':
        view.setUint32(at, Math.floor(this.serial / 2 ** 32))
        return view.setUint32(at + 4, this.serial >>> 0)
      case 'generator':
        return view.setUint32(at, this.generatorId)
      case 'sourceAddress':
        return view.setUint32(at, 0x0a000000 | (random & 0xffffff))
      case 'destinationAddress':
        return view.setUint32(at, 0xc6120000 + (random >>> 15))
      case 'sourcePort':
        return view.setUint16(at, 1024 + (random % 60_000))
      case 'destinationPort':
        return view.setUint16(at, (random & 3) === 0 ? 53 : 443)
      case 'protocol':
        return view.setUint8(at, (random & 3) === 0 ? 17 : 6)
      case 'small':
        return view.setUint8(at, random & 31)
      case 'maskLength':
        return view.setUint8(at, 8 + (random % 25))
      case 'interface':
        return view.setUint32(at, 1 + (random & 15))
      case 'as':
        return view.setUint32(at, 64_496 + (random & 15))
      case 'packets':
      case 'octets':
        view.setUint32(at, 0)
        return view.setUint32(at + 4, (1 + (random & 1023)) * (value === 'packets' ? 1 : 64 + (random >>> 22)))
      default:
        return this.#writeTime(view, at, length, nowMs - (value === 'start' ? 1000 + (random & 4095) : random & 511))
    }
  }

  #writeTime(view: DataView, at: number, length: number, timeMs: number): void {
    if (length === 4) return view.setUint32(at, this.#uptimeMs(timeMs))
    view.setUint32(at, Math.floor(timeMs / 2 ** 32))
    view.setUint32(at + 4, timeMs >>> 0)
  }

  /** Cisco's table of v5: addresses, next hop, interfaces, packets, octets, first, last, ports, flags, AS, masks. */
  #writeV5Record(view: DataView, offset: number, nowMs: number): number {
    const random = this.#random.next()
    view.setUint32(offset, this.generatorId)
    view.setUint32(offset + 4, 0xc6120000 + (random >>> 15))
    view.setUint32(offset + 8, 0)
    view.setUint16(offset + 12, 1 + (random & 15))
    view.setUint16(offset + 14, 2)
    view.setUint32(offset + 16, 1 + (random & 1023))
    view.setUint32(offset + 20, this.serial >>> 0)
    view.setUint32(offset + 24, this.#uptimeMs(nowMs - 1000 - (random & 4095)))
    view.setUint32(offset + 28, this.#uptimeMs(nowMs - (random & 511)))
    view.setUint16(offset + 32, 1024 + (random % 60_000))
    view.setUint16(offset + 34, (random & 3) === 0 ? 53 : 443)
    view.setUint32(offset + 36, (random & 3) === 0 ? 0x00001100 : 0x001b0600)
    view.setUint16(offset + 40, 64_496)
    view.setUint16(offset + 42, 64_497)
    view.setUint32(offset + 44, 0x18180000)
    return offset + V5_RECORD_OCTETS
  }
}

function writeTemplate(view: DataView, offset: number, id: number, fields: readonly FlowField[]): number {
  view.setUint16(offset, id)
  view.setUint16(offset + 2, fields.length)
  let at = offset + 4
  for (const { pen, id: element, length } of fields) {
    view.setUint16(at, pen === 0 ? element : element | 0x8000)
    view.setUint16(at + 2, length)
    at += 4
    if (pen === 0) continue
    view.setUint32(at, pen)
    at += 4
  }
  return at
}
