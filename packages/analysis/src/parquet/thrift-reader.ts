import { ParquetFault } from './parquet-fault.ts'

/** A value of Thrift's compact protocol; structs by field id. */
export type ThriftRead = boolean | number | Uint8Array | readonly ThriftRead[] | ReadonlyMap<number, ThriftRead>
export type ThriftFields = ReadonlyMap<number, ThriftRead>

const MAX_DEPTH = 16

/** Reads structs in Thrift's compact protocol. What cannot be read is a ParquetFault; nothing is made by a length alone. */
export class ThriftReader {
  /** Where the next octet is read. */
  at = 0
  readonly #octets: Uint8Array

  constructor(octets: Uint8Array) {
    this.#octets = octets
  }

  struct(depth = 0): ThriftFields {
    if (depth > MAX_DEPTH) throw new ParquetFault('its metadata is nested too deep')
    const fields = new Map<number, ThriftRead>()
    let id = 0
    for (;;) {
      const header = this.#octet()
      if (header === 0) return fields
      const step = header >> 4
      id = step === 0 ? this.#zigZag() : id + step
      fields.set(id, this.#value(header & 15, depth, true))
    }
  }

  #value(type: number, depth: number, isField: boolean): ThriftRead {
    switch (type) {
      case 1:
      case 2:
        return (isField ? type : this.#octet()) === 1
      case 3:
        return this.#octet()
      case 4:
      case 5:
      case 6:
        return this.#zigZag()
      case 7:
        this.#take(8)
        return 0
      case 8:
        return this.#take(this.#varint())
      case 9:
      case 10:
        return this.#list(depth + 1)
      case 12:
        return this.struct(depth + 1)
      default:
        throw new ParquetFault('its metadata has a value of an unknown type')
    }
  }

  #list(depth: number): ThriftRead[] {
    if (depth > MAX_DEPTH) throw new ParquetFault('its metadata is nested too deep')
    const header = this.#octet()
    const length = header >> 4 === 15 ? this.#varint() : header >> 4
    const list: ThriftRead[] = []
    // Each value takes an octet at least, so that a length beyond the octets ends by a fault.
    for (let n = 0; n < length; n++) list.push(this.#value(header & 15, depth, false))
    return list
  }

  #octet(): number {
    if (this.at >= this.#octets.length) throw new ParquetFault('its metadata is cut')
    return this.#octets[this.at++]
  }

  #take(length: number): Uint8Array {
    if (length > this.#octets.length - this.at) throw new ParquetFault('its metadata is cut')
    this.at += length
    return this.#octets.subarray(this.at - length, this.at)
  }

  #varint(): number {
    let value = 0
    let factor = 1
    for (let n = 0; n < 8; n++) {
      const octet = this.#octet()
      value += (octet & 127) * factor
      if (octet < 128) return value
      factor *= 128
    }
    throw new ParquetFault('its metadata has a number that is too large')
  }

  #zigZag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
