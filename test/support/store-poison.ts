import type { RedisWire } from './redis-wire.ts'

/** Offsets in a value without a seal: the mark that it has none, then the stored form of an entry. */
const VERSION = 1
const KIND = 2
const DEFINITION_AT = 15
const SCOPE_LENGTH = 19
const SCOPE = 21

export interface PoisonOptions {
  /** Values are authenticated: then any change may be made. Else only such as do not leave a valid entry of the same place. */
  readonly isSealed: boolean
  /** Values that once were right, by key and field. */
  readonly old: ReadonlyMap<string, ReadonlyMap<string, Buffer>>
}

interface Target {
  readonly key: string
  readonly field: string
  readonly value: Buffer
}

/** Somebody who can write to the server and has not the key: overwrites what is live, and tells the pods to look at it. */
export class StorePoison {
  /** Values written. */
  written = 0
  readonly #wire: RedisWire
  readonly #options: PoisonOptions
  #seed = 12_345

  constructor(wire: RedisWire, options: PoisonOptions) {
    this.#wire = wire
    this.#options = options
  }

  /**
   * Overwrite every live entry, again and again.
   *
   * @param values - so many at least.
   * @returns the number of entries.
   */
  async write(values: number): Promise<number> {
    const targets = await this.#targets()
    const pushes = await this.#pushes()
    if (targets.length < 2) throw new Error('there is nothing to poison')
    for (const end = this.written + values; this.written < end; this.written += targets.length) {
      const forged = targets.map(target => ['HSET', target.key, target.field, this.#forge(target, targets)])
      const replies = await this.#wire.send([...forged, ...pushes])
      const refused = replies.find(reply => reply instanceof Error)
      if (refused !== undefined) throw refused
    }
    return targets.length
  }

  async #targets(): Promise<Target[]> {
    const hashes = await this.#wire.hashes(await this.#wire.keys('weir:*:e'))
    return [...hashes].flatMap(([key, fields]) => [...fields].map(([field, value]) => ({ key, field, value })))
  }

  /** What tells the pods that every place has changed. */
  async #pushes(): Promise<string[][]> {
    const indexes = await this.#wire.keys('weir:*:seen')
    const members = await this.#wire.send(indexes.map(index => ['ZRANGE', index, '0', '-1']))
    return indexes.map((index, at) => {
      const places = (members[at] as readonly Buffer[]).map(String)
      return ['PUBLISH', index.replace(/seen$/, 'changed'), ['liar', ...places].join('\n')]
    })
  }

  #below(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return this.#seed % limit
  }

  #forge(target: Target, targets: readonly Target[]): Buffer {
    const { value, key, field } = target
    const old = this.#options.old.get(key)?.get(field)
    switch (this.#below(6)) {
      case 0:
        return old ?? this.#swapped(target, targets, false)
      case 1:
        return this.#swapped(target, targets, true)
      case 2:
        return this.#swapped(target, targets, false)
      case 3:
        return value.subarray(0, this.#below(value.length))
      case 4:
        return Buffer.concat([value, Buffer.of(this.#below(256))])
      default:
        return this.#flipped(value)
    }
  }

  /** A value of another place, or of this place under another name. */
  #swapped({ key, field }: Target, targets: readonly Target[], isSameField: boolean): Buffer {
    const others = targets.filter(other =>
      isSameField ? other.field === field && other.key !== key : other.key !== key
    )
    return others[this.#below(others.length)].value
  }

  #flipped(value: Buffer): Buffer {
    // An earlier lie that was cut short is wrong as it is.
    if (value.length < SCOPE) return value
    const flipped = Buffer.from(value)
    const at = this.#options.isSealed ? this.#below(value.length) : this.#placeOctet(value)
    flipped[at] ^= 1 << this.#below(8)
    return flipped
  }

  /** An octet that says what this is and of which place. */
  #placeOctet(value: Buffer): number {
    const octets = [0, VERSION, KIND, DEFINITION_AT, DEFINITION_AT + 3, SCOPE_LENGTH + 1]
    const scopeAndDomain = value.readUInt16BE(SCOPE_LENGTH) + 4
    const at = this.#below(octets.length + scopeAndDomain)
    return octets[at] ?? SCOPE + at - octets.length
  }
}
