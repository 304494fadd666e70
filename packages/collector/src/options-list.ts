import { RecordReader, valueToText, type Layout, type TemplateEntry } from '@weir/ipfix'
import { CodedError, exitCodes } from '@weir/runtime'
import type { OptionsRecord } from '@weir/templates'
import type { CollectorParts } from './collector.ts'
import type { Domain } from './domain.ts'
import type { Exporter } from './exporter.ts'
import { PageSelection } from './page-selection.ts'
import { OptionsValues, samplingOf, v5SamplingOf } from './options-values.ts'
import { inSlices } from './slices.ts'

/** What options records can be asked for by what they tell of. */
export type OptionsTopic = 'sampling' | 'interfaces' | 'vrfs' | 'applications'

/** An options Layout tells of a topic if it has one of these elements. */
const topics: Readonly<Record<OptionsTopic, ReadonlySet<number>>> = {
  sampling: new Set([34, 35, 49, 50, 304, 305, 306, 309, 310, 311]),
  interfaces: new Set([82, 83]),
  vrfs: new Set([236]),
  applications: new Set([94, 96])
}

export const isOptionsTopic = (text: unknown): text is OptionsTopic =>
  typeof text === 'string' && Object.hasOwn(topics, text)

interface Candidate {
  readonly domain: Domain
  /** Undefined: what the header of NetFlow v5 says. */
  readonly record: OptionsRecord | undefined
}

/** More entries before a page than this would have to be kept and ordered for it. */
const MAX_OFFSET = 10_000

/**
 * Answer of `collector.options`: what an exporter has said of one topic, decoded, in the order of scope, domain and the octets
 * that name each record.
 *
 * @throws CodedError OFFSET_TOO_LARGE
 */
export async function optionsList(
  parts: CollectorParts,
  exporter: Exporter,
  topic: OptionsTopic,
  offset: number,
  limit: number
) {
  if (offset > MAX_OFFSET) {
    throw new CodedError(
      'OFFSET_TOO_LARGE',
      `offset is ${offset}; at most ${MAX_OFFSET} are passed over.`,
      exitCodes.failed
    )
  }
  const selection = new PageSelection<Candidate>(inOrder, offset + limit)
  let total = 0
  function* walk(): Generator<void> {
    for (const session of exporter.sessions.values()) {
      for (const domain of session.domains.values()) {
        const offer = (record: OptionsRecord | undefined): void => {
          total++
          const candidate = { domain, record }
          if (selection.takes(candidate)) selection.keep(candidate)
        }
        if (topic === 'sampling' && v5SamplingOf(domain.source?.v5Sampling) !== undefined) offer(undefined)
        for (const record of parts.options.recordsOf(domain)) {
          yield
          if (tellsOf(record.layout, topic)) offer(record)
        }
      }
    }
  }
  await inSlices(walk(), parts.clock)
  const reader = new RecordReader(parts.registry)
  const items = selection
    .inOrder()
    .slice(offset)
    .map(candidate => itemOf(parts, candidate, topic, reader))
  return { exporter: exporter.id, topic, total, offset, limit, items }
}

function tellsOf(layout: Layout, topic: OptionsTopic): boolean {
  const wanted = topics[topic]
  return layout.scopeCount > 0 && layout.fields.some(({ pen, id }) => pen === 0 && wanted.has(id))
}

function inOrder(one: Candidate, other: Candidate): number {
  if (one.domain !== other.domain) {
    const [scope, otherScope] = [one.domain.session.identity.scope, other.domain.session.identity.scope]
    if (scope !== otherScope) return scope < otherScope ? -1 : 1
    return one.domain.odid - other.domain.odid
  }
  if (one.record === undefined || other.record === undefined)
    return one.record === other.record ? 0 : one.record === undefined ? -1 : 1
  if (one.record.layout !== other.record.layout) return one.record.layout.id - other.record.layout.id
  return Buffer.compare(nameOf(one.record), nameOf(other.record))
}

const nameOf = ({ octets, scopeOctets }: OptionsRecord): Uint8Array => octets.subarray(0, scopeOctets)

function itemOf(parts: CollectorParts, { domain, record }: Candidate, topic: OptionsTopic, reader: RecordReader) {
  const { session, odid } = domain
  const { identity } = session
  const place = { odid, scope: identity.scope, port: identity.port, listener: identity.listener }
  if (record === undefined) {
    const learned = { learnedBy: 'header', templateId: null, source: 'wire', learnedAtMs: null, exportTimeSec: null }
    const said = { ...samplingOf(new OptionsValues()), ...v5SamplingOf(domain.source?.v5Sampling) }
    return { ...place, ...learned, ...said, fields: [] }
  }
  const values = new OptionsValues()
  const fields = fieldsOf(parts, record, identity.version, reader, values)
  const template = templateOf(domain, record.layout)
  return {
    ...place,
    learnedBy: 'options',
    templateId: template?.templateId ?? null,
    source: sourceOf(domain, record, template),
    learnedAtMs: Math.round(record.receivedAtMs),
    exportTimeSec: record.exportTimeSec,
    ...topicOf(topic, values),
    fields
  }
}

function topicOf(topic: OptionsTopic, values: OptionsValues) {
  switch (topic) {
    case 'sampling':
      return samplingOf(values)
    case 'interfaces':
      return {
        ifIndex: values.number(10, 14, 252, 253),
        element: values.nameOf(10, 14, 252, 253),
        name: values.text(82),
        description: values.text(83)
      }
    case 'vrfs':
      return { vrfId: values.number(234, 235), element: values.nameOf(234, 235), name: values.text(236) }
    case 'applications':
      return { applicationId: values.text(95), name: values.text(96), description: values.text(94) }
  }
}

function fieldsOf(
  { clock }: CollectorParts,
  { layout, octets }: OptionsRecord,
  wireVersion: number,
  reader: RecordReader,
  values: OptionsValues
) {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const fields: { pen: number; id: number; name: string | null; isScope: boolean; value: string }[] = []
  const nowMs = clock.nowMs()
  reader.open(layout, view, 0, octets.length, wireVersion)
  reader.nextRecord()
  while (reader.nextField()) {
    const { pen, id, isScope, element, type, offset, length } = reader
    const value = valueToText(type, octets, view, offset, length, nowMs)
    fields.push({ pen, id, name: element?.name ?? null, isScope, value })
    if (pen === 0) values.set(id, element?.name ?? null, value)
  }
  return fields
}

function templateOf(domain: Domain, layout: Layout): TemplateEntry | undefined {
  for (const entry of domain.table.entries()) if (entry.layout === layout) return entry
  return undefined
}

/** What was received before the session began was not received by it. */
function sourceOf(domain: Domain, record: OptionsRecord, template: TemplateEntry | undefined): string {
  if (template === undefined || record.receivedAtMs < domain.session.openedAtMs) return 'store'
  return template.source === 'file' ? 'wire' : template.source
}
