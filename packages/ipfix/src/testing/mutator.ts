/** A small repeatable generator: the same seed gives the same numbers. */
class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1
    for (let at = 0; at < 4; at++) this.next()
  }

  /** An unsigned 32-bit number (xorshift). */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return this.#state
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit
  }
}

const boundaries = [0, 1, 2, 3, 4, 5, 15, 16, 20, 127, 128, 254, 255, 256, 257, 0x7fff, 0x8000, 0xfffe, 0xffff]

/** Makes wrong Messages from right ones: repeatable by its seed. */
export class Mutator {
  readonly #seeds: readonly Uint8Array[]

  /** @param seeds - Messages to begin from, of any version. */
  constructor(seeds: readonly Uint8Array[]) {
    this.#seeds = seeds
  }

  /** One Message, mutated up to five times; its Length is set right in half of the cases, so that the Sets are reached. */
  make(seed: number): Uint8Array {
    const random = new SeededRandom(seed)
    let octets: Uint8Array = this.#seeds[random.below(this.#seeds.length)].slice()
    for (let times = random.below(6); times > 0; times--) octets = this.#mutate(octets, random)
    if (octets.length >= 4 && octets[1] === 10 && random.below(2) === 0)
      set16(octets, 2, Math.min(octets.length, 65535))
    return octets
  }

  #mutate(octets: Uint8Array, random: SeededRandom): Uint8Array {
    if (octets.length === 0) return this.#seeds[random.below(this.#seeds.length)].slice()
    const at = random.below(octets.length)
    switch (random.below(9)) {
      case 0:
        octets[at] ^= 1 << random.below(8)
        return octets
      case 1:
        octets[at] = random.next()
        return octets
      case 2:
      case 3:
        set16(octets, at & ~1, boundaries[random.below(boundaries.length)])
        return octets
      case 4:
        set16(octets, at & ~1, Math.max(0, octets.length - at + random.below(9) - 4))
        return octets
      case 5:
        return octets.slice(0, at)
      case 6:
        return joined(octets, new Uint8Array(random.below(64)).fill(random.below(3)))
      case 7:
        // A part of it again: Sets twice, lengths in the wrong place.
        return joined(octets.slice(0, at), octets.slice(random.below(octets.length)))
      default: {
        const other = this.#seeds[random.below(this.#seeds.length)]
        return joined(octets.slice(0, at), other.slice(random.below(other.length)))
      }
    }
  }
}

function set16(octets: Uint8Array, at: number, value: number): void {
  if (at + 1 >= octets.length) return
  octets[at] = value >> 8
  octets[at + 1] = value
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const octets = new Uint8Array(Math.min(65535, one.length + other.length))
  octets.set(one)
  octets.set(other.subarray(0, octets.length - one.length), one.length)
  return octets
}
