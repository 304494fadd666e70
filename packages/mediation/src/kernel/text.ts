import { readSigned, readUnsigned } from './integer.ts'
import { writeBoolean, writeHex, writeIPv4, writeIPv6, writeMac } from './text-address.ts'
import {
  writeFloat,
  writeSigned,
  writeSigned64Text,
  writeUnsigned,
  writeUnsigned256,
  writeUnsigned64Text
} from './text-number.ts'
import { writeString } from './text-string.ts'
import { writeMicrosecondsText, writeMillisecondsText, writeNanosecondsText, writeSecondsText } from './text-time.ts'
import type { TextWriter } from '../operation.ts'
import type { EntryContext } from '../program.ts'

/** Every writer but those of lists. */
export type ScalarWriter = Exclude<TextWriter, 'basicList' | 'subTemplateList' | 'subTemplateMultiList'>

/**
 * Write a value by the name of its writer: what compiled code does by calling the writer itself.
 *
 * @param length - octets of the value; 0 only for `hex` and `string`.
 * @param limit - for the writers whose text depends on the octets: hex and string.
 * @returns the end, or -1 if that is beyond `limit`.
 */
export function writeScalar(
  writer: ScalarWriter,
  view: DataView,
  at: number,
  length: number,
  outView: DataView,
  q: number,
  limit: number,
  context: EntryContext
): number {
  switch (writer) {
    case 'unsigned':
      return writeUnsigned(outView, q, readUnsigned(view, at, length))
    case 'unsigned64':
      return writeUnsigned64Text(view, at, length, outView, q)
    case 'signed':
      if (length > 4) return writeSigned64Text(view, at, length, outView, q)
      return writeSigned(outView, q, readSigned(view, at, length))
    case 'float':
      return writeFloat(view, at, length, outView, q)
    case 'boolean':
      return writeBoolean(view, at, outView, q)
    case 'ipv4':
      return writeIPv4(outView, q, view.getInt32(at))
    case 'ipv6':
      return writeIPv6(view, at, outView, q)
    case 'mac':
      return writeMac(view, at, outView, q)
    case 'seconds':
      return writeSecondsText(view, at, outView, q, context)
    case 'milliseconds':
      return writeMillisecondsText(view, at, outView, q)
    case 'microseconds':
      return writeMicrosecondsText(view, at, outView, q, context)
    case 'nanoseconds':
      return writeNanosecondsText(view, at, outView, q, context)
    case 'hex':
      return writeHex(view, at, length, outView, q, limit)
    case 'string':
      return writeString(view, at, length, outView, q, limit)
    case 'unsigned256':
      return writeUnsigned256(view, at, length, outView, q)
  }
}
