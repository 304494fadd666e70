/** Edits (insert, delete, replace a character) from one word to another. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(previous[column]! + 1, current[column - 1]! + 1, replaced))
    }
    previous = current
  }
  return previous[to.length]!
}

/** The known word that was probably meant, or undefined if none is near. */
export function nearestOf(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  const lower = word.slice(0, 128).toLowerCase()
  for (const each of known) {
    const distance = editDistance(lower, each.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [each, distance]
  }
  return best
}
