import type { FieldSpecifier, Layout } from '@weir/ipfix'

/*
 * What `weir generate` writes into a record is a function of 32 random bits, of which the two addresses carry all. So a
 * record tells by itself whether it was decoded rightly: every other value must be what these bits make of it.
 */
const GROUND_TRUTH_PEN = 32_473
const SOURCE = 0x0a000000
const DESTINATION = 0xc6120000

/** Makes a value of the random bits; 64-bit values are below 2^53. */
type Formula = (random: number) => number

const packets: Formula = random => 1 + (random & 1023)
const interfaceOf: Formula = random => 1 + (random & 15)
const asOf: Formula = random => 64_496 + (random & 15)
const small: Formula = random => random & 31
const maskLength: Formula = random => 8 + (random % 25)

/** Element id, octets, formula. */
const formulas: readonly (readonly [id: number, octets: number, formula: Formula])[] = [
  [8, 4, random => SOURCE + (random & 0xffffff)],
  [12, 4, random => DESTINATION + (random >>> 15)],
  [7, 2, random => 1024 + (random % 60_000)],
  [11, 2, random => ((random & 3) === 0 ? 53 : 443)],
  [4, 1, random => ((random & 3) === 0 ? 17 : 6)],
  [5, 1, small],
  [6, 1, small],
  [10, 4, interfaceOf],
  [14, 4, interfaceOf],
  [1, 8, random => packets(random) * (64 + (random >>> 22))],
  [2, 8, packets],
  [16, 4, asOf],
  [17, 4, asOf],
  [9, 1, maskLength],
  [13, 1, maskLength]
]

const OTHERS: readonly FieldSpecifier[] = [
  { pen: 0, id: 153, length: 8 },
  { pen: GROUND_TRUTH_PEN, id: 1, length: 4 },
  { pen: GROUND_TRUTH_PEN, id: 2, length: 8 }
]

/** Fields of a template: in another order for each `turn`, of one length all, so that one taken for another gives wrong values. */
export function truthFields(turn: number): readonly FieldSpecifier[] {
  const fields = formulas.map(([id, length]) => ({ pen: 0, id, length }))
  const first = turn % fields.length
  return [...fields.slice(first), ...fields.slice(0, first), ...OTHERS]
}

/** Octets of a record of {@link truthFields}. */
export const TRUTH_OCTETS = truthFields(0).reduce((sum, { length }) => sum + length, 0)

/** Write one record. */
export function writeTruth(
  view: DataView,
  offset: number,
  fields: readonly FieldSpecifier[],
  record: { readonly generator: number; readonly serial: number; readonly random: number; readonly nowMs: number }
): void {
  let at = offset
  for (const { pen, id, length } of fields) {
    if (pen === GROUND_TRUTH_PEN) writeNumber(view, at, length, id === 1 ? record.generator : record.serial)
    else if (id === 153) writeNumber(view, at, length, record.nowMs - (record.random & 511))
    else writeNumber(view, at, length, formulas.find(formula => formula[0] === id)![2](record.random))
    at += length
  }
}

/** What a record says of itself. */
export interface Truth {
  generator: number
  serial: number
  /** When it was written, milliseconds since 1970 UTC. */
  writtenMs: number
}

/**
 * Reads records of one Layout.
 *
 * @param into - filled by each call.
 * @returns undefined if the record is right, else what is wrong.
 */
export type TruthReader = (view: DataView, offset: number, into: Truth) => string | undefined

/** @returns undefined if the Layout lacks what records of the generator have. */
export function truthReader(layout: Layout): TruthReader | undefined {
  const places = new Map<string, { at: number; length: number }>()
  let at = 0
  for (const { pen, id, length } of layout.fields) {
    places.set(`${pen}/${id}`, { at, length })
    at += length
  }
  // Numbers may come at another length than they were written with.
  const [generator, serial, written] = [places.get('32473/1'), places.get('32473/2'), places.get('0/153')]
  const checks = formulas.flatMap(([id, , formula]) => {
    const place = places.get(`0/${id}`)
    return place === undefined ? [] : [{ id, formula, ...place }]
  })
  const isFixed = layout.recordLength >= 0 && generator?.length === 4 && serial?.length === 8 && written?.length === 8
  if (!isFixed || checks.length < formulas.length) return undefined
  const [source, destination] = checks
  return (view, offset, into) => {
    const low = view.getUint32(offset + source.at) - SOURCE
    const high = view.getUint32(offset + destination.at) - DESTINATION
    const random = (high * 0x8000 + (low & 0x7fff)) >>> 0
    into.generator = view.getUint32(offset + generator.at)
    into.serial = readNumber(view, offset + serial.at, 8)
    into.writtenMs = readNumber(view, offset + written.at, 8) + (random & 511)
    for (const { id, length, formula, at: valueAt } of checks) {
      const value = readNumber(view, offset + valueAt, length)
      if (value !== formula(random)) return `element ${id} of record ${into.generator}/${into.serial} is ${value}`
    }
    return undefined
  }
}

function writeNumber(view: DataView, at: number, length: number, value: number): void {
  if (length === 1) view.setUint8(at, value)
  else if (length === 2) view.setUint16(at, value)
  else if (length === 4) view.setUint32(at, value)
  else view.setBigUint64(at, BigInt(value))
}

function readNumber(view: DataView, at: number, length: number): number {
  if (length === 1) return view.getUint8(at)
  if (length === 2) return view.getUint16(at)
  if (length === 4) return view.getUint32(at)
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}
