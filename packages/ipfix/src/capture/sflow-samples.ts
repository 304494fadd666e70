const HEADER_OCTETS_BEFORE_AGENT = 8
const HEADER_OCTETS_BEHIND_AGENT = 16
const ADDRESS_IPV4 = 1
const ADDRESS_IPV6 = 2
/** A datagram that claims more is malformed (goflow2's bound, CVE-2022-2529). */
const MAX_SAMPLES = 1000

/**
 * Number of samples in an sFlow version 5 datagram, or -1 if it is malformed: a sample count past 1000 or past what the
 * rest can hold, a sample that runs past the datagram. Walks the sample headers only; nothing is allocated by a count.
 *
 * @see sFlow Version 5, "sFlow Datagram Format"
 */
export function countSflowSamples(octets: Uint8Array): number {
  if (octets.length < HEADER_OCTETS_BEFORE_AGENT) return -1
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const addressType = view.getUint32(4)
  const addressOctets = addressType === ADDRESS_IPV4 ? 4 : addressType === ADDRESS_IPV6 ? 16 : -1
  const body = HEADER_OCTETS_BEFORE_AGENT + addressOctets + HEADER_OCTETS_BEHIND_AGENT
  if (addressOctets < 0 || body > octets.length) return -1
  const samples = view.getUint32(body - 4)
  if (samples > MAX_SAMPLES || samples > (octets.length - body) / 8) return -1
  let at = body
  for (let index = 0; index < samples; index++) {
    if (at + 8 > octets.length) return -1
    at += 8 + view.getUint32(at + 4)
    if (at > octets.length) return -1
  }
  return samples
}
