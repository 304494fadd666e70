const QUOTE = 0x22
const BACKSLASH = 0x5c
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * True if objects and lists stand in each other deeper than so often. Whatever walks a document calls itself once for each level, so one
 * that is too deep is refused before anything walks it.
 *
 * @param text - JSON; of what is none only that nothing is thrown is promised.
 */
export function isDeeperThan(text: string, levels: number): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isText) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isText = false
    } else if (code === QUOTE) isText = true
    else if (code === BRACE || code === BRACKET) {
      if (++depth > levels) return true
    } else if (code === BRACE_END || code === BRACKET_END) depth--
  }
  return false
}
