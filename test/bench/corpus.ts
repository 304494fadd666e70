/**
 * The corpus of the system benchmarks: IPFIX Data Records of 20 fields and 74 octets, 18 a Message, 2048 distinct Messages
 * (the shape that docs/explanation/performance.md compares with peers). The same octets at every run.
 */
export const RECORD_OCTETS = 74
export const RECORDS_PER_MESSAGE = 18
const MESSAGES = 2048
const fields: readonly (readonly [id: number, octets: number])[] = [
  [8, 4],
  [12, 4],
  [15, 4],
  [10, 4],
  [14, 4],
  [2, 8],
  [1, 8],
  [152, 8],
  [153, 8],
  [7, 2],
  [11, 2],
  [4, 1],
  [6, 1],
  [5, 1],
  [9, 1],
  [13, 1],
  [136, 1],
  [16, 4],
  [17, 4],
  [34, 4]
]

/** Octets of one Message of data. */
export const MESSAGE_OCTETS = 16 + 4 + RECORDS_PER_MESSAGE * RECORD_OCTETS

export interface Corpus {
  /** A Message that defines every template. Sequence number 0, Observation Domain 0. */
  readonly templates: Uint8Array
  /** Messages one behind the other, {@link MESSAGE_OCTETS} each; sequence and Export Time are for the sender to set. */
  readonly messages: Uint8Array
  readonly count: number
}

/** @param templates - distinct layouts: the same fields, each template begins at another one. */
export function makeCorpus(templates: number): Corpus {
  let state = 0x2545f491
  const random = (bound: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
  const messages = new Uint8Array(MESSAGES * MESSAGE_OCTETS)
  const view = new DataView(messages.buffer)
  for (let message = 0; message < MESSAGES; message++) {
    const start = message * MESSAGE_OCTETS
    const template = message % templates
    view.setUint16(start, 10)
    view.setUint16(start + 2, MESSAGE_OCTETS)
    view.setUint16(start + 16, 256 + template)
    view.setUint16(start + 18, MESSAGE_OCTETS - 16)
    let at = start + 20
    for (let record = 0; record < RECORDS_PER_MESSAGE; record++) {
      for (let field = 0; field < fields.length; field++) {
        const [id, octets] = fields[(field + template * 3) % fields.length]!
        writeField(view, at, id, octets, random)
        at += octets
      }
    }
  }
  return { templates: templateMessage(templates), messages, count: MESSAGES }
}

function writeField(view: DataView, at: number, id: number, octets: number, random: (bound: number) => number): void {
  const nowMs = 1_767_225_600_000
  if (id === 152 || id === 153) view.setBigUint64(at, BigInt(nowMs + random(60_000)))
  else if (octets === 8) view.setBigUint64(at, BigInt(1 + random(1_000_000)))
  else if (octets === 4)
    view.setUint32(at, id === 8 || id === 12 ? 0x0a000000 + random(0xffffff) : id === 34 ? 1000 : random(65_000))
  else if (octets === 2) view.setUint16(at, random(65_536))
  else view.setUint8(at, id === 4 ? (random(3) === 0 ? 17 : 6) : random(32))
}

function templateMessage(templates: number): Uint8Array {
  const octets = 16 + 4 + templates * (4 + fields.length * 4)
  const message = new Uint8Array(octets)
  const view = new DataView(message.buffer)
  view.setUint16(0, 10)
  view.setUint16(2, octets)
  view.setUint16(16, 2)
  view.setUint16(18, octets - 16)
  let at = 20
  for (let template = 0; template < templates; template++) {
    view.setUint16(at, 256 + template)
    view.setUint16(at + 2, fields.length)
    at += 4
    for (let field = 0; field < fields.length; field++) {
      const [id, length] = fields[(field + template * 3) % fields.length]!
      view.setUint16(at, id)
      view.setUint16(at + 2, length)
      at += 4
    }
  }
  return message
}
