const types = { true: 1, false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const

/** A value of Parquet's metadata. */
export type ThriftValue =
  | { readonly i32: number }
  | { readonly i64: number }
  | { readonly text: string }
  | { readonly binary: Uint8Array }
  | { readonly flag: boolean }
  | { readonly list: readonly ThriftValue[] }
  | { readonly struct: ThriftStruct }

/** Fields by their id; undefined ones are left out. Ids ascend. */
export type ThriftStruct = Readonly<Record<number, ThriftValue | undefined>>

const utf8 = new TextEncoder()

/** Octets of a struct in Thrift's compact protocol, as Parquet has its metadata. */
export function thriftOctets(struct: ThriftStruct): Uint8Array {
  const octets: number[] = []
  writeStruct(octets, struct)
  return Uint8Array.from(octets)
}

function writeStruct(octets: number[], struct: ThriftStruct): void {
  let last = 0
  for (const [key, value] of Object.entries(struct)) {
    if (value === undefined) continue
    const id = Number(key)
    const step = id - last
    const type = typeOf(value)
    if (step > 15) octets.push(type, ...zigZag(id))
    else octets.push((step << 4) | type)
    last = id
    if (!('flag' in value)) writeValue(octets, value)
  }
  octets.push(0)
}

function typeOf(value: ThriftValue): number {
  if ('flag' in value) return value.flag ? types.true : types.false
  if ('i32' in value) return types.i32
  if ('i64' in value) return types.i64
  if ('list' in value) return types.list
  return 'struct' in value ? types.struct : types.binary
}

function writeValue(octets: number[], value: ThriftValue): void {
  if ('i32' in value) octets.push(...zigZag(value.i32))
  else if ('i64' in value) octets.push(...zigZag(value.i64))
  else if ('struct' in value) writeStruct(octets, value.struct)
  else if ('list' in value) writeList(octets, value.list)
  else if ('flag' in value) octets.push(value.flag ? types.true : types.false)
  else {
    const content = 'text' in value ? utf8.encode(value.text) : value.binary
    octets.push(...varint(content.length))
    for (const octet of content) octets.push(octet)
  }
}

function writeList(octets: number[], list: readonly ThriftValue[]): void {
  const type = list.length === 0 ? types.i32 : typeOf(list[0])
  if (list.length < 15) octets.push((list.length << 4) | type)
  else octets.push(0xf0 | type, ...varint(list.length))
  for (const each of list) writeValue(octets, each)
}

/** Safe integers; Parquet's counts are no larger. */
const zigZag = (value: number): number[] => varint(value < 0 ? -2 * value - 1 : 2 * value)

/** Base 128, low groups first. */
export function varint(value: number): number[] {
  const octets: number[] = []
  let rest = value
  while (rest > 127) {
    octets.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  octets.push(rest)
  return octets
}
