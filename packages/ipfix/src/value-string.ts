const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The text of a string value: UTF-8 without the NUL octets at its end, which fill strings of fixed length
 * (RFC 7011 §6.1.6). What it holds is data of an exporter: escape it where it is written (RFC 7373 §4.7).
 *
 * @returns undefined if it is not well-formed UTF-8: such a value is ignored and its octets are kept.
 */
export function readString(octets: Uint8Array, offset: number, length: number): string | undefined {
  let end = offset + length
  while (end > offset && octets[end - 1] === 0) end--
  try {
    return strict.decode(octets.subarray(offset, end))
  } catch {
    return undefined
  }
}

// Controls, line and paragraph separators, the marks that turn the direction of text, quote and backslash.
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f"\\\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/**
 * A string for one line of a log, a terminal or a report: controls, separators, marks of direction, `"` and `\` become
 * JSON escapes. JSON itself needs no more than `JSON.stringify`.
 */
export function escapeText(text: string): string {
  return text.replace(unsafe, char => {
    if (char === '"' || char === '\\') return `\\${char}`
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
