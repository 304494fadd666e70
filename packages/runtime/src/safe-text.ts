/** Characters of a text value that go into a log line; the rest is cut (TH-39). */
const MAX_VALUE_CHARS = 256

// C0, DEL, C1, the line separators and the bidirectional controls: what can move a cursor, split a line or turn text around.
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const escapeCharacter = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * Text from outside made fit for a log line or a terminal: control, separator and bidirectional characters as `\uXXXX`, lone
 * surrogates replaced, cut at `maxChars` with an ellipsis.
 */
export function safeText(text: string, maxChars: number = MAX_VALUE_CHARS): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text
  return cut.toWellFormed().replace(unsafe, escapeCharacter)
}

const MAX_DEPTH = 6
const MAX_ENTRIES = 64

/** A value made fit for a log line: {@link safeText} for each text in it, bounded depth and entries, no bigint. */
export function safeValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return safeText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '[function]' : value
  if (value instanceof Error) return safeError(value, depth)
  if (depth >= MAX_DEPTH) return '[deep]'
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} octets]`
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map(item => safeValue(item, depth + 1))
  const out: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [key, item] of Object.entries(value).slice(0, MAX_ENTRIES)) out[safeText(key)] = safeValue(item, depth + 1)
  return out
}

function safeError(error: Error, depth: number): unknown {
  return {
    type: safeText(error.name),
    ...('code' in error && typeof error.code === 'string' ? { code: safeText(error.code) } : {}),
    message: safeText(error.message, 1024),
    ...(error.stack === undefined
      ? {}
      : {
          stack: error.stack
            .split('\n')
            .slice(1, 9)
            .map(line => safeText(line.trim()))
        }),
    ...(error.cause === undefined || depth >= MAX_DEPTH ? {} : { cause: safeValue(error.cause, depth + 1) })
  }
}
