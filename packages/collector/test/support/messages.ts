import { buildMessage, buildV9 } from '@weir/ipfix/testing'

/** Template 256: sourceIPv4Address and packetDeltaCount of 4 octets. */
export const FIELDS = '8:4 2:4'

export const templateMessage = (odid = 1, templateId = 256): Uint8Array =>
  buildMessage({ odid }).template(templateId, FIELDS).octets()

/** One record for each value, as the second field. */
export function dataMessage(
  values: readonly number[],
  header: { odid?: number; sequence?: number } = {},
  id = 256
): Uint8Array {
  return buildMessage(header)
    .data(id, ...values.map(recordHex))
    .octets()
}

/** The octets of one record of template 256. */
export const recordHex = (value: number): string => `c0000201${value.toString(16).padStart(8, '0')}`

/** Both, v9. */
export const v9TemplateMessage = (odid = 1, sequence = 0): Uint8Array =>
  buildV9({ odid, sequence }).template(256, FIELDS).octets()
export const v9DataMessage = (values: readonly number[], odid = 1, sequence = 0): Uint8Array =>
  buildV9({ odid, sequence })
    .data(256, ...values.map(recordHex))
    .octets()
