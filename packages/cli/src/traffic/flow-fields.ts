import type { FieldSpecifier } from '@weir/ipfix'
import { GENERATOR_ID, GROUND_TRUTH_PEN, SERIAL_ID, V9_GENERATOR_TYPE, V9_SERIAL_TYPE } from './ground-truth.ts'

/** What a value of a generated record is made of. */
export type FlowValue =
  | 'sourceAddress'
  | 'destinationAddress'
  | 'sourcePort'
  | 'destinationPort'
  | 'protocol'
  | 'small'
  | 'interface'
  | 'octets'
  | 'packets'
  | 'start'
  | 'end'
  | 'as'
  | 'maskLength'
  | 'generator'
  | 'serial'

/** One field of a generated record. `id` is a v9 type in NetFlow v9. */
export interface FlowField extends FieldSpecifier {
  readonly value: FlowValue
}

const field = (id: number, length: number, value: FlowValue, pen = 0): FlowField => ({ pen, id, length, value })

const common: readonly FlowField[] = [
  field(8, 4, 'sourceAddress'),
  field(12, 4, 'destinationAddress'),
  field(7, 2, 'sourcePort'),
  field(11, 2, 'destinationPort'),
  field(4, 1, 'protocol'),
  field(5, 1, 'small'),
  field(6, 1, 'small'),
  field(10, 4, 'interface'),
  field(14, 4, 'interface'),
  field(1, 8, 'octets'),
  field(2, 8, 'packets'),
  field(16, 4, 'as'),
  field(17, 4, 'as'),
  field(9, 1, 'maskLength'),
  field(13, 1, 'maskLength')
]

/** Fields that only some templates have, so that templates differ in more than their order. */
const extras: readonly FlowField[] = [field(61, 1, 'small'), field(58, 2, 'sourcePort'), field(136, 1, 'small')]

/** The fields of template number `index`, 77 to 81 octets in IPFIX: ever other order, the ground truth always last. */
export function flowFields(version: 9 | 10, index: number): readonly FlowField[] {
  const times =
    version === 10 ? [field(152, 8, 'start'), field(153, 8, 'end')] : [field(22, 4, 'start'), field(21, 4, 'end')]
  const truth =
    version === 10
      ? [field(GENERATOR_ID, 4, 'generator', GROUND_TRUTH_PEN), field(SERIAL_ID, 8, 'serial', GROUND_TRUTH_PEN)]
      : [field(V9_GENERATOR_TYPE, 4, 'generator'), field(V9_SERIAL_TYPE, 8, 'serial')]
  const turn = index % common.length
  const optional = extras.filter((_, bit) => ((Math.floor(index / common.length) >> bit) & 1) === 1)
  return [...common.slice(turn), ...common.slice(0, turn), ...times, ...optional, ...truth]
}
