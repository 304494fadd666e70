import { buildMessage, buildV9 } from '@weir/ipfix/testing'

/** A definition, and the key that its Layout has. */
interface Definition {
  readonly fields: string
  readonly key: string
  /** Octets of one record, as hex. */
  record(serial: number): string
}

const hex = (value: number, octets: number): string => value.toString(16).padStart(octets * 2, '0')

const fixed: readonly Definition[] = [
  { fields: '8:4 2:4', key: '0|8:4,2:4,', record: serial => hex(serial, 4) + hex(serial, 4) },
  { fields: '2:4 8:4', key: '0|2:4,8:4,', record: serial => hex(serial, 4) + hex(serial, 4) },
  { fields: '8:4 2:4 4:1', key: '0|8:4,2:4,4:1,', record: serial => hex(serial, 4) + hex(serial, 4) + '06' },
  { fields: '4:1 8:4', key: '0|4:1,8:4,', record: serial => '11' + hex(serial, 4) }
]
const variable: Definition = {
  fields: '82:v 2:4',
  key: '0|82:65535,2:4,',
  record: serial => '04' + hex(serial, 4) + hex(serial, 4)
}

const IDS = [256, 257, 258]

/** A seeded source of numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e37_79b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

interface Sent {
  readonly octets: Uint8Array
  /** It defines an id anew while the exporter runs: it is not lost, and nothing sent after it overtakes it. */
  readonly isBarrier: boolean
  readonly isLossy: boolean
}

/**
 * An exporter that restarts, gives its ids anew, pads oddly and sends what is no Data Set, over a network that loses, doubles and
 * swaps. It knows by which definition it made every record: {@link truth}.
 *
 * What no collector can see is left out: a restart within a second, or before the numbers say anything; data that overtakes the
 * definition that replaces its own, or follows one that is lost.
 */
export class RestlessExporter {
  /** Octets of the records of each Set, as hex, to the key of the Layout by which they were made. */
  readonly truth = new Map<string, string>()
  sets = 0
  readonly #random: () => number
  readonly #version: 9 | 10
  readonly #sent: Sent[] = []
  #definitions = new Map<number, Definition>()
  #serial: number
  #sequence = 0
  #timeSec = 1_700_000_000
  #bootSec = 1_699_000_000

  constructor(seed: number, version: 9 | 10) {
    this.#random = randomOf(seed)
    this.#version = version
    this.#serial = seed * 100_000 + 1
  }

  /** What arrives, in the order in which it does. */
  run(restarts: number): Uint8Array[] {
    for (let restart = 0; restart <= restarts; restart++) {
      if (restart > 0) this.#restart()
      else this.#define(IDS)
      for (let step = 0; step < 40; step++) this.#step()
      // Before it may begin anew its numbers have to mean something.
      for (let step = 0; step < 12; step++) this.#data(false)
    }
    const arrived = this.#travel()
    const before = this.#sent.length
    for (let time = 0; time < 3; time++) {
      this.#timeSec++
      this.#announce(IDS, false)
      this.#data(false)
    }
    return [...arrived, ...this.#sent.slice(before).map(({ octets }) => octets)]
  }

  #step(): void {
    const chance = this.#random()
    if (chance < 0.08) this.#timeSec++
    if (chance < 0.12)
      this.#announce(
        IDS.filter(() => this.#random() < 0.6),
        true
      )
    else if (chance < 0.16) this.#redefine()
    else this.#data(this.#random() < 0.1)
  }

  #restart(): void {
    this.#timeSec += 2 + Math.trunc(this.#random() * 200)
    this.#bootSec = this.#timeSec - 1
    this.#sequence = 0
    this.#definitions = new Map()
    for (const id of IDS) this.#definitions.set(id, this.#anyDefinition())
    if (this.#random() < 0.5) this.#announce(IDS, true)
  }

  #define(ids: readonly number[]): void {
    for (const id of ids) this.#definitions.set(id, this.#anyDefinition())
    this.#announce(ids, false)
  }

  #redefine(): void {
    // What is not announced yet cannot be replaced: the first definition would be lost without a trace.
    const id = this.#anyOf(IDS)
    this.#announce([id], false)
    this.#data(false)
    this.#define([id])
  }

  #announce(ids: readonly number[], isLossy: boolean): void {
    const message = this.#message()
    for (const id of ids) message.template(id, this.#definitions.get(id)!.fields)
    this.#send(message.octets(), !isLossy, isLossy, 0)
  }

  #data(isOdd: boolean): void {
    const message = this.#message()
    let records = 0
    for (let set = 0; set < 1 + Math.trunc(this.#random() * 2); set++) {
      const id = this.#anyOf(IDS)
      const definition = this.#definitions.get(id)!
      const count = isOdd && this.#random() < 0.3 ? 0 : 1 + Math.trunc(this.#random() * 12)
      const octets = Array.from({ length: count }, () => definition.record(this.#serial++))
      const rest = isOdd ? 'ff'.repeat(1 + Math.trunc(this.#random() * 4)) : '00'.repeat(Math.trunc(this.#random() * 4))
      // Of variable length, a rest as long as a record would be read as one.
      message.newSet().data(id, octets.join('') + (definition === variable ? rest.slice(0, 8) : rest))
      if (count > 0) this.truth.set(octets.join(''), definition.key)
      this.sets++
      records += count
    }
    this.#send(message.octets(), false, true, records)
  }

  #message() {
    const header = { sequence: this.#sequence, exportTimeSec: this.#timeSec }
    if (this.#version === 10) return buildMessage(header)
    return buildV9({ ...header, sysUpTimeMs: (this.#timeSec - this.#bootSec) * 1000 })
  }

  #send(octets: Uint8Array, isBarrier: boolean, isLossy: boolean, records: number): void {
    this.#sent.push({ octets, isBarrier, isLossy })
    this.#sequence += this.#version === 9 ? 1 : records
  }

  #travel(): Uint8Array[] {
    const arrived: { readonly octets: Uint8Array; readonly at: number }[] = []
    let notBefore = 0
    for (const [index, { octets, isBarrier, isLossy }] of this.#sent.entries()) {
      if (isLossy && this.#random() < 0.04) continue
      const isLate = !isBarrier && this.#random() < 0.1
      const at = Math.max(notBefore, index) + (isLate ? this.#random() * 6 : 0)
      if (isBarrier) notBefore = at
      arrived.push({ octets, at })
      if (!isBarrier && this.#random() < 0.02) arrived.push({ octets, at: at + this.#random() * 4 })
    }
    return arrived.toSorted((a, b) => a.at - b.at).map(({ octets }) => octets)
  }

  #anyDefinition(): Definition {
    return this.#anyOf(this.#version === 9 ? fixed : [...fixed, variable])
  }

  #anyOf<T>(values: readonly T[]): T {
    return values[Math.trunc(this.#random() * values.length)]
  }
}
