const QUOTE = 34
const APOSTROPHE = 39
const REPLACEMENT = '\ufffd'

/** TH-41: how text begins that a spreadsheet takes for a formula; full-width forms too, which some turn into the others. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/
/** Characters that only a quoted field may have, and spaces at its ends, which some readers cut off. */
const QUOTED = /[",\r\n]|^\s|\s$/

/** By octet: 1 where ASCII text needs to be looked at closely. */
const isSpecial = new Uint8Array(256).map((_, octet) => {
  const text = String.fromCharCode(octet)
  return octet >= 127 || octet < 32 || '",=+-@ '.includes(text) ? 1 : 0
})

/**
 * Write the text of a string element as one field, without the NUL octets that fill it up; what is not UTF-8, and NUL within
 * it, is U+FFFD.
 *
 * @returns the end: at most three times as many octets, and 8 more.
 */
export function writeCsvText(
  from: Uint8Array,
  begin: number,
  end: number,
  out: Uint8Array,
  q: number,
  isPrefixed: boolean
): number {
  let last = end
  while (last > begin && from[last - 1] === 0) last--
  let at = begin
  while (at < last && isSpecial[from[at]] === 0) at++
  if (at === last) {
    for (let n = begin; n < last; n++) out[q + n - begin] = from[n]
    return q + last - begin
  }
  return writeSpecial(Buffer.from(from.buffer, from.byteOffset + begin, last - begin), out, q, isPrefixed)
}

function writeSpecial(octets: Buffer, out: Uint8Array, q: number, isPrefixed: boolean): number {
  let text = octets.toString('utf8').replaceAll('\0', REPLACEMENT)
  const needsPrefix = isPrefixed && FORMULA.test(text)
  const isQuoted = QUOTED.test(text) || needsPrefix
  if (isQuoted) text = text.replaceAll('"', '""')
  let at = q
  if (isQuoted) out[at++] = QUOTE
  if (needsPrefix) out[at++] = APOSTROPHE
  at += encoder.encodeInto(text, out.subarray(at)).written
  if (isQuoted) out[at++] = QUOTE
  return at
}

const encoder = new TextEncoder()
