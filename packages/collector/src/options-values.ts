/** What one options record says, by id of IANA's elements, as text (RFC 7373). */
export class OptionsValues {
  readonly #texts = new Map<number, string>()
  readonly #names = new Map<number, string | null>()

  set(id: number, name: string | null, text: string): void {
    this.#texts.set(id, text)
    this.#names.set(id, name)
  }

  /** The value of the first of these elements that the record has, or null. */
  text(...ids: readonly number[]): string | null {
    const id = this.#first(ids)
    return id === undefined ? null : (this.#texts.get(id) ?? null)
  }

  /** The same as a number; null also for what is none, or is none that a number holds exactly. */
  number(...ids: readonly number[]): number | null {
    const text = this.text(...ids)
    const value = text === null || text === '' ? Number.NaN : Number(text)
    return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : null
  }

  /** Name of the first of these elements that the record has, or null. */
  nameOf(...ids: readonly number[]): string | null {
    const id = this.#first(ids)
    return id === undefined ? null : (this.#names.get(id) ?? null)
  }

  #first(ids: readonly number[]): number | undefined {
    return ids.find(id => this.#texts.has(id))
  }
}

/** Selector algorithms of RFC 5477 §8.2.1 (element 304). */
const algorithms: readonly (string | undefined)[] = [
  undefined,
  'systematic count-based',
  'systematic time-based',
  'random n-out-of-N',
  'uniform probabilistic',
  'property match',
  'hash BOB',
  'hash IPSX',
  'hash CRC'
]
/** NetFlow's own (elements 35 and 49): 1 deterministic, 2 random. */
const netflowAlgorithms: readonly (string | undefined)[] = [undefined, 'deterministic', 'random']

/**
 * How packets are selected: by which sampler or selector, of which interface, one in how many.
 *
 * @see RFC 5477 §8, RFC 3954 §8
 */
export function samplingOf(values: OptionsValues) {
  const algorithm = values.number(304)
  return {
    selectorId: values.text(302, 48),
    selectorName: values.text(335, 84),
    ifIndex: values.number(10, 14, 252, 253),
    rate: rateOf(values),
    algorithm:
      algorithm === null ? (netflowAlgorithms[values.number(49, 35) ?? 0] ?? null) : (algorithms[algorithm] ?? null)
  }
}

/** One packet in so many; null if the record does not say, or says nonsense. */
function rateOf(values: OptionsValues): number | null {
  const [selected, passed] = [values.number(305), values.number(306)]
  if (selected !== null && selected > 0 && passed !== null) return (selected + passed) / selected
  const interval = values.number(34, 50)
  if (interval !== null && interval > 0) return interval
  const [size, population] = [values.number(309), values.number(310)]
  if (size !== null && size > 0 && population !== null && population >= size) return population / size
  const probability = values.number(311)
  return probability !== null && probability > 0 && probability <= 1 ? 1 / probability : null
}

/**
 * What the sampling field of a NetFlow v5 header says: 2 bits of mode, 14 of interval.
 *
 * @param field - -1 or undefined where there is none.
 */
export function v5SamplingOf(field: number | undefined) {
  const interval = field === undefined || field < 0 ? 0 : field & 0x3fff
  if (field === undefined || interval === 0) return undefined
  return { rate: interval, algorithm: netflowAlgorithms[field >> 14] ?? null }
}
