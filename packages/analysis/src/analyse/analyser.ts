import { LEAST_ENTRIES } from '../tables/heavy-table.ts'
import { TimeSeries } from '../tables/time-series.ts'
import { addConversations, conversationOctets, conversationTable } from './conversations.ts'
import { Mix, WITHOUT } from './mix.ts'
import { addPorts, addressTable, addTalkers, portOctets, portTable, talkerOctets } from './talkers.ts'
import { LAST_SECOND } from '../record-table/time-of-words.ts'
import type { HeavyTable } from '../tables/heavy-table.ts'
import type { FlowColumns } from '../flows/flow-columns.ts'

/** Share of the memory that each kind of table may take; while a table grows it is there one and a half times. */
const SHARES = { talkers: 0.25, conversations: 0.35, ports: 0.04 }
const WHILE_GROWING = 1.5

const TCP = 6
const BINS = 480
const DAY_MS = 86_400_000
/** Times further off from when their Message was sent are not believed. */
const BEFORE_EXPORT_MS = 7 * DAY_MS
const AFTER_EXPORT_MS = DAY_MS

/** Counts columns of records. What it holds is bounded by the memory it is given, whatever the records are. */
export class Analyser {
  readonly sources: HeavyTable
  readonly destinations: HeavyTable
  readonly conversations: HeavyTable
  readonly sourcePorts: HeavyTable
  readonly destinationPorts: HeavyTable
  readonly protocols = new Mix()
  readonly tcpFlags = new Mix()
  /** Records whose times cannot be are in it when they were sent. */
  readonly #series = new TimeSeries(BINS)
  /** All records at their own times; there once the two differ. */
  #ownSeries: TimeSeries | undefined
  records = 0
  octets = 0
  packets = 0
  flows = 0
  estimatedOctets = 0
  estimatedPackets = 0
  /** What records of both directions tell of the way back (RFC 5103); not in `octets` and `packets`. */
  reverseOctets = 0
  reversePackets = 0
  estimatedReverseOctets = 0
  estimatedReversePackets = 0
  recordsWithoutOctets = 0
  recordsWithoutPackets = 0
  recordsWithoutAddresses = 0
  recordsWithoutTimes = 0
  /** Records whose times are further off from their Export Time than can be. */
  recordsUntimely = 0
  recordsOfUnknownSampling = 0

  /** @param memoryOctets - for all tables together. */
  constructor(memoryOctets: number) {
    const capacity = (share: number, octets: number): number =>
      Math.max(LEAST_ENTRIES, Math.floor((memoryOctets * share) / WHILE_GROWING / octets))
    this.sources = addressTable(capacity(SHARES.talkers, talkerOctets))
    this.destinations = addressTable(capacity(SHARES.talkers, talkerOctets))
    this.conversations = conversationTable(capacity(SHARES.conversations, conversationOctets))
    this.sourcePorts = portTable(capacity(SHARES.ports, portOctets))
    this.destinationPorts = portTable(capacity(SHARES.ports, portOctets))
  }

  /** @param columns - completed; read, not kept. */
  add(columns: FlowColumns): void {
    this.#addSums(columns)
    this.#addMixes(columns)
    this.#addTimes(columns)
    addTalkers(columns, this.sources, this.destinations)
    addConversations(columns, this.conversations)
    addPorts(columns, this.sourcePorts, this.destinationPorts)
  }

  #addSums(columns: FlowColumns): void {
    const { rows, octets, packets, flows, estimatedOctets, estimatedPackets } = columns
    const { reverseOctets, reversePackets, rate, source, destination } = columns
    this.records += rows
    for (let row = 0; row < rows; row++) {
      const oneIn = rate.float64[row]
      const factor = oneIn > 0 ? oneIn : 1
      this.octets += octets.float64[row]
      this.packets += packets.float64[row]
      this.flows += flows[row]
      this.estimatedOctets += estimatedOctets[row]
      this.estimatedPackets += estimatedPackets[row]
      this.reverseOctets += reverseOctets.float64[row]
      this.reversePackets += reversePackets.float64[row]
      this.estimatedReverseOctets += reverseOctets.float64[row] * factor
      this.estimatedReversePackets += reversePackets.float64[row] * factor
      this.recordsOfUnknownSampling += oneIn > 0 ? 0 : 1
      this.recordsWithoutOctets += 1 - octets.present[row]
      this.recordsWithoutPackets += 1 - packets.present[row]
      this.recordsWithoutAddresses += 1 - (source.present[row] & destination.present[row])
    }
  }

  #addMixes(columns: FlowColumns): void {
    const { rows, protocol, tcpFlags } = columns
    for (let row = 0; row < rows; row++) {
      const isKnown = protocol.present[row] === 1
      const number = protocol.uint32[row] & 255
      this.protocols.add(isKnown ? number : WITHOUT, columns, row)
      if (isKnown && number !== TCP) continue
      if (tcpFlags.present[row] === 1) this.tcpFlags.add(tcpFlags.uint32[row] & 255, columns, row)
      else if (isKnown) this.tcpFlags.add(WITHOUT, columns, row)
    }
  }

  /**
   * The series that tells most. Exporters that replay what was recorded write old times: where most times are far off from
   * their Export Time they are believed.
   */
  get series(): TimeSeries {
    return this.areOldTimesBelieved ? this.#ownSeries! : this.#series
  }

  get areOldTimesBelieved(): boolean {
    return this.#ownSeries !== undefined && this.recordsUntimely * 2 > this.records
  }

  #addTimes({ rows, startMs, endMs, exportMs, estimatedOctets, estimatedPackets, flows }: FlowColumns): void {
    for (let row = 0; row < rows; row++) {
      const sentMs = exportMs[row]
      const hasStart = startMs.present[row] === 1 && startMs.float64[row] < AFTER_LAST_MS
      const hasEnd = endMs.present[row] === 1 && endMs.float64[row] < AFTER_LAST_MS
      const first = hasStart ? startMs.float64[row] : hasEnd ? endMs.float64[row] : sentMs
      const last = hasEnd ? endMs.float64[row] : first
      const octets = estimatedOctets[row]
      const packets = estimatedPackets[row]
      const isBelieved = isTimely(first, sentMs) && isTimely(last, sentMs)
      if (!hasStart && !hasEnd) this.recordsWithoutTimes++
      if (!isBelieved) {
        this.recordsUntimely++
        this.#ownSeries ??= this.#series.copy()
      }
      this.#ownSeries?.add(first, last, octets, packets, flows[row])
      if (isBelieved) this.#series.add(first, last, octets, packets, flows[row])
      else this.#series.add(sentMs, sentMs, octets, packets, flows[row])
    }
  }
}

/** A time from here on is as good as none. */
const AFTER_LAST_MS = (LAST_SECOND + 1) * 1000

const isTimely = (timeMs: number, sentMs: number): boolean =>
  timeMs >= sentMs - BEFORE_EXPORT_MS && timeMs <= sentMs + AFTER_EXPORT_MS
