import { ElementRegistry } from '@weir/ipfix'
import { FilterError, parseFilter } from '@weir/mediation'
import { FilterText } from '@weir/mediation/testing'

// node test/fuzz/filters.fuzz.ts [INPUTS] [SEED]: texts that are filters, nearly filters or none. Each is taken or refused with a place in
// it (TH-38); the longest time one took is told.
const [inputs = 10_000_000, firstSeed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const texts = Math.ceil(inputs / 10)

const SLOW_MS = 0.2
const registry = ElementRegistry.standard()

/** @throws what is no FilterError with a place in the text: that breaks an invariant. */
function parseMs(text: string, seed: number): number {
  const startMs = performance.now()
  try {
    parseFilter(text, registry)
    taken++
  } catch (error) {
    if (!(error instanceof FilterError) || !(error.offset >= 0 && error.offset <= text.length)) {
      process.stdout.write(`seed ${seed} breaks an invariant: ${JSON.stringify(text)}\n`)
      throw error
    }
  }
  return performance.now() - startMs
}

let taken = 0
let longestMs = 0
let longest = ''
const startMs = performance.now()
for (let seed = firstSeed; seed < firstSeed + texts; seed++) {
  const text = new FilterText(seed % 2 ** 31).anyText()
  let tookMs = parseMs(text, seed)
  // What is slow of itself is slow again.
  for (let again = 0; again < 5 && tookMs > SLOW_MS; again++) tookMs = Math.min(tookMs, parseMs(text, seed))
  if (tookMs > longestMs) [longestMs, longest] = [tookMs, text]
}
const seconds = (performance.now() - startMs) / 1000
process.stdout.write(
  `filters: ${texts} texts, ${taken} taken, ${(seconds * 1000).toFixed(0)} ms, the longest ${longestMs.toFixed(2)} ms ` +
    `(${longest.length} characters), seed ${firstSeed}\n`
)
