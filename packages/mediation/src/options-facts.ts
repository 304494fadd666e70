import { VARIABLE_LENGTH } from '@weir/ipfix'
import { fieldEnd } from './record-end.ts'
import type { Layout } from '@weir/ipfix'

/** What one options record says that Programs need. One object, reused. */
export interface OptionsFacts {
  /** selectorId (302) or samplerId (48), or -1. */
  samplerId: number
  /** ifIndex of the one interface that is the scope, besides scopes that speak of the exporter, or -1. */
  ifIndex: number
  /** True if the scope is the interface as egress (14, 253): the rate is that of packets that leave by it. */
  isEgress: boolean
  /** One packet selected in so many; 0 if the record does not say. */
  samplingRate: number
  /** systemInitTimeMilliseconds (160), or NaN. */
  bootTimeMs: number
  /** True if the scope is narrower than the exporter, e.g. one interface: the rate is not that of all records. */
  isNarrow: boolean
}

/** Scopes that speak of the exporter as a whole (RFC 7011 §3.4.2.1): device, process, domain, session. */
const wideScopes: ReadonlySet<number> = new Set([130, 131, 143, 144, 149, 211, 217, 403, 404, 405])
/** ingressInterface, which NetFlow v9's scope type Interface (2) becomes, egressInterface, and the physical ones. */
const interfaceScopes: ReadonlySet<number> = new Set([10, 14, 252, 253])
/** Elements that this reader looks at; the rest is skipped. */
const wanted: ReadonlySet<number> = new Set([34, 48, 49, 50, 160, 302, 305, 306, 309, 310, 311])

const facts: OptionsFacts = {
  samplerId: -1,
  ifIndex: -1,
  isEgress: false,
  samplingRate: 0,
  bootTimeMs: Number.NaN,
  isNarrow: false
}

/** Layouts that say nothing of interest are most of them: asked once. */
const saysNothing = new WeakMap<Layout, boolean>()

const hasWanted = (layout: Layout): boolean => layout.fields.some(({ pen, id }) => pen === 0 && wanted.has(id))

/**
 * Read sampling and boot times out of the records of one options Data Set: samplingInterval (34), samplerRandomInterval (50),
 * samplingPacketInterval and -Space (305, 306), samplingSize and -Population (309, 310), samplingProbability (311), by
 * samplerId (48) or selectorId (302) where the record names one, else by the interface that is its scope;
 * systemInitTimeMilliseconds (160).
 *
 * @param onFacts - called for each record; its argument is reused.
 * @see RFC 5477 §8, RFC 7011 §4, RFC 3954 §6.1
 */
export function readOptionsFacts(
  layout: Layout,
  octets: Uint8Array,
  view: DataView,
  offset: number,
  lengthOctets: number,
  onFacts: (facts: OptionsFacts) => void
): void {
  let isNothing = saysNothing.get(layout)
  if (isNothing === undefined) {
    isNothing = !hasWanted(layout)
    saysNothing.set(layout, isNothing)
  }
  if (isNothing) return
  const end = offset + lengthOctets
  for (let at = offset; at < end;) {
    const next = readRecord(layout, octets, view, at, end)
    if (next <= at || next > end) return
    onFacts(facts)
    at = next
  }
}

function readRecord(layout: Layout, octets: Uint8Array, view: DataView, offset: number, end: number): number {
  facts.samplerId = -1
  facts.ifIndex = -1
  facts.isEgress = false
  facts.bootTimeMs = Number.NaN
  facts.isNarrow = false
  let narrowScopes = 0
  let interval = 0
  let packetInterval = 0
  let packetSpace = -1
  let size = 0
  let population = 0
  let probability = 0
  let at = offset
  for (let index = 0; index < layout.fields.length; index++) {
    const { pen, id, length } = layout.fields[index]!
    const next = fieldEnd(length, octets, at, end)
    if (next > end) return next
    if (index < layout.scopeCount && (pen !== 0 || !(wideScopes.has(id) || id === 48 || id === 302))) {
      facts.isNarrow = true
      narrowScopes++
      if (pen === 0 && interfaceScopes.has(id) && length >= 1 && length <= 4) {
        facts.ifIndex = unsigned(view, at, length)
        facts.isEgress = id === 14 || id === 253
      }
    }
    if (pen === 0 && length !== VARIABLE_LENGTH && wanted.has(id)) {
      const value = unsigned(view, at, length)
      if (id === 34 || id === 50) interval = value
      else if (id === 48 || id === 302) facts.samplerId = value
      else if (id === 160 && value > 0) facts.bootTimeMs = value
      else if (id === 305) packetInterval = value
      else if (id === 306) packetSpace = value
      else if (id === 309) size = value
      else if (id === 310) population = value
      else if (id === 311) probability = length === 8 ? view.getFloat64(at) : length === 4 ? view.getFloat32(at) : 0
    }
    at = next
  }
  // Of an interface and something else, e.g. one direction: not the rate of all that passes the interface.
  if (narrowScopes > 1) facts.ifIndex = -1
  facts.samplingRate = rateOf(interval, packetInterval, packetSpace, size, population, probability)
  return at
}

function rateOf(
  interval: number,
  packetInterval: number,
  packetSpace: number,
  size: number,
  population: number,
  probability: number
): number {
  let rate = 0
  if (packetInterval > 0 && packetSpace >= 0) rate = (packetInterval + packetSpace) / packetInterval
  else if (interval > 0) rate = interval
  else if (size > 0 && population >= size) rate = population / size
  else if (probability > 0 && probability <= 1) rate = 1 / probability
  return Number.isFinite(rate) ? Math.min(0xffffffff, Math.round(rate)) : 0
}

/** Big-endian unsigned of 1..8 octets; above 2^53 rounded, which no rate and no time reaches. */
function unsigned(view: DataView, offset: number, length: number): number {
  let value = 0
  for (let at = offset; at < offset + Math.min(length, 8); at++) value = value * 256 + view.getUint8(at)
  return value
}
