import fc from 'fast-check'
import { REVERSE_PEN, VARIABLE_LENGTH, isInteger, isListType, naturalLength } from '@weir/ipfix'
import type { FieldSpecifier, Layout } from '@weir/ipfix'
import type { EntryContext, IpfixPlan, JsonPlan, Timestamps } from '../../src/index.ts'
import { contextOf, layoutOf, layouts, registry } from './programs.ts'

// Elements that a rule names come often, all others now and then.
const named = [
  1, 2, 4, 6, 7, 8, 10, 12, 14, 21, 22, 27, 28, 34, 35, 48, 49, 50, 56, 82, 90, 94, 143, 144, 145, 149, 150, 151, 152,
  153, 154, 155, 156, 157, 158, 159, 160, 173, 210, 258, 276, 291, 292, 293, 302, 304, 305, 306, 311, 403, 404, 405, 434
]
const all = [...registry.values()].map(({ pen, id }) => ({ pen, id }))
const element = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...named).map(id => ({ pen: 0, id })) },
  { weight: 1, arbitrary: fc.constantFrom(...named).map(id => ({ pen: REVERSE_PEN, id })) },
  { weight: 2, arbitrary: fc.constantFrom(...all) },
  {
    weight: 1,
    arbitrary: fc.record({ pen: fc.constantFrom(9, 32473, 4294967295), id: fc.integer({ min: 1, max: 32767 }) })
  }
)

const specifier: fc.Arbitrary<FieldSpecifier> = element.chain(({ pen, id }) =>
  lengthOf(pen, id).map(length => ({ pen, id, length }))
)

function lengthOf(pen: number, id: number): fc.Arbitrary<number> {
  const type = registry.get(pen, id)?.type ?? 'octetArray'
  const natural = naturalLength(type)
  // Of an illegal length, as NetFlow v9 may have them, or of none.
  const odd = { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 }) }
  if (natural === VARIABLE_LENGTH) {
    return fc.oneof(
      { weight: 5, arbitrary: fc.constant(VARIABLE_LENGTH) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 200 }) },
      odd
    )
  }
  const reduced = isInteger(type) ? fc.integer({ min: 1, max: natural }) : fc.constant(natural)
  return fc.oneof({ weight: 5, arbitrary: fc.constant(natural) }, { weight: 4, arbitrary: reduced }, odd)
}

const inner: Record<number, Layout> = {
  256: layoutOf('8:4 12:4'),
  257: layoutOf('82:65535 292:65535 145:2'),
  258: layoutOf('70:3 70:3 291:65535')
}

export const layout: fc.Arbitrary<Layout> = fc
  .tuple(fc.array(specifier, { minLength: 1, maxLength: 14 }), fc.constantFrom(0, 0, 1, 2))
  .filter(([fields]) => fields.some(({ length }) => length > 0))
  .map(([fields, scopeCount]) => layouts.intern(fields, Math.min(scopeCount, fields.length)))

/** Octets of one value; `depth` bounds lists within lists. */
function valueOf(pen: number, id: number, length: number, depth: number): fc.Arbitrary<number[]> {
  const type = registry.get(pen, id)?.type ?? 'octetArray'
  const isText = type === 'string'
  const size = length === VARIABLE_LENGTH ? {} : { minLength: length, maxLength: length }
  const octet = fc.oneof(fc.constantFrom(0, 1, 2, 255, 128), fc.integer({ min: 0, max: 255 }))
  const any = fc.array(isText ? fc.oneof(octet, fc.integer({ min: 32, max: 126 })) : octet, { maxLength: 300, ...size })
  if (length !== VARIABLE_LENGTH) return any
  const list =
    isListType(type) && depth > 0
      ? fc.oneof({ weight: 4, arbitrary: listOf(type, depth) }, { weight: 1, arbitrary: any })
      : any
  return fc.tuple(list, fc.boolean()).map(([octets, isLong]) => [...prefixOf(octets.length, isLong), ...octets])
}

const prefixOf = (length: number, isLong: boolean): number[] =>
  length > 254 || isLong ? [255, length >>> 8, length & 255] : [length]

function listOf(type: string, depth: number): fc.Arbitrary<number[]> {
  if (type === 'basicList') {
    return fc.constantFrom([0, 14, 0, 4], [0, 82, 255, 255], [0, 145, 0, 2], [1, 36, 255, 255]).chain(header => {
      const id = header[0] * 256 + header[1]
      const length = header[2] * 256 + header[3]
      return fc.array(valueOf(0, id, length, depth - 1), { maxLength: 3 }).map(items => [3, ...header, ...items.flat()])
    })
  }
  const content = fc.constantFrom(256, 257, 258, 999).chain(id => {
    const record = fc.tuple(
      ...(inner[id] ?? inner[256]).fields.map(field => valueOf(0, field.id, field.length, depth - 1))
    )
    return fc.array(record, { maxLength: 2 }).map(records => ({ id, octets: records.flat(2) }))
  })
  if (type === 'subTemplateList') return content.map(({ id, octets }) => [4, id >>> 8, id & 255, ...octets])
  return fc
    .array(content, { maxLength: 3 })
    .map(entries => [
      255,
      ...entries.flatMap(({ id, octets }) => [
        id >>> 8,
        id & 255,
        (octets.length + 4) >>> 8,
        (octets.length + 4) & 255,
        ...octets
      ])
    ])
}

const records = (shape: Layout): fc.Arbitrary<{ octets: Uint8Array; count: number }> =>
  fc
    .array(fc.tuple(...shape.fields.map(({ pen, id, length }) => valueOf(pen, id, length, 3))), { maxLength: 4 })
    .map(list => ({ octets: new Uint8Array(list.flat(2)), count: list.length }))

/** A Layout and up to four records of it. */
export const input = layout.chain(shape => records(shape).map(({ octets, count }) => ({ shape, octets, count })))

/** A context with any clock, sampling and version. */
export const context: fc.Arbitrary<EntryContext> = fc
  .record({
    exporterAddress: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    exporterIsIPv6: fc.boolean(),
    odid: fc.integer({ min: 0, max: 0xffffffff }),
    version: fc.constantFrom(5, 9, 10),
    exportTimeSec: fc.integer({ min: 0, max: 0xffffffff }),
    receivedAtMs: fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constant(1_700_000_000_000.75)),
    bootTimeMs: fc.oneof(fc.constant(NaN), fc.integer({ min: -5e9, max: 2e12 })),
    samplingRate: fc.constantFrom(0, 1, 100, 0xffffffff, 2 ** 40),
    samplingOrigin: fc.integer({ min: 0, max: 5 }),
    hasInterfaceRates: fc.boolean()
  })
  .map(values =>
    contextOf({
      ...values,
      samplingRateOf: id => (id < 100 ? id : 0),
      samplingRateOfInterface: ifIndex => (ifIndex % 3) * 7,
      templateIds: { exportedId: id => id, layoutOf: id => inner[id] }
    })
  )

const timestamps = fc.constantFrom<Timestamps>('milliseconds', 'nanoseconds', 'preserve')
export const ipfixPlan: fc.Arbitrary<IpfixPlan> = fc.record({
  kind: fc.constant('ipfix' as const),
  timestamps,
  lineage: fc.boolean(),
  sampling: fc.boolean()
})
export const jsonPlan: fc.Arbitrary<JsonPlan> = fc.record({
  kind: fc.constant('json' as const),
  numbers64: fc.constantFrom('number' as const, 'string' as const),
  timestamps,
  lineage: fc.boolean(),
  sampling: fc.boolean()
})
