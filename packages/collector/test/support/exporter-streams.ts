import assert from 'node:assert/strict'
import { buildMessage, buildV9, type MessageBuilder } from '@weir/ipfix/testing'
import type { Entry } from './fake-link.ts'
import type { Rig } from './rig.ts'

/** Layouts of records of 8 octets, so that a wrong one decodes to the same octets and only the truth tells. */
export const layouts = ['8:4 2:4', '2:4 8:4', '12:4 1:4', '1:8', '8:4 12:4', '7:2 11:2 1:4'] as const
export const OPTIONS = '149:4 34:4'

export interface StreamOptions {
  readonly version: 9 | 10
  readonly port: number
  readonly odid?: number
  readonly sequence?: number
  readonly exportTimeSec?: number
  /** v9: when it booted, seconds since 1970 UTC. */
  readonly bootTimeSec?: number
  /** The sampling rate of its records; unknown if it never says. */
  rate?: number
}

export interface Datagram {
  readonly port: number
  readonly octets: Uint8Array
}

/** What a Data Set was when it was sent. */
interface Truth {
  readonly fields: string
  readonly rate: number
  readonly port: number
}

/** What may be wrong in a collector is wrong beside this: what the exporters meant, by the octets of each Data Set. */
export class GroundTruth {
  readonly sets = new Map<string, Truth>()
  #sets = 0

  /** Octets of one record that no other record has. */
  next(truth: Truth): string {
    const hex = (0x0a000000 + ++this.#sets).toString(16).padStart(8, '0').repeat(2)
    this.sets.set(hex, truth)
    return hex
  }
}

/** One exporter on one port, or several of it that share its numbers. */
export class TestExporter {
  readonly truth: GroundTruth
  readonly options: Required<StreamOptions>
  sequence: number
  exportTimeSec: number
  bootTimeSec: number

  constructor(truth: GroundTruth, options: StreamOptions) {
    this.truth = truth
    this.options = {
      odid: 1,
      sequence: 0,
      exportTimeSec: 1_700_000_000,
      bootTimeSec: 1_699_900_000,
      rate: 0,
      ...options
    }
    this.sequence = this.options.sequence
    this.exportTimeSec = this.options.exportTimeSec
    this.bootTimeSec = this.options.bootTimeSec
  }

  /** @param definitions - fields by template id; with `hasOptions` an Options Template 999 for the sampling rate too. */
  templates(definitions: Readonly<Record<number, string>>, hasOptions = false, port = this.options.port): Datagram {
    const message = this.#message()
    for (const [id, fields] of Object.entries(definitions)) message.template(Number(id), fields)
    if (hasOptions) message.optionsTemplate(999, 1, OPTIONS)
    return this.#sent(message.octets(), 0, port)
  }

  /** An options record: the sampling rate. */
  rate(port = this.options.port, rate = this.options.rate): Datagram {
    const { odid } = this.options
    return this.#sent(
      this.#message()
        .data(999, hex32(odid) + hex32(rate))
        .octets(),
      1,
      port
    )
  }

  data(templateId: number, fields: string, port = this.options.port): Datagram {
    const record = this.truth.next({ fields, rate: this.options.rate, port })
    return this.#sent(this.#message().data(templateId, record).octets(), 1, port)
  }

  /** It restarts: another boot time, numbers from the start. */
  reboot(port = this.options.port): TestExporter {
    this.exportTimeSec += 120
    const exportTimeSec = this.exportTimeSec
    return new TestExporter(this.truth, {
      ...this.options,
      port,
      sequence: 0,
      exportTimeSec,
      bootTimeSec: exportTimeSec - 60
    })
  }

  #message(): MessageBuilder {
    const { version, odid } = this.options
    const { sequence, exportTimeSec } = this
    const header = { odid, sequence, exportTimeSec }
    return version === 9
      ? buildV9({ ...header, sysUpTimeMs: (exportTimeSec - this.bootTimeSec) * 1000 })
      : buildMessage(header)
  }

  #sent(octets: Uint8Array, records: number, port: number): Datagram {
    this.sequence = (this.sequence + (this.options.version === 9 ? 1 : records)) >>> 0
    return { port, octets }
  }
}

const hex32 = (value: number): string => value.toString(16).padStart(8, '0')

export const ADDRESS = 0xc0000201
export const ADDRESS_TEXT = '192.0.2.1'

/** Give datagrams to the UDP listener, in this order. */
export function give(rig: Rig, ...datagrams: readonly Datagram[]): void {
  const { intake } = rig.collector.parts.udp[0]
  for (const { port, octets } of datagrams) {
    intake.begin()
    intake.fromIPv4(ADDRESS, port, octets, new DataView(octets.buffer, octets.byteOffset), 0, octets.length)
  }
}

/** A Data Set as the mediator sees it: with the sampling rate that it knows at that point. */
export interface Seen {
  readonly hex: string
  readonly fields: string
  readonly rate: number
  readonly port: number
}

/** What the mediator makes of the entries: the last rate that its source's options records said. */
export function seenOf(entries: readonly Entry[]): Seen[] {
  const rates = new Map<number, number>()
  const seen: Seen[] = []
  for (const { layout, source, hex } of entries) {
    if (layout.scopeCount > 0) rates.set(source.id, Number.parseInt(hex.slice(8, 16), 16))
    else {
      const fields = layout.fields.map(({ id, length }) => `${id}:${length}`).join(' ')
      seen.push({ hex, fields, rate: rates.get(source.id) ?? 0, port: source.port })
    }
  }
  return seen
}

/** Nothing was decoded by another layout or scaled by another rate than its exporter meant. Unknown is not wrong. */
export function assertRight(rig: Rig, truth: GroundTruth): void {
  for (const { hex, fields, rate, port } of seenOf(rig.link.entries)) {
    const meant = truth.sets.get(hex)
    assert.ok(meant, `no exporter sent ${hex}`)
    assert.deepEqual({ hex, fields, port }, { hex, fields: meant.fields, port: meant.port })
    if (rate !== 0) assert.equal(rate, meant.rate, `rate of ${hex} from port ${port}`)
  }
}

/** Everything that was sent was decoded, once. */
export function assertWhole(rig: Rig, truth: GroundTruth): void {
  assert.deepEqual(
    seenOf(rig.link.entries)
      .map(({ hex }) => hex)
      .toSorted(),
    [...truth.sets.keys()].toSorted()
  )
}
