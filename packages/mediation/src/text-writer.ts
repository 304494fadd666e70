import { isListType } from '@weir/ipfix'
import type { DataType, InformationElement } from '@weir/ipfix'
import type { TextWriter } from './operation.ts'

const byType: Readonly<Record<DataType, TextWriter>> = {
  octetArray: 'hex',
  unsigned8: 'unsigned',
  unsigned16: 'unsigned',
  unsigned32: 'unsigned',
  unsigned64: 'unsigned64',
  signed8: 'signed',
  signed16: 'signed',
  signed32: 'signed',
  signed64: 'signed',
  float32: 'float',
  float64: 'float',
  boolean: 'boolean',
  macAddress: 'mac',
  string: 'string',
  dateTimeSeconds: 'seconds',
  dateTimeMilliseconds: 'milliseconds',
  dateTimeMicroseconds: 'microseconds',
  dateTimeNanoseconds: 'nanoseconds',
  ipv4Address: 'ipv4',
  ipv6Address: 'ipv6',
  basicList: 'basicList',
  subTemplateList: 'subTemplateList',
  subTemplateMultiList: 'subTemplateMultiList',
  unsigned256: 'unsigned256'
}

/** How values of an element become text; values of a length that its type cannot have, and unknown ones, are hex. */
export function textWriterOf(element: InformationElement | undefined, isLegal: boolean): TextWriter {
  return element === undefined || !isLegal ? 'hex' : byType[element.type]
}

const mostOctets: Readonly<Partial<Record<TextWriter, number>>> = {
  unsigned: 16,
  unsigned64: 20,
  signed: 21,
  float: 26,
  boolean: 16,
  ipv4: 15,
  ipv6: 45,
  mac: 17,
  seconds: 30,
  milliseconds: 30,
  microseconds: 32,
  nanoseconds: 34,
  unsigned256: 78
}

/** Most octets that a writer writes, or undefined if that depends on the value's octets: then it is given a limit. */
export function mostTextOctets(writer: TextWriter): number | undefined {
  return mostOctets[writer]
}

/** Whether a value stands in quotes that its writer does not write. */
export function isQuoted(
  writer: TextWriter,
  element: InformationElement | undefined,
  areNumbers64Text: boolean
): boolean {
  if (writer === 'ipv4' || writer === 'ipv6' || writer === 'mac' || writer === 'hex') return true
  const type = element?.type
  return areNumbers64Text && (type === 'unsigned64' || type === 'signed64' || type === 'unsigned256')
}

/** True for the writers of lists. */
export function isListWriter(writer: TextWriter): writer is 'basicList' | 'subTemplateList' | 'subTemplateMultiList' {
  return isListType(writer as DataType)
}

/** The JSON key of an element: its name, or `en<PEN>:id<N>` if nobody has named it. */
export function keyOf(pen: number, id: number, element: InformationElement | undefined): string {
  return element?.name ?? `en${pen}:id${id}`
}
