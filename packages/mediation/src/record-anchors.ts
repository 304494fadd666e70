import type { Place } from './operation.ts'

/** Where a record ends and its variable-length fields stand: what a Layout says of it. */
export interface RecordShape {
  readonly variables: readonly Place[]
  readonly end: Place
}

/** The least octets behind each anchor: what must be there before the next prefix is read. */
export function restAfterAnchors({ variables, end }: RecordShape): number[] {
  const rest = [end.offset]
  for (let anchor = variables.length - 1; anchor >= 0; anchor--) {
    rest.unshift(rest[0] + 1 + variables[anchor].offset)
  }
  return rest
}

/** Finds the anchors of one record after the other, for the interpreters. One object, reused. */
export class RecordAnchors {
  readonly #shape: RecordShape
  readonly #rest: readonly number[]
  readonly #anchors: Float64Array
  /** Of the values of variable-length fields. */
  readonly begins: Float64Array
  /** Where variable-length fields begin. */
  readonly prefixes: Float64Array
  view: DataView = new DataView(new ArrayBuffer(0))

  constructor(shape: RecordShape) {
    this.#shape = shape
    this.#rest = restAfterAnchors(shape)
    this.#anchors = new Float64Array(shape.variables.length + 1)
    this.begins = new Float64Array(shape.variables.length)
    this.prefixes = new Float64Array(shape.variables.length)
  }

  /** Find the anchors of the record at `p`; false if it is not whole. */
  enter(p: number, inEnd: number): boolean {
    const { variables } = this.#shape
    this.#anchors[0] = p
    if (p + this.#rest[0] > inEnd) return false
    for (let index = 0; index < variables.length; index++) {
      const prefix = this.at(variables[index])
      let begin = prefix + 1
      let length = this.view.getUint8(prefix)
      if (length === 255) {
        if (prefix + 3 > inEnd) return false
        length = this.view.getUint16(begin)
        begin += 2
      }
      this.prefixes[index] = prefix
      this.begins[index] = begin
      this.#anchors[index + 1] = begin + length
      if (begin + length + this.#rest[index + 1] > inEnd) return false
    }
    return true
  }

  /** Where the record ends. */
  get end(): number {
    return this.at(this.#shape.end)
  }

  at({ anchor, offset }: Place): number {
    return this.#anchors[anchor] + offset
  }

  /** Octets of a variable-length value. */
  lengthOf(variable: number): number {
    return this.#anchors[variable + 1] - this.begins[variable]
  }

  /** Octets of a variable-length field, prefix included. */
  sizeOf(variable: number): number {
    return this.#anchors[variable + 1] - this.prefixes[variable]
  }
}
