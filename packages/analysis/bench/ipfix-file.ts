/** 20 fields, 74 octets, as the corpus of the mediation benchmarks. */
const fields: readonly (readonly [id: number, length: number])[] = [
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
const RECORD_OCTETS = 74
const RECORDS_PER_MESSAGE = 18
const START_MS = 1_767_225_600_000
const ports = [80, 443, 53, 22, 123, 25, 8080, 3389]

/** An IPFIX File (RFC 5655) of so many records of so many pairs of addresses, some of them far more often than others. */
export function ipfixFileOf(records: number, pairs: number): Uint8Array {
  const templateOctets = 16 + 4 + 4 + 4 * fields.length
  const messages = Math.ceil(records / RECORDS_PER_MESSAGE)
  const octets = Buffer.alloc(templateOctets + messages * 20 + records * RECORD_OCTETS)
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const random = makeRandom()
  let at = header(view, 0, templateOctets, 0, 0)
  at = words(view, at, [2, templateOctets - 16, 256, fields.length, ...fields.flat()])
  for (let done = 0; done < records;) {
    const count = Math.min(RECORDS_PER_MESSAGE, records - done)
    at = header(view, at, 20 + count * RECORD_OCTETS, done, done)
    at = words(view, at, [256, 4 + count * RECORD_OCTETS])
    for (let record = 0; record < count; record++) at = writeRecord(view, at, done + record, random, pairs)
    done += count
  }
  return octets
}

function header(view: DataView, at: number, length: number, sequence: number, record: number): number {
  view.setUint16(at, 10)
  view.setUint16(at + 2, length)
  view.setUint32(at + 4, START_MS / 1000 + Math.floor(record / 1000) + 60)
  view.setUint32(at + 8, sequence)
  view.setUint32(at + 12, 1)
  return at + 16
}

function words(view: DataView, at: number, values: readonly number[]): number {
  for (const [index, value] of values.entries()) view.setUint16(at + 2 * index, value)
  return at + 2 * values.length
}

function writeRecord(view: DataView, from: number, record: number, random: () => number, pairs: number): number {
  const startMs = START_MS + record + (random() % 5000)
  const pair = Math.floor(pairs * (random() / 2 ** 32) ** 3)
  let at = from
  for (const [id, length] of fields) {
    if (id === 8) view.setUint32(at, 0x0a000000 + (pair % 30_011))
    else if (id === 12) view.setUint32(at, 0x0b000000 + (Math.floor(pair / 7) % 5003))
    else if (id === 152) view.setBigUint64(at, BigInt(startMs))
    else if (id === 153) view.setBigUint64(at, BigInt(startMs + (random() % 60_000)))
    else if (id === 34) view.setUint32(at, 1000)
    else if (id === 11) view.setUint16(at, ports[random() % ports.length])
    else if (id === 7) view.setUint16(at, 1024 + (random() % 60_000))
    else if (id === 4) view.setUint8(at, random() % 3 === 0 ? 17 : 6)
    else if (length === 8) view.setBigUint64(at, BigInt(1 + (random() % (id === 1 ? 280_000 : 200))))
    else if (length === 4) view.setUint32(at, 1 + (random() % 64))
    else view.setUint8(at, 8 + (random() % 25))
    at += length
  }
  return at
}

function makeRandom(): () => number {
  let state = 88_172_645
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
