import { InvariantBreach } from './invariant-breach.ts'
import { VARIABLE_LENGTH } from '@weir/ipfix'
import type { Layout } from '@weir/ipfix'
import type { FixedValue, InputValue, Place } from './operation.ts'

/** Where each field of a Layout stands in a record. */
export interface InputPlaces {
  readonly values: readonly InputValue[]
  readonly variables: readonly Place[]
  readonly end: Place
}

/** Places of a Layout's fields; those behind a variable-length field are told from its end (RFC 7011 §7). */
export function inputPlaces(layout: Layout): InputPlaces {
  const values: InputValue[] = []
  const variables: Place[] = []
  let anchor = 0
  let offset = 0
  for (const { length } of layout.fields) {
    if (length === VARIABLE_LENGTH) {
      variables.push({ anchor, offset })
      values.push({ variable: anchor })
      anchor++
      offset = 0
    } else {
      values.push({ anchor, offset, length })
      offset += length
    }
  }
  return { values, variables, end: { anchor, offset } }
}

/** A field that is known to be of fixed length. */
export function fixedValue(value: InputValue): FixedValue {
  if ('variable' in value) throw new InvariantBreach('a fixed-length field is needed here')
  return value
}
