import type { FilterConstants } from './condition.ts'
import type { Range, Range16 } from './filter.ts'

/** Collects the values of a filter; each is told its index. */
export class ConstantPool {
  readonly #numbers: number[] = []
  readonly #words: number[] = []
  readonly #texts: number[] = []
  readonly #steps: number[] = []

  number(value: number): number {
    return this.#numbers.push(value) - 1
  }

  ranges(ranges: readonly Range[]): number {
    const from = this.#numbers.length
    this.#numbers.push(...ranges.flat())
    return from
  }

  ranges16(ranges: readonly Range16[]): number {
    const from = this.#words.length
    for (const address of ranges.flat()) {
      for (let at = 0; at < 16; at += 4) {
        const [a, b, c, d] = address.slice(at)
        this.#words.push(((a << 24) | (b << 16) | (c << 8) | d) >>> 0)
      }
    }
    return from
  }

  text(text: string): { from: number; to: number } {
    const octets = new TextEncoder().encode(text)
    const from = this.#texts.length
    this.#texts.push(...octets)
    this.#steps.push(...stepsOf(octets))
    return { from, to: from + octets.length }
  }

  constants(): FilterConstants {
    return {
      numbers: Float64Array.from(this.#numbers),
      words: Uint32Array.from(this.#words),
      texts: Uint8Array.from(this.#texts),
      steps: Uint16Array.from(this.#steps)
    }
  }
}

/** For each octet: the longest proper begin of what stands before it that is also its end. */
function stepsOf(octets: Uint8Array): number[] {
  const steps = [0, 0]
  for (let n = 1, matched = 0; n + 1 < octets.length; n++) {
    while (matched > 0 && octets[n] !== octets[matched]) matched = steps[matched]
    if (octets[n] === octets[matched]) matched++
    steps.push(matched)
  }
  return steps.slice(0, octets.length)
}
