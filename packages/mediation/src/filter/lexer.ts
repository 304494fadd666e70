import { FilterError } from './filter-error.ts'
import { filterLimits } from './filter.ts'

/** A piece of a filter's text. `word` is a name, a keyword, a number, an address or a time; `text` stood in quotes. */
export interface Token {
  readonly kind: 'word' | 'text' | 'sign' | 'end'
  /** The word, the text without quotes and escapes, or the sign. */
  readonly text: string
  /** In characters. */
  readonly offset: number
}

const SPACE = 32
const QUOTE = 34
const BACKSLASH = 92

/** Characters that end a word. */
const signs = '(),=!<>"'

const isBlank = (code: number): boolean => code === SPACE || code === 9 || code === 10 || code === 13

/**
 * Take a filter's text apart, in one pass.
 *
 * @returns the tokens, `end` last.
 * @throws FilterError
 */
export function tokensOf(text: string): Token[] {
  const { octets } = filterLimits
  if (text.length > octets || new TextEncoder().encode(text).length > octets) {
    throw new FilterError(`is longer than ${octets} octets`, 0, `at most ${octets} octets`)
  }
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (isBlank(code)) at++
    else if (code === QUOTE) at = quoted(text, at, tokens)
    else if (signs.includes(text[at])) at = sign(text, at, tokens)
    else at = word(text, at, tokens)
  }
  tokens.push({ kind: 'end', text: '', offset: text.length })
  return tokens
}

function sign(text: string, offset: number, tokens: Token[]): number {
  const first = text[offset]
  const isPair = text[offset + 1] === '=' && (first === '!' || first === '<' || first === '>')
  if (first === '!' && !isPair) throw new FilterError('"!" alone means nothing', offset, 'not, or !=')
  const length = isPair ? 2 : 1
  tokens.push({ kind: 'sign', text: text.slice(offset, offset + length), offset })
  return offset + length
}

function word(text: string, offset: number, tokens: Token[]): number {
  let end = offset
  while (end < text.length && !isBlank(text.charCodeAt(end)) && !signs.includes(text[end])) {
    const code = text.charCodeAt(end)
    if (code < SPACE || code > 126) {
      throw new FilterError('has a character that can only stand in quotes', end, 'letters, digits and signs of ASCII')
    }
    end++
  }
  tokens.push({ kind: 'word', text: text.slice(offset, end), offset })
  return end
}

function quoted(text: string, offset: number, tokens: Token[]): number {
  let value = ''
  for (let at = offset + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      if (!value.isWellFormed()) throw new FilterError('is no well-formed text', offset, 'text')
      tokens.push({ kind: 'text', text: value, offset })
      return at + 1
    }
    if (code === BACKSLASH) {
      at++
      if (text[at] !== '"' && text[at] !== '\\') {
        throw new FilterError('a backslash stands before " or \\ only', at - 1, '\\" or \\\\')
      }
    }
    value += text[at]
  }
  throw new FilterError('the quotes are not closed', offset, '"text"')
}
